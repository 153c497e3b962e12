import { expect, test } from "bun:test";
import { sql, type SQL } from "drizzle-orm";
import { createDatabase, createSql, type Sql } from "./client.ts";
import { inTenant } from "./tenant.ts";
import { createTestDatabase } from "./test-db.ts";
import { seedTeam, type SeededTeam } from "./test-teams.ts";

const ROWS = 5_000;

type Plan = {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Cond"?: string;
  "Parent Relationship"?: string;
  Plans?: Plan[];
};

test("TN-08: what is read for every message goes by an index that begins with the team, and the wall is asked once a statement", async () => {
  await using database = await createTestDatabase();
  const admin = createSql(database.adminUrl, { max: 1 });
  const [mine, theirs] = [await seedTeam(admin, 1), await seedTeam(admin, 2)];
  for (const team of [mine, theirs]) await fill(admin, team);
  await admin`ANALYZE`;
  await admin.end();
  const app = { database: createDatabase(database.databaseUrl, { max: 1 }) };
  const { orgId, id } = mine;
  const hot: Record<string, SQL> = {
    "a conversation": sql`SELECT question, answer FROM app.turns WHERE org_id = ${orgId} AND conversation_id = ${id("conversations")}
      AND status IN ('answered', 'stopped') ORDER BY created_at DESC LIMIT 100`,
    "a chat": sql`SELECT id FROM app.turns WHERE org_id = ${orgId} AND telegram_chat_id = 1 ORDER BY created_at DESC LIMIT 50`,
    "a turn": sql`SELECT status FROM app.turns WHERE org_id = ${orgId} AND id = ${id("turns")}`,
    "a button": sql`SELECT kind FROM app.buttons WHERE org_id = ${orgId} AND id = 'b7'`,
    "the newest of the audit log": sql`SELECT seq FROM app.audit_log WHERE org_id = ${orgId} ORDER BY seq DESC LIMIT 50`,
  };
  for (const [what, query] of Object.entries(hot)) {
    const [row] = await inTenant({ app, orgId }, (tx) =>
      tx.execute<{ "QUERY PLAN": [{ Plan: Plan }] }>(sql`EXPLAIN (FORMAT JSON) ${query}`),
    );
    const plan = row?.["QUERY PLAN"][0].Plan;
    if (plan === undefined) throw new Error("no plan");
    const nodes = nodesOf(plan);
    const conditions = nodes.flatMap((node) => node["Index Cond"] ?? []);
    expect([what, nodes.filter((node) => node["Node Type"] === "Seq Scan")]).toEqual([what, []]);
    expect([what, conditions.every((condition) => condition.includes("org_id"))]).toEqual([what, true]);
    expect(conditions.length).toBeGreaterThan(0);
    expect([what, nodes.filter((node) => node["Parent Relationship"] === "SubPlan")]).toEqual([what, []]);
  }
  await app.database.close();
});

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

// Without their foreign keys looked at: the numbers are what counts.
async function fill(admin: Sql, { orgId, id, number }: SeededTeam): Promise<void> {
  await admin.begin(async (tx) => {
    await tx`SET LOCAL session_replication_role = replica`;
    await tx`INSERT INTO app.turns (org_id, conversation_id, bot_id, update_id, lane, telegram_chat_id, asker_id, question, answer, status, correlation_id)
      SELECT ${orgId}, CASE WHEN n % 10 = 0 THEN ${id("conversations")}::uuid ELSE gen_random_uuid() END, 1, ${number} * 1000000 + n, 'lane', ${number},
        ${id("users")}, 'question', 'answer', 'answered', 'c' FROM generate_series(1, ${ROWS}::int) n`;
    await tx`INSERT INTO app.buttons (org_id, id, kind, telegram_chat_id, expires_at)
      SELECT ${orgId}, 'b' || n, 'retry', ${number}, now() FROM generate_series(1, ${ROWS}::int) n`;
    await tx`INSERT INTO app.audit_log (org_id, seq, at, actor_type, actor_id, action, outcome, correlation_id, detail_hash, prev_hash, hash)
      SELECT l.org_id, 1 + n, l.at, l.actor_type, l.actor_id, l.action, l.outcome, l.correlation_id, l.detail_hash, l.prev_hash, l.hash
      FROM app.audit_log l, generate_series(1, ${ROWS}::int) n WHERE l.org_id = ${orgId}`;
  });
}
