-- Runs as blockbot_owner (the migrate login's role). Objects of schema auth belong to blockbot_authn.
CREATE SCHEMA app;
CREATE SCHEMA auth;
CREATE SCHEMA pipeline;
GRANT USAGE ON SCHEMA app, pipeline TO blockbot_app, blockbot_authn;
GRANT USAGE ON SCHEMA auth TO blockbot_app;
GRANT USAGE, CREATE ON SCHEMA auth TO blockbot_authn;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
--> statement-breakpoint
CREATE FUNCTION app.org() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog
  AS $$ SELECT nullif(current_setting('app.current_org_id', true), '')::uuid $$;
REVOKE ALL ON FUNCTION app.org() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.org() TO blockbot_app, blockbot_authn;
--> statement-breakpoint
-- The wall of one team's table: FORCE, a permissive base, and a restrictive policy that a later permissive one cannot widen.
CREATE FUNCTION app.raise_wall(p_table name, p_column name DEFAULT 'org_id') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('ALTER TABLE app.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', p_table);
  EXECUTE format('CREATE POLICY base ON app.%I AS PERMISSIVE FOR ALL TO blockbot_app USING (true) WITH CHECK (true)', p_table);
  EXECUTE format('CREATE POLICY wall ON app.%I AS RESTRICTIVE FOR ALL TO blockbot_app
    USING (%I = (SELECT app.org())) WITH CHECK (%I = (SELECT app.org()))', p_table, p_column, p_column);
END $$;
REVOKE ALL ON FUNCTION app.raise_wall(name, name) FROM PUBLIC;
--> statement-breakpoint
-- What the definer functions of schema auth may see across teams.
CREATE FUNCTION app.open_to_authn(p_table name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE POLICY authn ON app.%I AS PERMISSIVE FOR ALL TO blockbot_authn USING (true) WITH CHECK (true)', p_table);
END $$;
REVOKE ALL ON FUNCTION app.open_to_authn(name) FROM PUBLIC;
--> statement-breakpoint
CREATE TABLE app.instance (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  kind text NOT NULL CHECK (kind IN ('demo', 'real')),
  key_check bytea NOT NULL,
  setup_code_hash bytea CHECK (octet_length(setup_code_hash) = 32),
  setup_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT (kind, key_check), UPDATE (setup_code_hash, key_check) ON app.instance TO blockbot_app;
GRANT SELECT, UPDATE (setup_code_hash, setup_used_at) ON app.instance TO blockbot_authn;
--> statement-breakpoint
CREATE TABLE app.organizations (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  created_at timestamptz NOT NULL DEFAULT now()
);
SELECT app.raise_wall('organizations', 'id');
SELECT app.open_to_authn('organizations');
GRANT SELECT, UPDATE (name) ON app.organizations TO blockbot_app;
GRANT SELECT, INSERT, REFERENCES ON app.organizations TO blockbot_authn;
--> statement-breakpoint
SET LOCAL ROLE blockbot_authn;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE TABLE auth.accounts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text CHECK (length(email) <= 254),
  email_verified_at timestamptz,
  password_hash text,
  telegram_user_id bigint UNIQUE,
  display_name text NOT NULL DEFAULT '',
  locale text NOT NULL DEFAULT 'en',
  time_zone text NOT NULL DEFAULT 'UTC',
  token_epoch int NOT NULL DEFAULT 0,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
  current_org_id uuid REFERENCES app.organizations ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX accounts_email ON auth.accounts (lower(email));
GRANT REFERENCES ON auth.accounts TO blockbot_owner;
SET LOCAL ROLE blockbot_owner;
--> statement-breakpoint
CREATE TABLE app.users (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  account_id uuid NOT NULL REFERENCES auth.accounts,
  role text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'member')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'removed')),
  display_name text NOT NULL DEFAULT '' CHECK (length(display_name) <= 200),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, account_id)
);
CREATE INDEX users_account ON app.users (account_id);
SELECT app.raise_wall('users');
SELECT app.open_to_authn('users');
GRANT SELECT, UPDATE (role, status, display_name) ON app.users TO blockbot_app;
GRANT SELECT, INSERT, UPDATE ON app.users TO blockbot_authn;
--> statement-breakpoint
SET LOCAL ROLE blockbot_authn;
CREATE TABLE auth.magic_links (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  account_id uuid REFERENCES auth.accounts ON DELETE CASCADE,
  email text NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('login', 'link_telegram', 'invite')),
  binding_hash bytea,
  code_hash bytea,
  telegram_user_id bigint,
  redirect_path text CHECK (redirect_path ~ '^/[A-Za-z0-9_/-]*$' AND redirect_path !~ '^//'),
  attempts int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX magic_links_expires ON auth.magic_links (expires_at);
CREATE TABLE auth.refresh_tokens (
  jti text PRIMARY KEY,
  family_id uuid NOT NULL,
  account_id uuid NOT NULL REFERENCES auth.accounts ON DELETE CASCADE,
  org_id uuid NOT NULL,
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  issued_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  family_expires_at timestamptz NOT NULL,
  used_at timestamptz,
  revoked_at timestamptz,
  revoke_reason text,
  replaced_by text,
  user_agent text
);
CREATE INDEX refresh_tokens_family ON auth.refresh_tokens (family_id);
CREATE INDEX refresh_tokens_account ON auth.refresh_tokens (account_id);
SET LOCAL ROLE blockbot_owner;
--> statement-breakpoint
CREATE TABLE app.invites (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  role text NOT NULL CHECK (role IN ('admin', 'member')),
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  used_by uuid,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, created_by) REFERENCES app.users,
  FOREIGN KEY (org_id, used_by) REFERENCES app.users
);
SELECT app.raise_wall('invites');
SELECT app.open_to_authn('invites');
GRANT SELECT, INSERT, DELETE ON app.invites TO blockbot_app;
GRANT SELECT, UPDATE (used_at, used_by) ON app.invites TO blockbot_authn;
--> statement-breakpoint
CREATE TABLE app.groups (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id)
);
CREATE TABLE app.group_members (
  org_id uuid NOT NULL,
  group_id uuid NOT NULL,
  user_id uuid NOT NULL,
  PRIMARY KEY (org_id, group_id, user_id),
  FOREIGN KEY (org_id, group_id) REFERENCES app.groups ON DELETE CASCADE,
  FOREIGN KEY (org_id, user_id) REFERENCES app.users ON DELETE CASCADE
);
CREATE TABLE app.team_settings (
  org_id uuid PRIMARY KEY REFERENCES app.organizations ON DELETE CASCADE,
  language text,
  time_zone text NOT NULL DEFAULT 'UTC',
  instructions text CHECK (length(instructions) <= 4000),
  updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT app.raise_wall(t) FROM unnest(ARRAY['groups', 'group_members', 'team_settings']::name[]) t;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.groups, app.group_members TO blockbot_app;
GRANT SELECT, INSERT, UPDATE ON app.team_settings TO blockbot_app;
