CREATE TABLE app.cloud_connections (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  provider text NOT NULL,
  scopes text[] NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'needs_reauth')),
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, created_by) REFERENCES app.users ON DELETE SET NULL (created_by)
);
CREATE TABLE app.credentials (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  connection_id uuid,
  name text NOT NULL,
  kind text NOT NULL,
  kid bigint NOT NULL,
  envelope bytea NOT NULL CHECK (octet_length(envelope) BETWEEN 34 AND 65569),
  last4 text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, name),
  FOREIGN KEY (org_id, connection_id) REFERENCES app.cloud_connections ON DELETE CASCADE
);
SELECT app.raise_wall(t) FROM unnest(ARRAY['cloud_connections', 'credentials']::name[]) t;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.cloud_connections, app.credentials TO blockbot_app;
--> statement-breakpoint
CREATE TABLE app.audit_log (
  org_id uuid NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  actor_type text NOT NULL CHECK (actor_type IN ('user', 'system', 'operator')),
  actor_id text NOT NULL,
  action text NOT NULL,
  target text,
  outcome text NOT NULL,
  model text,
  correlation_id text NOT NULL,
  detail jsonb,
  detail_hash bytea NOT NULL,
  prev_hash bytea NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (org_id, seq)
);
CREATE INDEX audit_log_at ON app.audit_log (at);
CREATE INDEX audit_log_correlation ON app.audit_log (org_id, correlation_id);
CREATE TABLE app.audit_heads (
  org_id uuid PRIMARY KEY,
  seq bigint NOT NULL,
  hash bytea NOT NULL
);
CREATE TABLE app.audit_checkpoints (
  org_id uuid NOT NULL,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  purged bigint NOT NULL,
  purged_before timestamptz NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, seq)
);
SELECT app.raise_wall(t), app.open_to_authn(t) FROM unnest(ARRAY['audit_log', 'audit_heads', 'audit_checkpoints']::name[]) t;
GRANT SELECT ON app.audit_log, app.audit_checkpoints TO blockbot_app;
GRANT SELECT, INSERT, DELETE ON app.audit_log TO blockbot_authn;
GRANT SELECT, INSERT, UPDATE ON app.audit_heads TO blockbot_authn;
GRANT SELECT, INSERT ON app.audit_checkpoints TO blockbot_authn;
