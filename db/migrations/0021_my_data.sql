-- What auth.erase has to reach across the teams of one person.
SELECT app.open_to_authn(t) FROM unnest(ARRAY['conversations', 'quotas', 'budgets', 'buttons', 'group_members']::name[]) t;
GRANT DELETE ON app.turns TO blockbot_authn;
GRANT SELECT, DELETE, UPDATE (summary, summarised_to) ON app.conversations TO blockbot_authn;
GRANT SELECT, DELETE ON app.quotas, app.budgets, app.buttons, app.group_members TO blockbot_authn;
GRANT DELETE ON app.chats, app.pending_inputs TO blockbot_authn;
GRANT UPDATE (revoked_at, email) ON app.invites TO blockbot_authn;
GRANT UPDATE (name) ON app.organizations TO blockbot_authn; -- to lock the row, as everything does that changes who is in a team
--> statement-breakpoint
SET LOCAL ROLE blockbot_authn;
-- What is stored about a person beside their teams' rows, for themselves. Null when there is no such account.
CREATE FUNCTION auth.account_data(p_account uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('name', a.display_name, 'telegramId', a.telegram_user_id, 'email', a.email, 'language', a.locale,
    'timeZone', a.time_zone, 'hasPassword', a.password_hash IS NOT NULL, 'since', a.created_at,
    'sessions', (SELECT coalesce(jsonb_agg(jsonb_build_object('method', s.method, 'browser', s.user_agent, 'since', s.created_at,
      'lastUsed', s.last_used_at, 'ended', s.ended_at) ORDER BY s.created_at), '[]') FROM auth.sessions s WHERE s.account_id = a.id))
  FROM auth.accounts a WHERE a.id = p_account $$;
--> statement-breakpoint
-- Deletes what a person said, in every team; with p_whole the person too, who leaves them all. The audit logs keep who did
-- what, by an id that nothing leads from to the person any more. What was used in p_period and after stays in the budgets.
-- Outcomes: ok, gone, last_owner (of `teams`; nothing was done then).
CREATE FUNCTION auth.erase(p_account uuid, p_whole boolean, p_period date, p_correlation text)
RETURNS TABLE (outcome text, turns int, teams text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE a auth.accounts; r record; v_held uuid[]; v_owned text[]; v_count int; v_total int := 0;
BEGIN
  SELECT * INTO a FROM auth.accounts t WHERE t.id = p_account AND t.status = 'active' FOR UPDATE;
  IF a.id IS NULL THEN RETURN QUERY SELECT 'gone'::text, 0, NULL::text[]; RETURN; END IF;
  PERFORM 1 FROM app.organizations o WHERE o.id IN (SELECT u.org_id FROM app.users u WHERE u.account_id = a.id) ORDER BY o.id FOR NO KEY UPDATE;
  SELECT array_agg(o.name ORDER BY o.name) INTO v_owned FROM app.users u JOIN app.organizations o ON o.id = u.org_id
    WHERE u.account_id = a.id AND u.status = 'active' AND u.role = 'owner' AND NOT EXISTS (SELECT FROM app.users x
      WHERE x.org_id = u.org_id AND x.status = 'active' AND x.role = 'owner' AND x.id <> u.id);
  IF p_whole AND v_owned IS NOT NULL THEN RETURN QUERY SELECT 'last_owner'::text, 0, v_owned; RETURN; END IF;
  FOR r IN SELECT u.org_id, u.id, u.status FROM app.users u WHERE u.account_id = a.id ORDER BY u.org_id LOOP
    WITH said AS (DELETE FROM app.turns t WHERE t.org_id = r.org_id AND t.asker_id = r.id RETURNING t.conversation_id)
      SELECT count(*)::int, array_agg(DISTINCT s.conversation_id) INTO v_count, v_held FROM said s;
    v_total := v_total + v_count;
    -- A summary may hold what was said. It goes whole: what others said stands in their own turns.
    UPDATE app.conversations c SET summary = NULL, summarised_to = NULL WHERE c.org_id = r.org_id AND c.id = ANY (v_held);
    DELETE FROM app.conversations c USING app.chats h WHERE c.org_id = r.org_id AND h.org_id = c.org_id AND h.id = c.chat_id
      AND h.kind = 'private' AND h.telegram_chat_id = a.telegram_user_id;
    DELETE FROM app.quotas q WHERE q.org_id = r.org_id AND q.resource LIKE '%/' || r.id AND q.period < p_period;
    IF p_whole THEN
      DELETE FROM app.chats h WHERE h.org_id = r.org_id AND h.kind = 'private' AND h.telegram_chat_id = a.telegram_user_id;
      DELETE FROM app.pending_inputs p WHERE p.org_id = r.org_id AND p.user_id = r.id;
      DELETE FROM app.group_members g WHERE g.org_id = r.org_id AND g.user_id = r.id;
      DELETE FROM app.buttons b WHERE b.org_id = r.org_id AND b.user_id = r.id;
      DELETE FROM app.budgets b WHERE b.org_id = r.org_id AND b.resource LIKE '%/' || r.id;
      UPDATE app.invites i SET revoked_at = clock_timestamp() WHERE i.org_id = r.org_id AND i.created_by = r.id
        AND i.used_at IS NULL AND i.revoked_at IS NULL;
      UPDATE app.invites i SET email = NULL WHERE i.org_id = r.org_id AND i.used_by = r.id;
      UPDATE app.users u SET status = 'removed', display_name = '' WHERE u.org_id = r.org_id AND u.id = r.id;
      PERFORM pg_notify('member_removed', r.id::text);
      IF r.status = 'active' THEN
        PERFORM auth.audit_append_to(r.org_id, 'user', r.id::text, 'member.leave', r.id::text, 'ok', NULL, p_correlation, NULL);
      END IF;
    END IF;
    PERFORM auth.audit_append_to(r.org_id, 'user', r.id::text, 'account.erase', r.id::text, CASE WHEN p_whole THEN 'whole' ELSE 'said' END,
      NULL, p_correlation, jsonb_build_object('turns', v_count));
  END LOOP;
  IF p_whole THEN
    DELETE FROM auth.sessions s WHERE s.account_id = a.id;
    DELETE FROM auth.magic_links m WHERE m.account_id = a.id OR m.telegram_user_id = a.telegram_user_id;
    UPDATE auth.accounts t SET status = 'disabled', display_name = '', email = NULL, email_verified_at = NULL, password_hash = NULL,
      telegram_user_id = NULL, current_org_id = NULL, locale = 'en', time_zone = 'UTC', token_epoch = t.token_epoch + 1 WHERE t.id = a.id;
  END IF;
  RETURN QUERY SELECT 'ok'::text, v_total, NULL::text[];
END $$;
REVOKE ALL ON FUNCTION auth.account_data(uuid), auth.erase(uuid, boolean, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.account_data(uuid), auth.erase(uuid, boolean, date, text) TO blockbot_app;
SET LOCAL ROLE blockbot_owner;
