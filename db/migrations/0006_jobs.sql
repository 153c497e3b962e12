-- The job engine makes its own tables here under the owner; the runtime role only uses them.
CREATE SCHEMA pgboss;
GRANT USAGE ON SCHEMA pgboss TO blockbot_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA pgboss GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO blockbot_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA pgboss GRANT USAGE ON SEQUENCES TO blockbot_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA pgboss GRANT EXECUTE ON FUNCTIONS TO blockbot_app;
