import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { createDatabase, createSql } from "./client.ts";
import { inTenant } from "./tenant.ts";
import { createTestDatabase } from "./test-db.ts";
import { fillTeam, hotQueriesOf } from "./test-hot.ts";
import { seedTeam } from "./test-teams.ts";

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
  for (const team of [mine, theirs]) await fillTeam(admin, team, ROWS);
  await admin`ANALYZE`;
  await admin.end();
  const app = { database: createDatabase(database.databaseUrl, { max: 1 }) };
  const { orgId } = mine;
  for (const [what, query] of Object.entries(hotQueriesOf(mine))) {
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
