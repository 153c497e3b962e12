-- Not tenant data: what Telegram told us and what we owe it. Payloads are scrubbed once they are done.
CREATE TABLE pipeline.bots (
  bot_id bigint PRIMARY KEY,
  username text NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  lease_owner text,
  lease_until timestamptz,
  epoch bigint NOT NULL DEFAULT 0,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked')),
  last_poll_at timestamptz
);
--> statement-breakpoint
CREATE TABLE pipeline.updates (
  bot_id bigint NOT NULL REFERENCES pipeline.bots,
  update_id bigint NOT NULL,
  lane text NOT NULL,
  control boolean NOT NULL,
  payload jsonb,
  state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'done', 'parked')),
  turn_id uuid,
  attempts int NOT NULL DEFAULT 0,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at timestamptz,
  PRIMARY KEY (bot_id, update_id)
);
CREATE INDEX updates_ready ON pipeline.updates (bot_id, lane, received_at, update_id) WHERE state = 'ready';
CREATE INDEX updates_done ON pipeline.updates (done_at) WHERE state <> 'ready';
--> statement-breakpoint
CREATE TABLE pipeline.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  org_id uuid,
  bot_id bigint NOT NULL,
  chat_id bigint NOT NULL,
  thread_id bigint NOT NULL DEFAULT 0,
  turn_id uuid,
  part int NOT NULL DEFAULT 0,
  kind text NOT NULL CHECK (kind IN ('open', 'final', 'notice', 'edit', 'delete')),
  payload jsonb,
  idempotency_key text NOT NULL UNIQUE,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'failed')),
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL DEFAULT now(),
  message_id bigint,
  error text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at timestamptz
);
CREATE INDEX outbox_queued ON pipeline.outbox (bot_id, chat_id, id) WHERE state = 'queued';
CREATE INDEX outbox_open ON pipeline.outbox (bot_id, id) WHERE state IN ('queued', 'sending', 'unknown');
CREATE INDEX outbox_turn ON pipeline.outbox (turn_id, part);
CREATE INDEX outbox_done ON pipeline.outbox (done_at) WHERE done_at IS NOT NULL;
--> statement-breakpoint
CREATE TABLE pipeline.strangers (
  bot_id bigint NOT NULL REFERENCES pipeline.bots,
  telegram_user_id bigint NOT NULL,
  refused_on date NOT NULL,
  PRIMARY KEY (bot_id, telegram_user_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline.updates, pipeline.outbox, pipeline.strangers TO blockbot_app;
GRANT SELECT, INSERT, UPDATE ON pipeline.bots TO blockbot_app;
