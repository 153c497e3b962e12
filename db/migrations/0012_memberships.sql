-- An invite of role owner is the owner link that the operator makes on the server, so nobody of the team made it.
ALTER TABLE app.invites
  ADD COLUMN email text CHECK (length(email) <= 254),
  ADD COLUMN revoked_at timestamptz,
  ALTER COLUMN created_by DROP NOT NULL,
  DROP CONSTRAINT invites_role_check,
  ADD CONSTRAINT invites_role_check CHECK (role IN ('owner', 'admin', 'member') AND (role = 'owner') = (created_by IS NULL));
CREATE INDEX invites_order ON app.invites (org_id, created_at, id);
CREATE INDEX users_order ON app.users (org_id, created_at, id);
GRANT UPDATE (revoked_at) ON app.invites TO blockbot_app;
SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- Appends to the hash chain of a team that need not be the current one. Called by the functions of this schema only.
CREATE FUNCTION auth.audit_append_to(p_org uuid, p_actor_type text, p_actor text, p_action text, p_target text, p_outcome text,
  p_model text, p_correlation text, p_detail jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_seq bigint; v_prev bytea; v_detail bytea; v_hash bytea; v_at timestamptz := clock_timestamp();
BEGIN
  IF p_org IS NULL THEN RAISE EXCEPTION 'no team is set' USING errcode = '42501'; END IF;
  INSERT INTO app.audit_heads VALUES (p_org, 0, '\x00') ON CONFLICT DO NOTHING;
  SELECT h.seq + 1, h.hash INTO v_seq, v_prev FROM app.audit_heads h WHERE h.org_id = p_org FOR UPDATE;
  v_detail := sha256(convert_to(coalesce(p_detail, 'null'::jsonb)::text, 'UTF8'));
  v_hash := auth.audit_hash(v_prev, p_org, v_seq, v_at, ARRAY[p_actor_type, p_actor, p_action, p_target, p_outcome, p_model, p_correlation], v_detail);
  INSERT INTO app.audit_log VALUES (p_org, v_seq, v_at, p_actor_type, p_actor, p_action, p_target, p_outcome, p_model,
    p_correlation, p_detail, v_detail, v_prev, v_hash);
  UPDATE app.audit_heads SET seq = v_seq, hash = v_hash WHERE org_id = p_org;
  RETURN v_seq;
END $$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION auth.audit_append(p_actor_type text, p_actor text, p_action text, p_target text, p_outcome text,
  p_model text, p_correlation text, p_detail jsonb) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT auth.audit_append_to(app.org(), p_actor_type, p_actor, p_action, p_target, p_outcome, p_model, p_correlation, p_detail) $$;
--> statement-breakpoint
-- The teams of one person, in the order in which they joined. `chosen` is the one that a private chat speaks to.
CREATE FUNCTION auth.teams_of(p_account uuid)
RETURNS TABLE (org_id uuid, org_name text, user_id uuid, role text, chosen boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.org_id, o.name, u.id, u.role,
    row_number() OVER (ORDER BY (u.org_id = a.current_org_id) DESC NULLS LAST, u.created_at) = 1
  FROM auth.accounts a JOIN app.users u ON u.account_id = a.id AND u.status = 'active' JOIN app.organizations o ON o.id = u.org_id
  WHERE a.id = p_account AND a.status = 'active' ORDER BY u.created_at, u.org_id $$;
--> statement-breakpoint
-- Owners of the first team may make further ones; with p_anyone whoever is in a team.
CREATE FUNCTION auth.may_create_team(p_account uuid, p_anyone boolean) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM app.users u JOIN auth.accounts a ON a.id = u.account_id AND a.status = 'active'
    WHERE u.account_id = p_account AND u.status = 'active' AND (p_anyone OR (u.role = 'owner'
      AND u.org_id = (SELECT o.id FROM app.organizations o ORDER BY o.created_at LIMIT 1)))) $$;
--> statement-breakpoint
-- One more team with its owner, chosen at once. Outcomes: created, refused (this person may not), full (owns p_owned_max already).
CREATE FUNCTION auth.create_team(p_account uuid, p_team text, p_anyone boolean, p_owned_max int, p_correlation text)
RETURNS TABLE (outcome text, org_id uuid, user_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE a auth.accounts; v_org uuid; v_user uuid;
BEGIN
  SELECT * INTO a FROM auth.accounts t WHERE t.id = p_account FOR UPDATE; -- one at a time, so that the count holds
  IF NOT auth.may_create_team(p_account, p_anyone) THEN
    RETURN QUERY SELECT 'refused'::text, NULL::uuid, NULL::uuid; RETURN;
  END IF;
  IF (SELECT count(*) FROM app.users u WHERE u.account_id = a.id AND u.status = 'active' AND u.role = 'owner') >= p_owned_max THEN
    RETURN QUERY SELECT 'full'::text, NULL::uuid, NULL::uuid; RETURN;
  END IF;
  INSERT INTO app.organizations (name) VALUES (p_team) RETURNING id INTO v_org;
  INSERT INTO app.users (org_id, account_id, role, display_name) VALUES (v_org, a.id, 'owner', a.display_name)
    RETURNING id INTO v_user;
  UPDATE auth.accounts SET current_org_id = v_org WHERE id = a.id;
  PERFORM auth.audit_append_to(v_org, 'user', v_user::text, 'team.create', v_org::text, 'ok', NULL, p_correlation, NULL);
  RETURN QUERY SELECT 'created'::text, v_org, v_user;
END $$;
--> statement-breakpoint
-- The team that a person's private chat speaks to from now on. No row when they are not in it.
CREATE FUNCTION auth.choose_team(p_account uuid, p_org uuid, p_correlation text)
RETURNS TABLE (org_id uuid, org_name text, user_id uuid, role text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE m app.users;
BEGIN
  SELECT u.* INTO m FROM app.users u JOIN auth.accounts a ON a.id = u.account_id AND a.status = 'active'
    WHERE u.account_id = p_account AND u.org_id = p_org AND u.status = 'active';
  IF m.id IS NULL THEN RETURN; END IF;
  UPDATE auth.accounts SET current_org_id = p_org WHERE id = p_account;
  PERFORM auth.audit_append_to(p_org, 'user', m.id::text, 'team.choose', NULL, 'ok', NULL, p_correlation, NULL);
  RETURN QUERY SELECT o.id, o.name, m.id, m.role FROM app.organizations o WHERE o.id = p_org;
END $$;
--> statement-breakpoint
-- Every access token of one person of the current team counts for nothing from now on.
CREATE FUNCTION auth.raise_epoch(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE auth.accounts SET token_epoch = token_epoch + 1
    WHERE id = (SELECT u.account_id FROM app.users u WHERE u.org_id = app.org() AND u.id = p_user) $$;
--> statement-breakpoint
-- Where one person of the current team, or one who was in it, reads what we have to say. No row without a Telegram account.
CREATE FUNCTION auth.telegram_of(p_user uuid) RETURNS TABLE (telegram_user_id bigint, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.telegram_user_id, a.locale FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
  WHERE u.org_id = app.org() AND u.id = p_user AND a.telegram_user_id IS NOT NULL $$;
--> statement-breakpoint
DROP FUNCTION auth.claim_first_team(bytea, bigint, text, text, text);
DROP FUNCTION auth.accept_invite(bytea, bigint, text, text);
--> statement-breakpoint
-- The owner link: whoever opens it first owns the first team. Outcomes: created, used, unknown.
CREATE FUNCTION auth.claim_first_team(p_code_hash bytea, p_user bigint, p_name text, p_locale text, p_team text)
RETURNS TABLE (outcome text, org_id uuid, user_id uuid, account_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE i app.instance; v_account uuid; v_org uuid; v_user uuid;
BEGIN
  SELECT * INTO i FROM app.instance FOR UPDATE;
  IF i.setup_code_hash IS DISTINCT FROM p_code_hash THEN
    RETURN QUERY SELECT 'unknown'::text, NULL::uuid, NULL::uuid, NULL::uuid; RETURN;
  END IF;
  IF i.setup_used_at IS NOT NULL THEN
    RETURN QUERY SELECT 'used'::text, NULL::uuid, NULL::uuid, NULL::uuid; RETURN;
  END IF;
  v_account := auth.account_of(p_user, p_name, p_locale);
  INSERT INTO app.organizations (name) VALUES (p_team) RETURNING id INTO v_org;
  INSERT INTO app.users (org_id, account_id, role, display_name) VALUES (v_org, v_account, 'owner', left(p_name, 200))
    RETURNING id INTO v_user;
  UPDATE auth.accounts SET current_org_id = v_org WHERE id = v_account;
  UPDATE app.instance SET setup_used_at = clock_timestamp();
  RETURN QUERY SELECT 'created'::text, v_org, v_user, v_account;
END $$;
--> statement-breakpoint
-- A single-use invite. Outcomes: joined, member (already in the team, the invite stays unused), used, expired, unknown.
-- An owner link also raises who is in the team already.
CREATE FUNCTION auth.accept_invite(p_hash bytea, p_user bigint, p_name text, p_locale text)
RETURNS TABLE (outcome text, org_id uuid, user_id uuid, account_id uuid, role text, org_name text, invited_by uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE i app.invites; m app.users; v_account uuid; v_name text; v_refusal text;
BEGIN
  SELECT * INTO i FROM app.invites t WHERE t.token_hash = p_hash FOR UPDATE;
  SELECT o.name INTO v_name FROM app.organizations o WHERE o.id = i.org_id;
  SELECT u.* INTO m FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
    WHERE u.org_id = i.org_id AND a.telegram_user_id = p_user;
  IF m.status = 'active' AND (i.role <> 'owner' OR m.role = 'owner') THEN
    RETURN QUERY SELECT 'member'::text, i.org_id, m.id, m.account_id, m.role, v_name, NULL::uuid; RETURN;
  END IF;
  -- An invite lasts no longer than the rights of who made it, and a closed account joins nothing.
  v_refusal := CASE
    WHEN i.id IS NULL OR i.revoked_at IS NOT NULL THEN 'unknown'
    WHEN EXISTS (SELECT FROM auth.accounts a WHERE a.telegram_user_id = p_user AND a.status <> 'active') THEN 'unknown'
    WHEN i.role <> 'owner' AND NOT EXISTS (SELECT FROM app.users u WHERE u.org_id = i.org_id AND u.id = i.created_by
      AND u.status = 'active' AND (u.role = 'owner' OR (u.role = 'admin' AND i.role = 'member'))) THEN 'unknown'
    WHEN i.used_at IS NOT NULL THEN 'used'
    WHEN i.expires_at <= clock_timestamp() THEN 'expired' END;
  IF v_refusal IS NOT NULL THEN
    RETURN QUERY SELECT v_refusal, NULL::uuid, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::uuid; RETURN;
  END IF;
  v_account := auth.account_of(p_user, p_name, p_locale);
  INSERT INTO app.users AS u (org_id, account_id, role, display_name)
    VALUES (i.org_id, v_account, i.role, left(p_name, 200))
    ON CONFLICT (org_id, account_id) DO UPDATE SET status = 'active', role = excluded.role, display_name = excluded.display_name
    RETURNING u.* INTO m;
  UPDATE app.invites t SET used_at = clock_timestamp(), used_by = m.id WHERE t.org_id = i.org_id AND t.id = i.id;
  UPDATE auth.accounts SET current_org_id = i.org_id WHERE id = v_account;
  RETURN QUERY SELECT 'joined'::text, i.org_id, m.id, v_account, m.role, v_name, i.created_by;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION auth.audit_append_to(uuid, text, text, text, text, text, text, text, jsonb), auth.teams_of(uuid),
  auth.may_create_team(uuid, boolean), auth.create_team(uuid, text, boolean, int, text), auth.choose_team(uuid, uuid, text), auth.raise_epoch(uuid), auth.telegram_of(uuid),
  auth.claim_first_team(bytea, bigint, text, text, text), auth.accept_invite(bytea, bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.teams_of(uuid), auth.may_create_team(uuid, boolean), auth.create_team(uuid, text, boolean, int, text), auth.choose_team(uuid, uuid, text),
  auth.raise_epoch(uuid), auth.telegram_of(uuid), auth.claim_first_team(bytea, bigint, text, text, text),
  auth.accept_invite(bytea, bigint, text, text) TO blockbot_app;
--> statement-breakpoint
SET LOCAL ROLE blockbot_owner;
