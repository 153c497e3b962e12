SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- The teams that are active in a Telegram chat: one for a group, any number for a private chat.
CREATE FUNCTION auth.teams_in_chat(p_bot bigint, p_chat bigint) RETURNS TABLE (org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.org_id FROM app.chats c WHERE c.bot_id = p_bot AND c.telegram_chat_id = p_chat AND c.status = 'active' $$;
REVOKE ALL ON FUNCTION auth.teams_in_chat(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.teams_in_chat(bigint, bigint) TO blockbot_app;
--> statement-breakpoint
SET LOCAL ROLE blockbot_owner;
CREATE INDEX chats_telegram ON app.chats (telegram_chat_id);
-- The messages that a question was made of, each with a hash of its words: [{"id": 5, "hash": "…"}].
ALTER TABLE app.turns ADD COLUMN asked jsonb NOT NULL DEFAULT '[]', DROP COLUMN message_id;
CREATE INDEX turns_chat ON app.turns (org_id, telegram_chat_id, created_at);
--> statement-breakpoint
SET LOCAL ROLE blockbot_authn;
-- As before, without what a button or a command asked.
CREATE OR REPLACE FUNCTION auth.affected_owners(p_credential text, p_since timestamptz, p_until timestamptz)
RETURNS TABLE (org_id uuid, messages int, telegram_user_id bigint, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.org_id, t.messages, o.telegram_user_id, o.locale
  FROM (SELECT n.org_id, count(*)::int AS messages FROM app.turns n
    WHERE n.credential = p_credential AND n.ended_at BETWEEN p_since AND p_until AND n.asked <> '[]'
    GROUP BY n.org_id) t
  LEFT JOIN LATERAL (SELECT a.telegram_user_id, a.locale FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
    WHERE u.org_id = t.org_id AND u.role = 'owner' AND u.status = 'active' AND a.telegram_user_id IS NOT NULL) o ON true $$;
--> statement-breakpoint
SET LOCAL ROLE blockbot_owner;
