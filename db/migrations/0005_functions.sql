-- The only ways across teams. Owned by blockbot_authn, executable by the runtime role alone.
SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- Who wrote, and for which team. Always one row; org_id is null for a stranger or a group nobody claimed.
CREATE FUNCTION auth.resolve_sender(p_bot bigint, p_user bigint, p_chat bigint)
RETURNS TABLE (account_id uuid, org_id uuid, org_name text, user_id uuid, role text, locale text, time_zone text,
               display_name text, claimed boolean, teams int, pending text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE a auth.accounts; m app.users; v_org uuid; v_claimed boolean := false; v_teams int := 0; v_name text; v_pending text;
BEGIN
  SELECT * INTO a FROM auth.accounts t WHERE t.telegram_user_id = p_user AND t.status = 'active';
  IF p_chat < 0 THEN
    SELECT c.org_id INTO v_org FROM app.chats c
      WHERE c.bot_id = p_bot AND c.telegram_chat_id = p_chat AND c.kind <> 'private' AND c.status = 'active';
    v_claimed := v_org IS NOT NULL;
  END IF;
  IF a.id IS NOT NULL THEN
    SELECT count(*) INTO v_teams FROM app.users u WHERE u.account_id = a.id AND u.status = 'active';
    IF v_claimed THEN
      SELECT * INTO m FROM app.users u WHERE u.account_id = a.id AND u.org_id = v_org AND u.status = 'active';
    ELSE
      SELECT * INTO m FROM app.users u WHERE u.account_id = a.id AND u.status = 'active'
        ORDER BY (u.org_id = a.current_org_id) DESC NULLS LAST, u.created_at LIMIT 1;
    END IF;
  END IF;
  v_org := coalesce(v_org, m.org_id);
  SELECT o.name INTO v_name FROM app.organizations o WHERE o.id = v_org;
  SELECT p.kind INTO v_pending FROM app.pending_inputs p
    WHERE p.org_id = v_org AND p.user_id = m.id AND p.telegram_chat_id = p_chat AND p.expires_at > clock_timestamp();
  RETURN QUERY SELECT a.id, v_org, v_name, m.id, m.role, a.locale, a.time_zone, m.display_name, v_claimed, v_teams, v_pending;
END $$;
--> statement-breakpoint
-- Makes (or finds) the account of a Telegram user. Called by the functions below only.
CREATE FUNCTION auth.account_of(p_user bigint, p_name text, p_locale text) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO auth.accounts (telegram_user_id, display_name, locale) VALUES (p_user, left(p_name, 200), p_locale)
  ON CONFLICT (telegram_user_id) DO UPDATE SET display_name = excluded.display_name RETURNING id $$;
--> statement-breakpoint
-- The owner link: whoever opens it first owns the first team. Outcomes: created, used, unknown.
CREATE FUNCTION auth.claim_first_team(p_code_hash bytea, p_user bigint, p_name text, p_locale text, p_team text)
RETURNS TABLE (outcome text, org_id uuid, user_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE i app.instance; v_account uuid; v_org uuid; v_user uuid;
BEGIN
  SELECT * INTO i FROM app.instance FOR UPDATE;
  IF i.setup_code_hash IS DISTINCT FROM p_code_hash THEN
    RETURN QUERY SELECT 'unknown'::text, NULL::uuid, NULL::uuid; RETURN;
  END IF;
  IF i.setup_used_at IS NOT NULL THEN
    RETURN QUERY SELECT 'used'::text, NULL::uuid, NULL::uuid; RETURN;
  END IF;
  v_account := auth.account_of(p_user, p_name, p_locale);
  INSERT INTO app.organizations (name) VALUES (p_team) RETURNING id INTO v_org;
  INSERT INTO app.users (org_id, account_id, role, display_name) VALUES (v_org, v_account, 'owner', left(p_name, 200))
    RETURNING id INTO v_user;
  UPDATE auth.accounts SET current_org_id = v_org WHERE id = v_account;
  UPDATE app.instance SET setup_used_at = clock_timestamp();
  RETURN QUERY SELECT 'created'::text, v_org, v_user;
END $$;
--> statement-breakpoint
-- A single-use invite. Outcomes: joined, member (already in the team, the invite stays unused), used, expired, unknown.
CREATE FUNCTION auth.accept_invite(p_hash bytea, p_user bigint, p_name text, p_locale text)
RETURNS TABLE (outcome text, org_id uuid, user_id uuid, role text, org_name text, invited_by bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE i app.invites; m app.users; v_account uuid; v_name text; v_inviter bigint;
BEGIN
  SELECT * INTO i FROM app.invites t WHERE t.token_hash = p_hash FOR UPDATE;
  SELECT o.name INTO v_name FROM app.organizations o WHERE o.id = i.org_id;
  IF i.id IS NULL THEN
    RETURN QUERY SELECT 'unknown'::text, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::bigint; RETURN;
  END IF;
  SELECT u.* INTO m FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
    WHERE u.org_id = i.org_id AND a.telegram_user_id = p_user;
  IF m.status = 'active' THEN
    RETURN QUERY SELECT 'member'::text, i.org_id, m.id, m.role, v_name, NULL::bigint; RETURN;
  END IF;
  -- An invite lasts no longer than the rights of who made it, and a closed account joins nothing.
  IF NOT EXISTS (SELECT FROM app.users u WHERE u.org_id = i.org_id AND u.id = i.created_by AND u.status = 'active'
      AND (u.role = 'owner' OR (u.role = 'admin' AND i.role = 'member')))
    OR EXISTS (SELECT FROM auth.accounts a WHERE a.telegram_user_id = p_user AND a.status <> 'active') THEN
    RETURN QUERY SELECT 'unknown'::text, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::bigint; RETURN;
  END IF;
  IF i.used_at IS NOT NULL OR i.expires_at <= clock_timestamp() THEN
    RETURN QUERY SELECT CASE WHEN i.used_at IS NOT NULL THEN 'used' ELSE 'expired' END,
      NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::bigint; RETURN;
  END IF;
  v_account := auth.account_of(p_user, p_name, p_locale);
  INSERT INTO app.users AS u (org_id, account_id, role, display_name)
    VALUES (i.org_id, v_account, i.role, left(p_name, 200))
    ON CONFLICT (org_id, account_id) DO UPDATE SET status = 'active', role = excluded.role, display_name = excluded.display_name
    RETURNING u.* INTO m;
  UPDATE app.invites t SET used_at = clock_timestamp(), used_by = m.id WHERE t.org_id = i.org_id AND t.id = i.id;
  UPDATE auth.accounts SET current_org_id = i.org_id WHERE id = v_account;
  SELECT a.telegram_user_id INTO v_inviter FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
    WHERE u.org_id = i.org_id AND u.id = i.created_by;
  RETURN QUERY SELECT 'joined'::text, i.org_id, m.id, m.role, v_name, v_inviter;
END $$;
--> statement-breakpoint
CREATE FUNCTION auth.org_ids() RETURNS TABLE (org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.id FROM app.organizations o ORDER BY o.created_at $$;
--> statement-breakpoint
-- The Telegram ids of the current team's people with one of these roles: where alerts go.
CREATE FUNCTION auth.telegram_ids(p_roles text[]) RETURNS TABLE (telegram_user_id bigint, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.telegram_user_id, a.locale FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
  WHERE u.org_id = app.org() AND u.role = ANY (p_roles) AND u.status = 'active' AND a.telegram_user_id IS NOT NULL $$;
--> statement-breakpoint
-- The owners of the first team: the operator, until OPERATOR_CHAT_ID says otherwise.
CREATE FUNCTION auth.operator_ids() RETURNS TABLE (telegram_user_id bigint, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.telegram_user_id, a.locale FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
  WHERE u.org_id = (SELECT o.id FROM app.organizations o ORDER BY o.created_at LIMIT 1)
    AND u.role = 'owner' AND u.status = 'active' AND a.telegram_user_id IS NOT NULL $$;
--> statement-breakpoint
-- Turns that a dead process left running, oldest first, with who asked and in which language.
CREATE FUNCTION auth.running_turns(p_bot bigint)
RETURNS TABLE (org_id uuid, org_name text, turn_id uuid, lane text, correlation_id text, user_id uuid, account_id uuid,
               role text, display_name text, locale text, time_zone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.org_id, o.name, t.id, t.lane, t.correlation_id, u.id, a.id, u.role, u.display_name, a.locale, a.time_zone
  FROM app.turns t
  JOIN app.organizations o ON o.id = t.org_id
  JOIN app.users u ON u.org_id = t.org_id AND u.id = t.asker_id
  JOIN auth.accounts a ON a.id = u.account_id
  WHERE t.bot_id = p_bot AND t.status = 'running' ORDER BY t.created_at $$;
--> statement-breakpoint
-- Appends to the current team's hash chain. Locks the team's head: call it last in a transaction.
CREATE FUNCTION auth.audit_append(p_actor_type text, p_actor text, p_action text, p_target text, p_outcome text,
  p_model text, p_correlation text, p_detail jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_org uuid := app.org(); v_seq bigint; v_prev bytea; v_detail bytea; v_hash bytea; v_at timestamptz := clock_timestamp();
BEGIN
  IF v_org IS NULL THEN RAISE EXCEPTION 'no team is set' USING errcode = '42501'; END IF;
  INSERT INTO app.audit_heads VALUES (v_org, 0, '\x00') ON CONFLICT DO NOTHING;
  SELECT h.seq + 1, h.hash INTO v_seq, v_prev FROM app.audit_heads h WHERE h.org_id = v_org FOR UPDATE;
  v_detail := sha256(convert_to(coalesce(p_detail, 'null'::jsonb)::text, 'UTF8'));
  v_hash := auth.audit_hash(v_prev, v_org, v_seq, v_at, ARRAY[p_actor_type, p_actor, p_action, p_target, p_outcome, p_model, p_correlation], v_detail);
  INSERT INTO app.audit_log VALUES (v_org, v_seq, v_at, p_actor_type, p_actor, p_action, p_target, p_outcome, p_model,
    p_correlation, p_detail, v_detail, v_prev, v_hash);
  UPDATE app.audit_heads SET seq = v_seq, hash = v_hash WHERE org_id = v_org;
  RETURN v_seq;
END $$;
--> statement-breakpoint
CREATE FUNCTION auth.audit_hash(p_prev bytea, p_org uuid, p_seq bigint, p_at timestamptz, p_fields text[], p_detail bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(p_prev || convert_to(jsonb_build_array(p_org, p_seq, extract(epoch FROM p_at), to_jsonb(p_fields), encode(p_detail, 'hex'))::text, 'UTF8')) $$;
--> statement-breakpoint
-- Deletes rows of all teams older than p_before, never younger than 30 days, and leaves a checkpoint for the chain.
CREATE FUNCTION auth.audit_purge(p_before timestamptz, p_batch int DEFAULT 5000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_cut timestamptz := least(p_before, now() - interval '30 days'); r record; v_last record; v_count bigint; v_total bigint := 0;
BEGIN
  FOR r IN SELECT l.org_id, min(l.seq) AS lowest FROM app.audit_log l WHERE l.at < v_cut GROUP BY l.org_id LOOP
    SELECT l.seq, l.hash INTO v_last FROM app.audit_log l
      WHERE l.org_id = r.org_id AND l.at < v_cut AND l.seq < r.lowest + p_batch ORDER BY l.seq DESC LIMIT 1;
    DELETE FROM app.audit_log l WHERE l.org_id = r.org_id AND l.seq <= v_last.seq;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    INSERT INTO app.audit_checkpoints (org_id, seq, hash, purged, purged_before)
      VALUES (r.org_id, v_last.seq, v_last.hash, v_count, v_cut);
    v_total := v_total + v_count;
  END LOOP;
  RETURN v_total;
END $$;
--> statement-breakpoint
-- The first broken link of the current team's chain, or no row.
CREATE FUNCTION auth.audit_verify() RETURNS TABLE (bad_seq bigint, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_org uuid := app.org(); r app.audit_log; v_head app.audit_heads; v_prev bytea := '\x00'; v_seq bigint := 0; v_reason text;
BEGIN
  SELECT c.seq, c.hash INTO v_seq, v_prev FROM app.audit_checkpoints c WHERE c.org_id = v_org ORDER BY c.seq DESC LIMIT 1;
  IF NOT FOUND THEN v_seq := 0; v_prev := '\x00'; END IF;
  FOR r IN SELECT * FROM app.audit_log l WHERE l.org_id = v_org ORDER BY l.seq LOOP
    v_reason := CASE
      WHEN r.seq <> v_seq + 1 THEN 'gap'
      WHEN r.prev_hash <> v_prev THEN 'prev_hash'
      WHEN r.detail IS NOT NULL AND sha256(convert_to(r.detail::text, 'UTF8')) <> r.detail_hash THEN 'detail'
      WHEN auth.audit_hash(r.prev_hash, r.org_id, r.seq, r.at,
        ARRAY[r.actor_type, r.actor_id, r.action, r.target, r.outcome, r.model, r.correlation_id], r.detail_hash) <> r.hash THEN 'hash'
      END;
    IF v_reason IS NOT NULL THEN RETURN QUERY SELECT v_seq + 1, v_reason; RETURN; END IF;
    v_seq := r.seq; v_prev := r.hash;
  END LOOP;
  SELECT * INTO v_head FROM app.audit_heads h WHERE h.org_id = v_org;
  IF FOUND AND (v_head.seq <> v_seq OR v_head.hash <> v_prev) THEN RETURN QUERY SELECT v_head.seq, 'tail'::text; END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth TO blockbot_app;
REVOKE EXECUTE ON FUNCTION auth.account_of(bigint, text, text) FROM blockbot_app;
--> statement-breakpoint
SET LOCAL ROLE blockbot_owner;
