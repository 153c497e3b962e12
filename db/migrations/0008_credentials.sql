-- A team connects a service once; what is sealed of it stands under the service's name.
ALTER TABLE app.cloud_connections ADD CONSTRAINT cloud_connections_provider UNIQUE (org_id, provider);
ALTER TABLE app.credentials
  ALTER COLUMN connection_id SET NOT NULL,
  ADD CONSTRAINT credentials_kind CHECK (kind IN ('api_key', 'oauth'));
CREATE INDEX credentials_kid ON app.credentials (org_id, kid);
CREATE INDEX cloud_connections_expires ON app.cloud_connections (expires_at) WHERE status = 'active';
SELECT app.open_to_authn(t) FROM unnest(ARRAY['cloud_connections', 'credentials']::name[]) t;
GRANT SELECT (org_id, kid) ON app.credentials TO blockbot_authn;
GRANT SELECT (org_id, provider, status, expires_at) ON app.cloud_connections TO blockbot_authn;
--> statement-breakpoint
SET LOCAL ROLE blockbot_authn;
-- The numbers of the master keys that some envelope of any team needs.
CREATE FUNCTION auth.credential_kids() RETURNS TABLE (kid bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT c.kid FROM app.credentials c ORDER BY c.kid $$;
-- OAuth connections of all teams whose access token ends before p_before, the most urgent first.
CREATE FUNCTION auth.expiring_connections(p_before timestamptz) RETURNS TABLE (org_id uuid, provider text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.org_id, c.provider FROM app.cloud_connections c
  WHERE c.status = 'active' AND c.expires_at < p_before ORDER BY c.expires_at $$;
REVOKE ALL ON FUNCTION auth.credential_kids(), auth.expiring_connections(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.credential_kids(), auth.expiring_connections(timestamptz) TO blockbot_app;
SET LOCAL ROLE blockbot_owner;
