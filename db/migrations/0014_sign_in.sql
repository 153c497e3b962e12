-- Links, sessions and what they prove. All of it belongs to blockbot_authn; the runtime role only calls the functions.
SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
DROP TABLE auth.refresh_tokens;
DROP TABLE auth.magic_links;
-- A row is made for every address that is asked for, known or not, so that both cost the same. Only a known one is mailed.
CREATE TABLE auth.magic_links (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  purpose text NOT NULL CHECK (purpose IN ('login', 'link_telegram')),
  email text NOT NULL CHECK (length(email) <= 254),
  account_id uuid REFERENCES auth.accounts ON DELETE CASCADE,
  org_id uuid REFERENCES app.organizations ON DELETE CASCADE,
  -- The asking browser's cookie, and the code shown where it was asked: either proves who asked.
  binding_hash bytea CHECK (octet_length(binding_hash) = 32),
  code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
  telegram_user_id bigint,
  telegram_name text CHECK (length(telegram_name) <= 200),
  attempts int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  CHECK ((purpose = 'link_telegram') = (telegram_user_id IS NOT NULL)),
  CHECK (purpose = 'login' OR binding_hash IS NULL)
);
CREATE INDEX magic_links_expires ON auth.magic_links (expires_at);
CREATE INDEX magic_links_email ON auth.magic_links (email, purpose, created_at);
--> statement-breakpoint
-- One sign-in. It acts for one team at a time; its refresh tokens follow one another.
CREATE TABLE auth.sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id uuid NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  method text NOT NULL CHECK (method IN ('magic_link', 'password')),
  user_agent text NOT NULL CHECK (length(user_agent) <= 200),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text
);
CREATE INDEX sessions_account ON auth.sessions (account_id, created_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_expires ON auth.sessions (expires_at);
CREATE TABLE auth.refresh_tokens (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  session_id uuid NOT NULL REFERENCES auth.sessions ON DELETE CASCADE,
  user_agent text NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  first_used_at timestamptz,
  used_at timestamptz,
  replaced_by bytea,
  revoked_at timestamptz
);
CREATE INDEX refresh_tokens_session ON auth.refresh_tokens (session_id);
--> statement-breakpoint
-- The team that an account would act for: p_wish when it is in it, else the chosen one, else the first.
CREATE FUNCTION auth.team_for(p_account uuid, p_wish uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.org_id FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
  WHERE u.account_id = p_account AND u.status = 'active' AND a.status = 'active'
  ORDER BY (u.org_id = p_wish) DESC NULLS LAST, (u.org_id = a.current_org_id) DESC NULLS LAST, u.created_at LIMIT 1 $$;
--> statement-breakpoint
-- Stores a link. Asked for over HTTP (no p_account), it belongs to whoever has the address, or to nobody.
CREATE FUNCTION auth.issue_magic_link(p_hash bytea, p_purpose text, p_email text, p_account uuid, p_org uuid, p_binding bytea,
  p_code bytea, p_telegram bigint, p_telegram_name text, p_ttl interval, p_live int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO auth.magic_links (token_hash, purpose, email, account_id, org_id, binding_hash, code_hash, telegram_user_id, telegram_name, expires_at)
    VALUES (p_hash, p_purpose, p_email, coalesce(p_account, (SELECT a.id FROM auth.accounts a WHERE lower(a.email) = p_email)), p_org,
      p_binding, p_code, p_telegram, p_telegram_name, clock_timestamp() + p_ttl);
  DELETE FROM auth.magic_links m WHERE m.email = p_email AND m.purpose = p_purpose AND m.token_hash NOT IN (
    SELECT k.token_hash FROM auth.magic_links k WHERE k.email = p_email AND k.purpose = p_purpose ORDER BY k.created_at DESC LIMIT p_live);
END $$;
--> statement-breakpoint
-- What a link would do, without doing it: for its mail and for its page. No row when it is gone, or for an address without a team.
CREATE FUNCTION auth.magic_link(p_hash bytea, p_binding bytea)
RETURNS TABLE (purpose text, email text, account_id uuid, org_id uuid, user_id uuid, team text, locale text, telegram_name text,
               telegram_user_id bigint, code_needed boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.purpose, m.email, a.id, o.id, u.id, o.name, a.locale, m.telegram_name, a.telegram_user_id, m.binding_hash IS DISTINCT FROM p_binding OR p_binding IS NULL
  FROM auth.magic_links m
  JOIN auth.accounts a ON a.id = m.account_id AND a.status = 'active'
  JOIN app.organizations o ON o.id = auth.team_for(a.id, m.org_id)
  JOIN app.users u ON u.org_id = o.id AND u.account_id = a.id
  WHERE m.token_hash = p_hash AND m.expires_at > clock_timestamp() $$;
--> statement-breakpoint
CREATE FUNCTION auth.end_account_sessions(p_account uuid, p_except uuid, p_reason text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_ended int;
BEGIN
  UPDATE auth.sessions s SET ended_at = clock_timestamp(), end_reason = p_reason
    WHERE s.account_id = p_account AND s.ended_at IS NULL AND s.expires_at > clock_timestamp() AND s.id IS DISTINCT FROM p_except;
  GET DIAGNOSTICS v_ended = ROW_COUNT;
  UPDATE auth.accounts a SET token_epoch = a.token_epoch + 1 WHERE a.id = p_account;
  RETURN v_ended;
END $$;
--> statement-breakpoint
-- One person had two accounts: everything of p_gone becomes p_keep's, and p_gone is closed. Not for two members of one team.
-- Where somebody had left a team with one account and is in it with the other, the membership that counts is kept.
CREATE FUNCTION auth.merge_accounts(p_keep uuid, p_gone uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_left uuid;
BEGIN
  IF EXISTS (SELECT FROM app.users k JOIN app.users g ON g.org_id = k.org_id
      WHERE k.account_id = p_keep AND g.account_id = p_gone AND k.status = 'removed' AND g.status = 'active') THEN
    INSERT INTO auth.accounts (status, display_name) SELECT 'disabled', a.display_name FROM auth.accounts a WHERE a.id = p_keep RETURNING id INTO v_left;
    UPDATE app.users k SET account_id = v_left WHERE k.account_id = p_keep AND k.status = 'removed'
      AND EXISTS (SELECT FROM app.users g WHERE g.org_id = k.org_id AND g.account_id = p_gone AND g.status = 'active');
  END IF;
  UPDATE app.users g SET account_id = p_keep WHERE g.account_id = p_gone
    AND NOT EXISTS (SELECT FROM app.users k WHERE k.org_id = g.org_id AND k.account_id = p_keep);
  PERFORM auth.end_account_sessions(p_gone, NULL, 'merged');
  DELETE FROM auth.magic_links m WHERE m.account_id = p_gone;
  UPDATE auth.accounts a SET status = 'disabled', email = NULL, email_verified_at = NULL, password_hash = NULL, telegram_user_id = NULL,
    current_org_id = NULL WHERE a.id = p_gone;
END $$;
--> statement-breakpoint
-- Ties a proven address to the Telegram account that asked; the caller has locked both accounts. Outcomes: ok, gone, overlap (two members of one team: `teams` says which).
CREATE FUNCTION auth.tie_address(p_account uuid, p_telegram bigint, p_email text, p_correlation text)
RETURNS TABLE (outcome text, former_telegram bigint, former_email text, teams text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE t auth.accounts; e auth.accounts; v_teams text[]; r record;
BEGIN
  SELECT * INTO t FROM auth.accounts a WHERE a.id = p_account AND a.telegram_user_id = p_telegram AND a.status = 'active';
  SELECT * INTO e FROM auth.accounts a WHERE lower(a.email) = p_email AND a.id <> p_account;
  IF t.id IS NULL OR e.status = 'disabled' THEN RETURN QUERY SELECT 'gone'::text, NULL::bigint, NULL::text, NULL::text[]; RETURN; END IF;
  IF e.id IS NOT NULL THEN
    SELECT array_agg(o.name ORDER BY o.name) INTO v_teams FROM app.users k JOIN app.users g ON g.org_id = k.org_id
      JOIN app.organizations o ON o.id = k.org_id
      WHERE k.account_id = t.id AND g.account_id = e.id AND k.status = 'active' AND g.status = 'active';
    IF v_teams IS NOT NULL THEN RETURN QUERY SELECT 'overlap'::text, NULL::bigint, NULL::text, v_teams; RETURN; END IF;
    FOR r IN SELECT u.org_id, u.id FROM app.users u WHERE u.account_id IN (t.id, e.id) AND u.status = 'active' ORDER BY u.org_id LOOP
      PERFORM auth.audit_append_to(r.org_id, 'user', r.id::text, 'account.merge', r.id::text, 'ok', NULL, p_correlation, NULL);
    END LOOP;
    PERFORM auth.merge_accounts(t.id, e.id);
  ELSE
    FOR r IN SELECT u.org_id, u.id FROM app.users u WHERE u.account_id = t.id AND u.status = 'active' ORDER BY u.org_id LOOP
      PERFORM auth.audit_append_to(r.org_id, 'user', r.id::text, 'account.address', r.id::text, 'ok', NULL, p_correlation, NULL);
    END LOOP;
  END IF;
  -- A password counts only if it was set under a proven address.
  UPDATE auth.accounts a SET email = p_email, email_verified_at = clock_timestamp(),
    password_hash = CASE WHEN t.password_hash IS NOT NULL AND t.email_verified_at IS NOT NULL THEN t.password_hash
                         WHEN e.email_verified_at IS NOT NULL THEN e.password_hash END
    WHERE a.id = t.id;
  IF t.email_verified_at IS NULL THEN PERFORM auth.end_account_sessions(t.id, NULL, 'first_proof'); END IF;
  RETURN QUERY SELECT 'ok'::text, e.telegram_user_id, CASE WHEN lower(t.email) <> p_email AND t.email_verified_at IS NOT NULL THEN t.email END, NULL::text[];
END $$;
--> statement-breakpoint
-- Takes a link: one caller gets it, whoever else tries at the same moment. Outcomes: ok, gone, code_needed, code_wrong, overlap.
-- A wrong code leaves the link until the fifth; anything else that is wrong leaves it as it was.
CREATE FUNCTION auth.take_magic_link(p_hash bytea, p_binding bytea, p_code bytea, p_attempts int, p_correlation text)
RETURNS TABLE (outcome text, account_id uuid, org_id uuid, email text, purpose text, telegram_user_id bigint, telegram_name text,
               former_telegram bigint, former_email text, teams text[], left_over int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE l auth.magic_links; a auth.accounts; v_tied record; v_tried int;
BEGIN
  DELETE FROM auth.magic_links m WHERE m.token_hash = p_hash AND m.expires_at > clock_timestamp()
    AND (m.binding_hash = p_binding OR m.code_hash = p_code) RETURNING m.* INTO l;
  IF NOT FOUND THEN
    outcome := 'gone';
    IF p_code IS NULL THEN
      PERFORM FROM auth.magic_links m WHERE m.token_hash = p_hash AND m.expires_at > clock_timestamp();
      IF FOUND THEN outcome := 'code_needed'; END IF;
    ELSE
      UPDATE auth.magic_links m SET attempts = m.attempts + 1 WHERE m.token_hash = p_hash AND m.expires_at > clock_timestamp()
        RETURNING m.attempts INTO v_tried;
      IF v_tried >= p_attempts THEN DELETE FROM auth.magic_links m WHERE m.token_hash = p_hash;
      ELSIF v_tried IS NOT NULL THEN outcome := 'code_wrong'; left_over := p_attempts - v_tried; END IF;
    END IF;
    RETURN NEXT; RETURN;
  END IF;
  outcome := 'gone'; account_id := l.account_id; email := l.email; purpose := l.purpose; telegram_name := l.telegram_name;
  -- In the order of their ids, so that two links which concern the same two accounts wait for each other once.
  PERFORM FROM auth.accounts t WHERE t.id = l.account_id OR lower(t.email) = l.email ORDER BY t.id FOR UPDATE;
  SELECT * INTO a FROM auth.accounts t WHERE t.id = l.account_id AND t.status = 'active';
  IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
  org_id := auth.team_for(a.id, l.org_id); telegram_user_id := a.telegram_user_id;
  IF org_id IS NULL THEN RETURN NEXT; RETURN; END IF;
  IF l.purpose = 'link_telegram' THEN
    SELECT * INTO v_tied FROM auth.tie_address(a.id, l.telegram_user_id, l.email, p_correlation);
    outcome := v_tied.outcome; former_telegram := v_tied.former_telegram; former_email := v_tied.former_email; teams := v_tied.teams;
  ELSIF lower(a.email) = l.email THEN
    IF a.email_verified_at IS NULL THEN
      -- Whoever wrote this address down before may have set the password and signed in: only its owner is known now.
      PERFORM auth.end_account_sessions(a.id, NULL, 'first_proof');
      UPDATE auth.accounts t SET email_verified_at = clock_timestamp(), password_hash = NULL WHERE t.id = a.id;
    END IF;
    outcome := 'ok';
  END IF;
  IF outcome = 'ok' THEN
    DELETE FROM auth.magic_links m WHERE m.token_hash IN
      (SELECT k.token_hash FROM auth.magic_links k WHERE k.email = l.email FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN NEXT;
END $$;
--> statement-breakpoint
CREATE FUNCTION auth.open_session(p_account uuid, p_org uuid, p_method text, p_user_agent text, p_hash bytea, p_ttl interval, p_life interval)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_id uuid; v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO auth.sessions (account_id, org_id, method, user_agent, created_at, last_used_at, expires_at)
    VALUES (p_account, p_org, p_method, p_user_agent, v_now, v_now, v_now + p_life) RETURNING id INTO v_id;
  INSERT INTO auth.refresh_tokens (token_hash, session_id, user_agent, issued_at, expires_at)
    VALUES (p_hash, v_id, p_user_agent, v_now, v_now + least(p_ttl, p_life));
  RETURN v_id;
END $$;
--> statement-breakpoint
-- Who speaks in a live session, by the rights of this moment. No row when the session, the account or the membership has ended,
-- or when every token was called back since (p_epoch; null asks without a token).
CREATE FUNCTION auth.session(p_session uuid, p_epoch int)
RETURNS TABLE (session_id uuid, account_id uuid, org_id uuid, team text, user_id uuid, role text, display_name text, email text, locale text,
               time_zone text, epoch int, method text, age_seconds float8, has_password boolean, telegram_user_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id, a.id, o.id, o.name, u.id, u.role, u.display_name, a.email, a.locale, a.time_zone, a.token_epoch, s.method,
    extract(epoch FROM clock_timestamp() - s.created_at)::float8, a.password_hash IS NOT NULL, a.telegram_user_id
  FROM auth.sessions s
  JOIN auth.accounts a ON a.id = s.account_id AND a.status = 'active'
  JOIN app.users u ON u.org_id = s.org_id AND u.account_id = a.id AND u.status = 'active'
  JOIN app.organizations o ON o.id = s.org_id
  WHERE s.id = p_session AND s.ended_at IS NULL AND s.expires_at > clock_timestamp() AND a.token_epoch = coalesce(p_epoch, a.token_epoch) $$;
--> statement-breakpoint
-- The session of a refresh token, without using it: for limits, logout, and a page that only looks.
CREATE FUNCTION auth.session_of_refresh(p_hash bytea) RETURNS TABLE (session_id uuid, account_id uuid, org_id uuid, usable boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id, s.account_id, s.org_id, t.used_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
    AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
  FROM auth.refresh_tokens t JOIN auth.sessions s ON s.id = t.session_id WHERE t.token_hash = p_hash $$;
--> statement-breakpoint
-- Uses a refresh token. Outcomes: rotated (p_new is live), race (somebody did so a moment ago: an access token, no new cookie),
-- rerotated (the answer was lost and its token never used: p_new replaces it), reuse (the session is ended), expired, unknown.
-- Who presents a used token must look like who used it, else it is reuse at once.
CREATE FUNCTION auth.rotate_refresh(p_hash bytea, p_new bytea, p_user_agent text, p_ttl interval, p_race interval, p_lost interval)
RETURNS TABLE (outcome text, session_id uuid, account_id uuid, org_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE t auth.refresh_tokens; c auth.refresh_tokens; s auth.sessions; v_now timestamptz;
BEGIN
  -- One at a time per session. What was read before the lock is read again behind it.
  SELECT s1.* INTO s FROM auth.refresh_tokens t1 JOIN auth.sessions s1 ON s1.id = t1.session_id WHERE t1.token_hash = p_hash FOR UPDATE OF s1;
  v_now := clock_timestamp();
  IF s.id IS NULL OR s.ended_at IS NOT NULL THEN RETURN QUERY SELECT 'unknown'::text, s.id, s.account_id, s.org_id; RETURN; END IF;
  SELECT * INTO t FROM auth.refresh_tokens t1 WHERE t1.token_hash = p_hash;
  SELECT * INTO c FROM auth.refresh_tokens t1 WHERE t1.token_hash = t.replaced_by;
  outcome := CASE
    WHEN s.expires_at <= v_now OR (t.used_at IS NULL AND t.revoked_at IS NULL AND t.expires_at <= v_now) THEN 'expired'
    WHEN t.used_at IS NULL AND t.revoked_at IS NULL THEN 'rotated'
    WHEN t.revoked_at IS NOT NULL OR c.user_agent IS DISTINCT FROM p_user_agent THEN 'reuse'
    WHEN t.used_at > v_now - p_race THEN 'race'
    WHEN t.first_used_at > v_now - p_lost AND c.used_at IS NULL AND c.revoked_at IS NULL THEN 'rerotated'
    ELSE 'reuse' END;
  IF outcome = 'rotated' OR outcome = 'rerotated' THEN
    UPDATE auth.refresh_tokens t1 SET revoked_at = v_now WHERE t1.token_hash = t.replaced_by;
    UPDATE auth.refresh_tokens t1 SET used_at = v_now, first_used_at = coalesce(t1.first_used_at, v_now), replaced_by = p_new WHERE t1.token_hash = p_hash;
    INSERT INTO auth.refresh_tokens (token_hash, session_id, user_agent, issued_at, expires_at)
      VALUES (p_new, s.id, p_user_agent, v_now, least(v_now + p_ttl, s.expires_at));
    UPDATE auth.sessions s1 SET last_used_at = v_now, user_agent = p_user_agent WHERE s1.id = s.id;
  ELSIF outcome = 'reuse' THEN
    UPDATE auth.sessions s1 SET ended_at = v_now, end_reason = 'reuse' WHERE s1.id = s.id;
  END IF;
  RETURN QUERY SELECT outcome, s.id, s.account_id, s.org_id;
END $$;
--> statement-breakpoint
CREATE FUNCTION auth.end_session(p_account uuid, p_session uuid, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.sessions s SET ended_at = clock_timestamp(), end_reason = p_reason
    WHERE s.id = p_session AND s.account_id = p_account AND s.ended_at IS NULL AND s.expires_at > clock_timestamp();
  RETURN FOUND;
END $$;
--> statement-breakpoint
CREATE FUNCTION auth.account_sessions(p_account uuid)
RETURNS TABLE (id uuid, org_id uuid, team text, method text, user_agent text, created_at timestamptz, last_used_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id, s.org_id, o.name, s.method, s.user_agent, s.created_at, s.last_used_at, s.expires_at
  FROM auth.sessions s JOIN app.organizations o ON o.id = s.org_id
  WHERE s.account_id = p_account AND s.ended_at IS NULL AND s.expires_at > clock_timestamp() ORDER BY s.created_at DESC, s.id $$;
--> statement-breakpoint
CREATE FUNCTION auth.purge_sign_in() RETURNS TABLE (links bigint, sessions bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH gone AS (DELETE FROM auth.magic_links m WHERE m.expires_at <= clock_timestamp() RETURNING 1),
    ended AS (DELETE FROM auth.sessions s WHERE s.expires_at <= clock_timestamp() RETURNING 1)
  SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM ended) $$;
--> statement-breakpoint
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.issue_magic_link(bytea, text, text, uuid, uuid, bytea, bytea, bigint, text, interval, int), auth.magic_link(bytea, bytea),
  auth.take_magic_link(bytea, bytea, bytea, int, text), auth.open_session(uuid, uuid, text, text, bytea, interval, interval),
  auth.session(uuid, int), auth.session_of_refresh(bytea), auth.rotate_refresh(bytea, bytea, text, interval, interval, interval),
  auth.end_session(uuid, uuid, text), auth.end_account_sessions(uuid, uuid, text), auth.account_sessions(uuid), auth.purge_sign_in() TO blockbot_app;
SET LOCAL ROLE blockbot_owner;
