import { sql } from "drizzle-orm";
import { createDatabase, createSql, type Database, type Tx } from "../../db/client.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import { createTestDatabase } from "../../db/test-db.ts";
import { seedTeam, type SeededTeam } from "../../db/test-teams.ts";
import { quantile, type BenchResult } from "./figures.ts";

const CONNECTIONS = 20;
const REQUESTS = 2_000;
const TEAMS = 5;
const TIMEOUT_MS = 5;

/** How a request of a team ends. Half of those that are cut off are so on the server's side. */
const ENDINGS = ["commit", "throw", "timeout", "cancel", "terminate"] as const;
type Ending = (typeof ENDINGS)[number];

/** What went on under load; `foreign` must be 0. */
export type TenancyTraffic = {
  readonly requests: number;
  /** How often each ending was asked for, and was the one that happened. */
  readonly endings: Readonly<Record<Ending, number>>;
  /** Rows of another team, or of any team where there is none, that a request saw or changed. */
  readonly foreign: number;
  readonly waitedMs: readonly number[];
};

/** Requests that alternate between teams on the same connections, one in ten of them cut off: does any see another team's row? */
export async function tenancy(): Promise<BenchResult> {
  const { requests, endings, foreign, waitedMs } = await tenancyTraffic(CONNECTIONS, REQUESTS);
  return {
    figures: [
      { what: "requests", value: requests, unit: "" },
      ...ENDINGS.map((ending) => ({ what: `ended by ${ending}`, value: endings[ending], unit: "" as const })),
      { what: "rows of another team", value: foreign, unit: "", goal: { atMost: 0 } },
      { what: "a request, p50", value: quantile(waitedMs, 0.5), unit: "ms" },
      { what: "a request, p99", value: quantile(waitedMs, 0.99), unit: "ms" },
    ],
    notes: [
      `${CONNECTIONS} callers on ${CONNECTIONS} connections, ${REQUESTS} requests each, ${TEAMS} teams in turn, and requests of no team between them.`,
    ],
  };
}

/** As many callers as connections; each makes so many requests, one after the other. */
export async function tenancyTraffic(connections: number, requestsEach: number): Promise<TenancyTraffic> {
  await using it = await start(connections);
  const endings: Record<Ending, number> = { commit: 0, throw: 0, timeout: 0, cancel: 0, terminate: 0 };
  const waitedMs: number[] = [];
  let foreign = 0;
  const callers = Array.from({ length: connections }, async (_, caller) => {
    for (let n = 0; n < requestsEach; n += 1) {
      const turn = caller + n;
      const startedAt = performance.now();
      const team = it.teams[turn % (TEAMS + 1)];
      if (team === undefined) foreign += await seenWithoutTeam(it.app);
      else {
        const ending = endingOf(turn);
        const outcome = await request(it.app, team, ending);
        foreign += outcome.foreign;
        if (outcome.ended) endings[ending] += 1;
      }
      waitedMs.push(performance.now() - startedAt);
    }
  });
  await Promise.all(callers);
  return { requests: waitedMs.length, endings, foreign: foreign + (await it.damage()), waitedMs };
}

// One in ten is cut off, in each of the four ways in turn.
function endingOf(turn: number): Ending {
  return turn % 10 === 7 ? (ENDINGS[1 + (Math.floor(turn / 10) % 4)] ?? "throw") : "commit";
}

type Pool = { readonly database: Database };

async function request(
  app: Pool,
  team: SeededTeam,
  ending: Ending,
): Promise<{ foreign: number; ended: boolean }> {
  let foreign = 0;
  const work = async (tx: Tx): Promise<void> => {
    const rows = await tx.execute<{ org_id: string; name: string }>(
      sql`UPDATE app.groups SET name = name RETURNING org_id, name`,
    );
    const isCanary = rows.length === 1 && rows[0]?.name === `canary ${team.orgId}`;
    if (!isCanary) foreign += 1;
    const turns = await tx.execute<{ org_id: string }>(sql`SELECT org_id FROM app.turns`);
    foreign += turns.filter((turn) => turn.org_id !== team.orgId).length;
    if (ending === "commit") return;
    // Must never be read by anybody.
    await tx.execute(sql`UPDATE app.groups SET name = ${`undone of ${team.orgId}`}`);
    await cutOff(tx, ending);
  };
  const err = await inTenant({ app, orgId: team.orgId }, work).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { foreign, ended: (err === null) === (ending === "commit") };
}

async function cutOff(tx: Tx, ending: Ending): Promise<void> {
  if (ending === "throw") throw new Error("undone");
  if (ending === "timeout") {
    await tx.execute(sql`SELECT set_config('statement_timeout', ${String(TIMEOUT_MS)}, true)`);
    await tx.execute(sql`SELECT pg_sleep(10)`);
  }
  if (ending === "cancel") await tx.execute(sql`SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(10)`);
  if (ending === "terminate")
    await tx.execute(sql`SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(10)`);
}

async function seenWithoutTeam(app: Pool): Promise<number> {
  const rows = await inSystem(app, (tx) => tx.execute(sql`SELECT 1 FROM app.groups`));
  return rows.length;
}

async function start(connections: number) {
  const database = await createTestDatabase();
  const admin = createSql(database.adminUrl, { max: 1 });
  const teams: SeededTeam[] = [];
  for (let number = 1; number <= TEAMS; number += 1) teams.push(await seedTeam(admin, number));
  const app: Pool = { database: createDatabase(database.databaseUrl, { max: connections }) };
  return {
    app,
    teams,
    /** Canaries that are not as they were. */
    async damage(): Promise<number> {
      const rows = await admin`SELECT 1 FROM app.groups WHERE name <> 'canary ' || org_id`;
      return rows.length;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await app.database.close();
      await admin.end();
      await database.drop();
    },
  };
}
