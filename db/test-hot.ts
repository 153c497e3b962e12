import { sql, type SQL } from "drizzle-orm";
import type { Sql } from "./client.ts";
import type { SeededTeam } from "./test-teams.ts";

/** What is read for every message, or for every look at the log, of a team that `fillTeam` has filled. For tests and benches only. */
export function hotQueriesOf({ orgId, id, number }: SeededTeam): Readonly<Record<string, SQL>> {
  return {
    "a conversation": sql`SELECT question, answer FROM app.turns WHERE org_id = ${orgId} AND conversation_id = ${id("conversations")}
      AND status IN ('answered', 'stopped') ORDER BY created_at DESC LIMIT 100`,
    "a chat": sql`SELECT id FROM app.turns WHERE org_id = ${orgId} AND telegram_chat_id = ${number} ORDER BY created_at DESC LIMIT 50`,
    "a turn": sql`SELECT status FROM app.turns WHERE org_id = ${orgId} AND id = ${id("turns")}`,
    "a button": sql`SELECT kind FROM app.buttons WHERE org_id = ${orgId} AND id = 'b7'`,
    "the newest of the audit log": sql`SELECT seq FROM app.audit_log WHERE org_id = ${orgId} ORDER BY seq DESC LIMIT 50`,
  };
}

/** So many turns, buttons and audit rows, without their foreign keys looked at: the numbers are what counts. */
export async function fillTeam(admin: Sql, { orgId, id, number }: SeededTeam, rows: number): Promise<void> {
  await admin.begin(async (tx) => {
    await tx`SET LOCAL session_replication_role = replica`;
    await tx`INSERT INTO app.turns (org_id, conversation_id, bot_id, update_id, lane, telegram_chat_id, asker_id, question, answer, status, correlation_id)
      SELECT ${orgId}, CASE WHEN n % 10 = 0 THEN ${id("conversations")}::uuid ELSE gen_random_uuid() END, 1, ${number} * 1000000 + n, 'lane', ${number},
        ${id("users")}, 'question', 'answer', 'answered', 'c' FROM generate_series(1, ${rows}::int) n`;
    await tx`INSERT INTO app.buttons (org_id, id, kind, telegram_chat_id, expires_at)
      SELECT ${orgId}, 'b' || n, 'retry', ${number}, now() FROM generate_series(1, ${rows}::int) n`;
    await tx`INSERT INTO app.audit_log (org_id, seq, at, actor_type, actor_id, action, outcome, correlation_id, detail_hash, prev_hash, hash)
      SELECT l.org_id, 1 + n, l.at, l.actor_type, l.actor_id, l.action, l.outcome, l.correlation_id, l.detail_hash, l.prev_hash, l.hash
      FROM app.audit_log l, generate_series(1, ${rows}::int) n WHERE l.org_id = ${orgId}`;
  });
}
