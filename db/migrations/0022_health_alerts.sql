SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- Whether this person, as an owner of any team, is told when a part of the bot does not work and when it does again.
ALTER TABLE auth.accounts ADD COLUMN health_alerts boolean NOT NULL DEFAULT true;
--> statement-breakpoint
-- The owners of all teams who want that; those of the first team stand in for an operator.
CREATE FUNCTION auth.health_owners() RETURNS TABLE (telegram_user_id bigint, locale text, is_operator boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.telegram_user_id, a.locale,
    bool_or(u.org_id = (SELECT o.id FROM app.organizations o ORDER BY o.created_at LIMIT 1))
  FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
  WHERE u.role = 'owner' AND u.status = 'active' AND a.telegram_user_id IS NOT NULL AND a.health_alerts
  GROUP BY a.id $$;
--> statement-breakpoint
CREATE FUNCTION auth.health_alerts(p_account uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.health_alerts FROM auth.accounts a WHERE a.id = p_account AND EXISTS (
    SELECT FROM app.users u WHERE u.org_id = app.org() AND u.account_id = a.id AND u.status = 'active') $$;
--> statement-breakpoint
-- False unless the account belongs to an active member of the current team.
CREATE FUNCTION auth.set_health_alerts(p_account uuid, p_wanted boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.accounts a SET health_alerts = p_wanted WHERE a.id = p_account AND EXISTS (
    SELECT FROM app.users u WHERE u.org_id = app.org() AND u.account_id = a.id AND u.status = 'active');
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth.health_owners(), auth.health_alerts(uuid), auth.set_health_alerts(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.health_owners(), auth.health_alerts(uuid), auth.set_health_alerts(uuid, boolean) TO blockbot_app;
SET LOCAL ROLE blockbot_owner;
