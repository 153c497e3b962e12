-- A mailed invite has a second secret, for its page: whoever holds it has read that mail. The secret of the link to Telegram
-- passes through Telegram, so it lets somebody in and proves no mailbox. Either uses up the one invite.
ALTER TABLE app.invites ADD COLUMN mail_token_hash bytea UNIQUE CHECK (octet_length(mail_token_hash) = 32);
SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- Why an invite cannot be used (unknown, used, expired), or null. It lasts no longer than the rights of who made it.
CREATE FUNCTION auth.invite_refusal(i app.invites) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN i.id IS NULL OR i.revoked_at IS NOT NULL THEN 'unknown'
    WHEN i.role <> 'owner' AND NOT EXISTS (SELECT FROM app.users u WHERE u.org_id = i.org_id AND u.id = i.created_by
      AND u.status = 'active' AND (u.role = 'owner' OR (u.role = 'admin' AND i.role = 'member'))) THEN 'unknown'
    WHEN i.used_at IS NOT NULL THEN 'used'
    WHEN i.expires_at <= clock_timestamp() THEN 'expired' END $$;
--> statement-breakpoint
-- Makes an account a member, which uses the invite up; the caller has locked it.
CREATE FUNCTION auth.enter_team(i app.invites, p_account uuid, p_name text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_user uuid;
BEGIN
  INSERT INTO app.users AS u (org_id, account_id, role, display_name) VALUES (i.org_id, p_account, i.role, left(p_name, 200))
    ON CONFLICT (org_id, account_id) DO UPDATE SET status = 'active', role = excluded.role, display_name = excluded.display_name
    RETURNING u.id INTO v_user;
  UPDATE app.invites t SET used_at = clock_timestamp(), used_by = v_user WHERE t.org_id = i.org_id AND t.id = i.id;
  RETURN v_user;
END $$;
--> statement-breakpoint
-- A single-use invite, opened in Telegram. Outcomes: joined, member (already in the team, the invite stays unused), used, expired, unknown.
-- An owner link also raises who is in the team already.
CREATE OR REPLACE FUNCTION auth.accept_invite(p_hash bytea, p_user bigint, p_name text, p_locale text)
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
  -- A closed account joins nothing.
  v_refusal := CASE WHEN EXISTS (SELECT FROM auth.accounts a WHERE a.telegram_user_id = p_user AND a.status <> 'active') THEN 'unknown'
    ELSE auth.invite_refusal(i) END;
  IF v_refusal IS NOT NULL THEN
    RETURN QUERY SELECT v_refusal, NULL::uuid, NULL::uuid, NULL::uuid, NULL::text, NULL::text, NULL::uuid; RETURN;
  END IF;
  v_account := auth.account_of(p_user, p_name, p_locale);
  user_id := auth.enter_team(i, v_account, p_name);
  UPDATE auth.accounts SET current_org_id = i.org_id WHERE id = v_account;
  RETURN QUERY SELECT 'joined'::text, i.org_id, user_id, v_account, i.role, v_name, i.created_by;
END $$;
--> statement-breakpoint
-- What a mailed invite would do, for its page. Outcomes: open, used, expired, unknown.
CREATE FUNCTION auth.mailed_invite(p_hash bytea) RETURNS TABLE (outcome text, email text, role text, team text, invited_by text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE i app.invites;
BEGIN
  SELECT * INTO i FROM app.invites t WHERE t.mail_token_hash = p_hash;
  outcome := coalesce(auth.invite_refusal(i), 'open');
  IF outcome = 'open' THEN
    RETURN QUERY SELECT outcome, i.email, i.role, o.name, u.display_name FROM app.organizations o
      JOIN app.users u ON u.org_id = o.id AND u.id = i.created_by WHERE o.id = i.org_id;
  ELSE RETURN NEXT; END IF;
END $$;
--> statement-breakpoint
-- The same invite, opened by its mail, which proves the mailbox. Outcomes as of accept_invite. `known`: the address had an account,
-- which joins. In Telegram it keeps speaking to its team: nobody who writes there has seen this page.
CREATE FUNCTION auth.accept_mailed_invite(p_hash bytea, p_locale text)
RETURNS TABLE (outcome text, org_id uuid, user_id uuid, account_id uuid, role text, org_name text, invited_by uuid, email text, name text, known boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE i app.invites; a auth.accounts; m app.users;
BEGIN
  SELECT * INTO i FROM app.invites t WHERE t.mail_token_hash = p_hash FOR UPDATE;
  outcome := auth.invite_refusal(i);
  IF outcome IS NOT NULL THEN RETURN NEXT; RETURN; END IF;
  -- An address that nobody has proven is not yet the account's where it is written: it is now of who reads its mail.
  UPDATE auth.accounts t SET email = NULL WHERE lower(t.email) = i.email AND t.email_verified_at IS NULL;
  INSERT INTO auth.accounts AS t (email, email_verified_at, display_name, locale, current_org_id)
    VALUES (i.email, clock_timestamp(), split_part(i.email, '@', 1), p_locale, i.org_id)
    ON CONFLICT (lower(email)) DO NOTHING RETURNING t.* INTO a;
  known := a.id IS NULL;
  IF known THEN SELECT * INTO a FROM auth.accounts t WHERE lower(t.email) = i.email FOR UPDATE; END IF;
  SELECT * INTO m FROM app.users u WHERE u.org_id = i.org_id AND u.account_id = a.id;
  outcome := CASE WHEN a.status <> 'active' THEN 'unknown' WHEN m.status = 'active' THEN 'member' ELSE 'joined' END;
  IF outcome = 'unknown' THEN RETURN NEXT; RETURN; END IF;
  org_id := i.org_id; account_id := a.id; email := i.email; invited_by := i.created_by; user_id := m.id; role := m.role;
  name := coalesce(nullif(m.display_name, ''), nullif(a.display_name, ''), split_part(i.email, '@', 1));
  SELECT o.name INTO org_name FROM app.organizations o WHERE o.id = i.org_id;
  IF outcome = 'joined' THEN
    user_id := auth.enter_team(i, a.id, name); role := i.role;
    UPDATE auth.accounts t SET current_org_id = i.org_id WHERE t.id = a.id AND t.telegram_user_id IS NULL;
  END IF;
  RETURN NEXT;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION auth.invite_refusal(app.invites), auth.enter_team(app.invites, uuid, text), auth.mailed_invite(bytea),
  auth.accept_mailed_invite(bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.mailed_invite(bytea), auth.accept_mailed_invite(bytea, text) TO blockbot_app;
SET LOCAL ROLE blockbot_owner;
