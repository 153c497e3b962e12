-- `used` holds what calls have cost and what running ones have reserved. What goes beyond the limit (a call that cost more
-- than it had reserved, a limit that was lowered) stands in `overdrawn`, so that used <= lim always holds. No limit: null.
-- `exact` is false once a price or a usage had to be guessed, `warned` once the owners were told that it runs short.
ALTER TABLE app.quotas ALTER COLUMN lim DROP NOT NULL,
  ADD COLUMN overdrawn bigint NOT NULL DEFAULT 0 CHECK (overdrawn >= 0),
  ADD COLUMN exact boolean NOT NULL DEFAULT true,
  ADD COLUMN warned boolean NOT NULL DEFAULT false;
--> statement-breakpoint
-- All teams together. Not a team's row: it has no wall.
CREATE TABLE app.instance_quotas (
  resource text NOT NULL,
  period date NOT NULL,
  used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
  lim bigint CHECK (lim >= 0),
  overdrawn bigint NOT NULL DEFAULT 0 CHECK (overdrawn >= 0),
  exact boolean NOT NULL DEFAULT true,
  warned boolean NOT NULL DEFAULT false,
  PRIMARY KEY (resource, period),
  CHECK (used <= lim)
);
GRANT SELECT, INSERT, UPDATE ON app.instance_quotas TO blockbot_app;
--> statement-breakpoint
-- What the admins of a team decided, per resource as in app.quotas; without a row the instance's default holds. lim null: no limit.
CREATE TABLE app.budgets (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  resource text NOT NULL,
  lim bigint CHECK (lim >= 0),
  PRIMARY KEY (org_id, resource)
);
-- What one running call has taken from the quotas and not yet settled. The id is the turn's, or that of what else is paid for.
CREATE TABLE app.reservations (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL,
  user_id uuid,
  period date NOT NULL,
  microusd bigint NOT NULL CHECK (microusd >= 0),
  tokens bigint NOT NULL CHECK (tokens >= 0),
  reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, user_id) REFERENCES app.users ON DELETE SET NULL (user_id)
);
SELECT app.raise_wall(t) FROM unnest(ARRAY['budgets', 'reservations']::name[]) t;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.budgets, app.reservations TO blockbot_app;
--> statement-breakpoint
-- With input_tokens and output_tokens all that a turn was billed for.
ALTER TABLE app.turns ADD COLUMN cache_read_tokens bigint, ADD COLUMN cache_write_tokens bigint;
