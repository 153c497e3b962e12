-- The roles of this database. Run by a superuser, or by a login with CREATEROLE that owns the database;
-- every statement may be repeated. No passwords: whoever runs this sets them, and until then nobody can sign in.

DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('blockbot_owner', 'NOLOGIN'),
      ('blockbot_authn', 'NOLOGIN'),
      ('blockbot_migrate', 'LOGIN'),
      ('blockbot_app', 'LOGIN NOINHERIT')
    ) AS roles (name, attributes)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
      EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.attributes);
    END IF;
  END LOOP;

  -- Only when they differ: a login that is not superuser may not even name these attributes.
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'blockbot_app'
             AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolinherit)) THEN
    ALTER ROLE blockbot_app NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION NOINHERIT;
  END IF;
END
$$;

-- One block, so that a server which does not let us have BYPASSRLS is left without the role, not with half of it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'blockbot_backup' AND rolbypassrls) THEN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'blockbot_backup') THEN
      ALTER ROLE blockbot_backup LOGIN BYPASSRLS;
    ELSE
      CREATE ROLE blockbot_backup LOGIN BYPASSRLS;
    END IF;
  END IF;
  IF NOT pg_has_role('blockbot_backup', 'pg_read_all_data', 'USAGE') THEN
    GRANT pg_read_all_data TO blockbot_backup;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'blockbot_backup was not set up: this login may not give BYPASSRLS or pg_read_all_data. Back up with the tools of your Postgres provider.';
END
$$;

-- The roles are entered by SET ROLE, never inherited: a forgotten SET ROLE fails instead of making tables under a login.
GRANT blockbot_owner TO blockbot_migrate WITH INHERIT FALSE, SET TRUE;
GRANT blockbot_authn TO blockbot_owner WITH INHERIT FALSE, SET TRUE;

ALTER ROLE blockbot_app SET statement_timeout = '15s';
ALTER ROLE blockbot_app SET lock_timeout = '5s';
ALTER ROLE blockbot_app SET idle_in_transaction_session_timeout = '30s';

DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO blockbot_owner, blockbot_migrate', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO blockbot_app', current_database());
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'blockbot_backup') THEN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO blockbot_backup', current_database());
  END IF;
  -- Servers older than 15, and databases restored from them, let everybody create here.
  IF has_schema_privilege('public', 'public', 'CREATE') THEN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  END IF;
END
$$;
