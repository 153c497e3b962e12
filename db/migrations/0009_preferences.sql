SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- A person's own settings; null leaves one as it is. False unless the account belongs to an active member of the current team.
CREATE FUNCTION auth.set_preferences(p_account uuid, p_locale text, p_time_zone text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE auth.accounts a SET locale = coalesce(p_locale, a.locale), time_zone = coalesce(p_time_zone, a.time_zone)
    WHERE a.id = p_account AND EXISTS (
      SELECT FROM app.users u WHERE u.org_id = app.org() AND u.account_id = a.id AND u.status = 'active');
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth.set_preferences(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.set_preferences(uuid, text, text) TO blockbot_app;
--> statement-breakpoint
SET LOCAL ROLE blockbot_owner;
