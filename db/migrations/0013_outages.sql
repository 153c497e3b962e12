-- Outages of Claude, by the name of the credential that met them; not tenant data. Written by the holder of the lease.
CREATE TABLE pipeline.claude_outages (
  credential text NOT NULL,
  began_at timestamptz NOT NULL,
  kind text NOT NULL,
  open_until timestamptz NOT NULL,
  told_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (credential, began_at)
);
CREATE UNIQUE INDEX claude_outages_open ON pipeline.claude_outages (credential) WHERE ended_at IS NULL;
-- When each kind of alert was last given about something, so that it is not given too often.
CREATE TABLE pipeline.alerts (
  kind text NOT NULL,
  subject text NOT NULL,
  told_at timestamptz NOT NULL,
  PRIMARY KEY (kind, subject)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON pipeline.claude_outages, pipeline.alerts TO blockbot_app;
--> statement-breakpoint
-- A question that an outage left without an answer keeps which credential met it, and what became of it since:
-- waiting for Claude, offered to be answered, or accepted. One that is asked again has no update of its own.
ALTER TABLE app.turns
  ADD COLUMN credential text,
  ADD COLUMN kept text CHECK (kept IN ('waiting', 'offered', 'accepted')),
  ALTER COLUMN update_id DROP NOT NULL;
CREATE INDEX turns_credential ON app.turns (credential, ended_at) WHERE credential IS NOT NULL;
CREATE INDEX turns_kept ON app.turns (bot_id, kept, ended_at) WHERE kept IS NOT NULL;
--> statement-breakpoint
SET LOCAL ROLE blockbot_authn;
-- How many messages of each team an outage left unanswered, and the team's owners, who are told; no owner, one row.
CREATE FUNCTION auth.affected_owners(p_credential text, p_since timestamptz, p_until timestamptz)
RETURNS TABLE (org_id uuid, messages int, telegram_user_id bigint, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.org_id, t.messages, o.telegram_user_id, o.locale
  FROM (SELECT n.org_id, count(*)::int AS messages FROM app.turns n
    WHERE n.credential = p_credential AND n.ended_at BETWEEN p_since AND p_until AND n.message_id IS NOT NULL
    GROUP BY n.org_id) t
  LEFT JOIN LATERAL (SELECT a.telegram_user_id, a.locale FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
    WHERE u.org_id = t.org_id AND u.role = 'owner' AND u.status = 'active' AND a.telegram_user_id IS NOT NULL) o ON true $$;
--> statement-breakpoint
-- Kept questions in one state, of all teams, oldest first, with who asked and where; of people and chats that are still there.
CREATE FUNCTION auth.kept_questions(p_bot bigint, p_kept text, p_since timestamptz)
RETURNS TABLE (org_id uuid, org_name text, turn_id uuid, telegram_chat_id bigint, thread_id bigint,
               chat_kind text, correlation_id text, user_id uuid, account_id uuid, role text, display_name text, locale text,
               time_zone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.org_id, o.name, t.id, t.telegram_chat_id, t.thread_id, c.kind, t.correlation_id, u.id, a.id,
    u.role, u.display_name, a.locale, a.time_zone
  FROM app.turns t
  JOIN app.organizations o ON o.id = t.org_id
  JOIN app.users u ON u.org_id = t.org_id AND u.id = t.asker_id AND u.status = 'active'
  JOIN auth.accounts a ON a.id = u.account_id AND a.status = 'active'
  JOIN app.chats c ON c.org_id = t.org_id AND c.bot_id = t.bot_id AND c.telegram_chat_id = t.telegram_chat_id
    AND c.status = 'active'
  WHERE t.bot_id = p_bot AND t.kept = p_kept AND t.ended_at >= p_since ORDER BY t.ended_at $$;
REVOKE ALL ON FUNCTION auth.affected_owners(text, timestamptz, timestamptz),
  auth.kept_questions(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.affected_owners(text, timestamptz, timestamptz),
  auth.kept_questions(bigint, text, timestamptz) TO blockbot_app;
SET LOCAL ROLE blockbot_owner;
