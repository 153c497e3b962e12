CREATE TABLE app.chats (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  bot_id bigint NOT NULL,
  telegram_chat_id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('private', 'group', 'supergroup')),
  title text NOT NULL DEFAULT '',
  group_id uuid,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, bot_id, telegram_chat_id),
  FOREIGN KEY (org_id, group_id) REFERENCES app.groups ON DELETE SET NULL (group_id)
);
-- A Telegram group belongs to one team; a private chat may talk to several.
CREATE UNIQUE INDEX chats_claimed_group ON app.chats (bot_id, telegram_chat_id) WHERE kind <> 'private' AND status = 'active';
SELECT app.raise_wall('chats');
SELECT app.open_to_authn('chats');
GRANT SELECT, INSERT, UPDATE, DELETE ON app.chats TO blockbot_app;
GRANT SELECT ON app.chats TO blockbot_authn;
--> statement-breakpoint
CREATE TABLE app.conversations (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  chat_id uuid NOT NULL,
  thread_id bigint NOT NULL DEFAULT 0,
  summary text,
  created_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, chat_id) REFERENCES app.chats ON DELETE CASCADE
);
CREATE UNIQUE INDEX conversations_open ON app.conversations (org_id, chat_id, thread_id) WHERE closed_at IS NULL;
--> statement-breakpoint
CREATE TABLE app.turns (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  conversation_id uuid NOT NULL,
  bot_id bigint NOT NULL,
  update_id bigint NOT NULL,
  lane text NOT NULL,
  telegram_chat_id bigint NOT NULL,
  thread_id bigint NOT NULL DEFAULT 0,
  message_id bigint,
  reply_to bigint,
  asker_id uuid NOT NULL,
  speaker text,
  question text NOT NULL,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'answered', 'failed', 'stopped')),
  attempt int NOT NULL DEFAULT 1,
  answer text,
  model text,
  stop_reason text,
  input_tokens bigint,
  output_tokens bigint,
  cost_microusd bigint,
  error_kind text,
  correlation_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, bot_id, update_id),
  FOREIGN KEY (org_id, conversation_id) REFERENCES app.conversations ON DELETE CASCADE,
  FOREIGN KEY (org_id, asker_id) REFERENCES app.users
);
CREATE INDEX turns_conversation ON app.turns (org_id, conversation_id, created_at);
CREATE INDEX turns_message ON app.turns (org_id, telegram_chat_id, message_id);
CREATE INDEX turns_running ON app.turns (bot_id) WHERE status = 'running';
SELECT app.raise_wall(t) FROM unnest(ARRAY['conversations', 'turns']::name[]) t;
SELECT app.open_to_authn('turns');
GRANT SELECT, INSERT, UPDATE, DELETE ON app.conversations, app.turns TO blockbot_app;
GRANT SELECT ON app.turns TO blockbot_authn;
--> statement-breakpoint
CREATE TABLE app.pending_inputs (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  user_id uuid NOT NULL,
  telegram_chat_id bigint NOT NULL,
  kind text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, user_id, telegram_chat_id),
  FOREIGN KEY (org_id, user_id) REFERENCES app.users ON DELETE CASCADE
);
-- What a press on an inline button does, for whom, until when. The id is the callback data.
CREATE TABLE app.buttons (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  id text NOT NULL,
  kind text NOT NULL,
  turn_id uuid,
  user_id uuid,
  telegram_chat_id bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, turn_id) REFERENCES app.turns ON DELETE CASCADE,
  FOREIGN KEY (org_id, user_id) REFERENCES app.users ON DELETE CASCADE
);
CREATE INDEX buttons_expires ON app.buttons (org_id, expires_at);
CREATE TABLE app.quotas (
  org_id uuid NOT NULL REFERENCES app.organizations ON DELETE CASCADE,
  resource text NOT NULL,
  period date NOT NULL,
  used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
  lim bigint NOT NULL CHECK (lim >= 0),
  PRIMARY KEY (org_id, resource, period),
  CHECK (used <= lim)
);
SELECT app.raise_wall(t) FROM unnest(ARRAY['pending_inputs', 'buttons', 'quotas']::name[]) t;
SELECT app.open_to_authn('pending_inputs');
GRANT SELECT ON app.pending_inputs TO blockbot_authn;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.pending_inputs, app.buttons TO blockbot_app;
GRANT SELECT, INSERT, UPDATE ON app.quotas TO blockbot_app;
