-- Whoever joined by mail has no Telegram account yet. A stranger there may ask for a link to such an account's address: as with
-- any tie, it takes the mail and the code from that private chat.
SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- As before, and a link from Telegram is only for an account that has that Telegram account, or none.
CREATE OR REPLACE FUNCTION auth.magic_link(p_hash bytea, p_binding bytea)
RETURNS TABLE (purpose text, email text, account_id uuid, org_id uuid, user_id uuid, team text, locale text, telegram_name text,
               telegram_user_id bigint, code_needed boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.purpose, m.email, a.id, o.id, u.id, o.name, a.locale, m.telegram_name, a.telegram_user_id, m.binding_hash IS DISTINCT FROM p_binding OR p_binding IS NULL
  FROM auth.magic_links m
  JOIN auth.accounts a ON a.id = m.account_id AND a.status = 'active'
    AND (m.purpose = 'login' OR coalesce(a.telegram_user_id, m.telegram_user_id) = m.telegram_user_id)
  JOIN app.organizations o ON o.id = auth.team_for(a.id, m.org_id)
  JOIN app.users u ON u.org_id = o.id AND u.account_id = a.id
  WHERE m.token_hash = p_hash AND m.expires_at > clock_timestamp() $$;
--> statement-breakpoint
-- Gives an account that has no Telegram account this one, if nobody who is in a team has it. One that is in no team any more becomes
-- part of the account; a closed one stays closed.
CREATE FUNCTION auth.give_telegram(p_account uuid, p_telegram bigint, p_email text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_former uuid;
BEGIN
  PERFORM FROM auth.accounts a WHERE a.id = p_account AND a.telegram_user_id IS NULL AND lower(a.email) = p_email;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT a.id INTO v_former FROM auth.accounts a WHERE a.telegram_user_id = p_telegram AND a.status = 'active'
    AND NOT EXISTS (SELECT FROM app.users u WHERE u.account_id = a.id AND u.status = 'active') FOR UPDATE;
  IF FOUND THEN PERFORM auth.merge_accounts(p_account, v_former); END IF;
  UPDATE auth.accounts a SET telegram_user_id = p_telegram WHERE a.id = p_account
    AND NOT EXISTS (SELECT FROM auth.accounts x WHERE x.telegram_user_id = p_telegram);
END $$;
--> statement-breakpoint
-- Takes a link: one caller gets it, whoever else tries at the same moment. Outcomes: ok, gone, code_needed, code_wrong, overlap.
-- A wrong code leaves the link until the fifth; anything else that is wrong leaves it as it was.
CREATE OR REPLACE FUNCTION auth.take_magic_link(p_hash bytea, p_binding bytea, p_code bytea, p_attempts int, p_correlation text)
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
  -- In the order of their ids, so that two links which concern the same accounts wait for each other once.
  PERFORM FROM auth.accounts t WHERE t.id = l.account_id OR lower(t.email) = l.email OR t.telegram_user_id = l.telegram_user_id ORDER BY t.id FOR UPDATE;
  SELECT * INTO a FROM auth.accounts t WHERE t.id = l.account_id AND t.status = 'active';
  IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
  org_id := auth.team_for(a.id, l.org_id); telegram_user_id := a.telegram_user_id;
  IF org_id IS NULL THEN RETURN NEXT; RETURN; END IF;
  IF l.purpose = 'link_telegram' THEN
    PERFORM auth.give_telegram(a.id, l.telegram_user_id, l.email);
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
REVOKE ALL ON FUNCTION auth.give_telegram(uuid, bigint, text) FROM PUBLIC;
SET LOCAL ROLE blockbot_owner;
