SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- Lets a session act for another team of the same account. False when they are not in it.
CREATE FUNCTION auth.switch_session(p_account uuid, p_session uuid, p_org uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.sessions s SET org_id = p_org WHERE s.id = p_session AND s.account_id = p_account AND s.ended_at IS NULL
    AND EXISTS (SELECT FROM app.users u WHERE u.org_id = p_org AND u.account_id = p_account AND u.status = 'active');
  RETURN FOUND;
END $$;
--> statement-breakpoint
-- What a sign-in by password is checked against. Always one row, with nulls for an address that nobody has proven or that has no team.
CREATE FUNCTION auth.find_login(p_email text) RETURNS TABLE (account_id uuid, org_id uuid, user_id uuid, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, u.org_id, u.id, a.password_hash FROM (VALUES (p_email)) AS asked (email)
  LEFT JOIN auth.accounts a ON lower(a.email) = asked.email AND a.status = 'active' AND a.email_verified_at IS NOT NULL
    AND auth.team_for(a.id, NULL) IS NOT NULL
  LEFT JOIN app.users u ON u.account_id = a.id AND u.org_id = auth.team_for(a.id, NULL) $$;
--> statement-breakpoint
CREATE FUNCTION auth.password_of(p_account uuid) RETURNS TABLE (password_hash text, email_verified boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.password_hash, a.email_verified_at IS NOT NULL FROM auth.accounts a WHERE a.id = p_account AND a.status = 'active' $$;
--> statement-breakpoint
-- Stores a password. With p_before only while that one is still stored, so that a rehash does not undo a change.
CREATE FUNCTION auth.set_password(p_account uuid, p_hash text, p_before text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.accounts a SET password_hash = p_hash
    WHERE a.id = p_account AND a.status = 'active' AND a.email_verified_at IS NOT NULL AND (p_before IS NULL OR a.password_hash = p_before);
  RETURN FOUND;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION auth.switch_session(uuid, uuid, uuid), auth.find_login(text), auth.password_of(uuid), auth.set_password(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.switch_session(uuid, uuid, uuid), auth.find_login(text), auth.password_of(uuid), auth.set_password(uuid, text, text) TO blockbot_app;
SET LOCAL ROLE blockbot_owner;
