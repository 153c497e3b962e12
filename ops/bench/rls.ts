import { eq, sql, type SQL } from "drizzle-orm";
import { createTestApp, type TestApp } from "../../core/test-app.ts";
import { createDatabase, createSql, type Database, type Tx } from "../../db/client.ts";
import { organizations } from "../../db/schema/teams.ts";
import { inTenant } from "../../db/tenant.ts";
import { fillTeam, hotQueriesOf } from "../../db/test-hot.ts";
import { seedTeam } from "../../db/test-teams.ts";
import type { BenchResult, Figure } from "./figures.ts";
import { perSecond } from "./pace.ts";
import { cpuMsOf } from "./processes.ts";

const READS = 3_000;
const AT_ONCE = 8;
const ROWS = 5_000;
const ROUNDS = 6;
const CPU_READS = 3_000;
const CPU_RATIO_MAX = 1.25;
/** Those that read more than a row; of the others the statement itself is next to nothing. */
const WITH_GOAL = ["a conversation", "a chat", "the newest of the audit log"];

/** What the wall costs: a point read in a team's transaction against a bare one, and the server's work for what is read most. */
export async function rls(): Promise<BenchResult> {
  await using it = await createTestApp();
  const team = await it.team(1);
  const bare = createSql(it.urls.adminUrl, { max: 10 });
  const baseline = await perSecond(
    READS,
    AT_ONCE,
    () => bare`SELECT name FROM app.organizations WHERE id = ${team.orgId}`,
  );
  const walled = await perSecond(READS, AT_ONCE, () =>
    inTenant(team, (tx) =>
      tx.select({ name: organizations.name }).from(organizations).where(eq(organizations.id, team.orgId)),
    ),
  );
  await bare.end();
  return {
    figures: [
      { what: "point reads of one's own team", value: walled, unit: "/s", baseline },
      ...(await serverTimes(it)),
    ],
    notes: [
      `Point reads: ${AT_ONCE} at once. Ours is a transaction with the team set in it; the baseline is one statement.`,
      `TN-09: the server's own time for a statement, ${ROUNDS} rounds of ${CPU_READS} in turns, tables of ${2 * ROWS} rows. The baseline is the same statement by a superuser, for whom there is no wall. A wall costs a statement the same few µs, whatever it reads; the goal is 1.25 where it reads more than a row.`,
    ],
  };
}

async function serverTimes(it: TestApp): Promise<Figure[]> {
  const [mine, theirs] = [await seedTeam(it.admin, 2), await seedTeam(it.admin, 3)];
  for (const team of [mine, theirs]) await fillTeam(it.admin, team, ROWS);
  await it.admin`ANALYZE`;
  const walled = createDatabase(it.urls.databaseUrl, { max: 1 });
  const open = createDatabase(it.urls.adminUrl, { max: 1 });
  const figures: Figure[] = [];
  for (const [what, query] of Object.entries(hotQueriesOf(mine))) {
    const spentMs = { walled: 0, open: 0 };
    for (let round = 0; round <= ROUNDS; round += 1) {
      const ours = await serverMs(walled, mine.orgId, query);
      const theirs = await serverMs(open, mine.orgId, query);
      if (round === 0) continue; // to warm up
      spentMs.walled += ours;
      spentMs.open += theirs;
    }
    const each = 1_000 / (ROUNDS * CPU_READS);
    const baseline = spentMs.open * each;
    figures.push({
      what: `${what}, server's time`,
      value: spentMs.walled * each,
      unit: "µs",
      baseline,
      ...(WITH_GOAL.includes(what) ? { goal: { atMost: CPU_RATIO_MAX * baseline } } : {}),
    });
  }
  await walled.close();
  await open.close();
  return figures;
}

/** What the server's process of this one connection spends on it. */
async function serverMs(database: Database, orgId: string, query: SQL): Promise<number> {
  return inTenant({ app: { database }, orgId }, async (tx: Tx) => {
    const [row] = await tx.execute<{ pid: number }>(sql`SELECT pg_backend_pid() AS pid`);
    const pids = [row?.pid ?? 0];
    const before = cpuMsOf(pids);
    for (let count = 0; count < CPU_READS; count += 1) await tx.execute(query);
    return cpuMsOf(pids) - before;
  });
}
