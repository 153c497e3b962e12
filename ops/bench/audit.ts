import { sql } from "drizzle-orm";
import { audit as append } from "../../core/audit.ts";
import { createTestApp } from "../../core/test-app.ts";
import { inTenant } from "../../db/tenant.ts";
import type { BenchResult } from "./figures.ts";
import { perSecond } from "./pace.ts";

const ROWS = 2_000;
const AT_ONCE = 8;
const TEAMS = 8;

/** Transactions that leave an audit row, against the same without one: all in one team, whose chain they share, and in many. */
export async function audit(): Promise<BenchResult> {
  await using it = await createTestApp();
  const teams = await Promise.all(Array.from({ length: TEAMS }, (_, index) => it.team(index + 1)));
  const [one = teams[0]] = teams;
  if (one === undefined) throw new Error("there is no team");
  let turn = 0;
  const any = () => teams[turn++ % TEAMS] ?? one;
  // The change that is written down: a name, over and over.
  const change = (team: typeof one, written: boolean) =>
    inTenant(team, async (tx) => {
      await tx.execute(
        sql`UPDATE app.users SET display_name = 'x' WHERE org_id = ${team.orgId} AND role = 'owner'`,
      );
      if (written) await append(tx, team, "member.role");
    });
  const baselineOne = await perSecond(ROWS, AT_ONCE, () => change(one, false));
  const baselineMany = await perSecond(ROWS, AT_ONCE, () => change(any(), false));
  return {
    figures: [
      {
        what: "changes with an audit row, one team",
        value: await perSecond(ROWS, AT_ONCE, () => change(one, true)),
        unit: "/s",
        baseline: baselineOne,
      },
      {
        what: `changes with an audit row, ${TEAMS} teams`,
        value: await perSecond(ROWS, AT_ONCE, () => change(any(), true)),
        unit: "/s",
        baseline: baselineMany,
      },
    ],
    notes: [`${AT_ONCE} at once; the baseline is the same change without the row.`],
  };
}
