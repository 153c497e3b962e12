import { eq } from "drizzle-orm";
import { createTestApp } from "../../core/test-app.ts";
import { organizations } from "../../db/schema/teams.ts";
import { createSql } from "../../db/client.ts";
import { inTenant } from "../../db/tenant.ts";
import type { BenchResult } from "./figures.ts";
import { perSecond } from "./pace.ts";

const READS = 3_000;
const AT_ONCE = 8;

/** Reading one row of one's own team through the wall, against the same read by a superuser without a transaction. */
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
    figures: [{ what: "point reads of one's own team", value: walled, unit: "/s", baseline }],
    notes: [
      `${AT_ONCE} at once. Ours is a transaction with the team set in it; the baseline is one statement.`,
    ],
  };
}
