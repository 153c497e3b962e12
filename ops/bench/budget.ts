import { sql } from "drizzle-orm";
import { reserve, settle } from "../../core/chat/budget.ts";
import { AppError } from "../../core/errors.ts";
import type { Scope } from "../../core/scope.ts";
import { createTestApp, type TestApp } from "../../core/test-app.ts";
import { inTenant } from "../../db/tenant.ts";
import type { BenchResult } from "./figures.ts";

const ROUNDS = 100;
const CALLS = 100;
const ALLOWED = 37;
const PAID = 2_000;
const AT_ONCE = 10; // as many as there are connections
const TEAMS = 10;
const CALL = { microUsd: 10_000, tokens: 1_000 };
const UNLIMITED = { instanceMicroUsd: null, teamMicroUsd: null, memberMicroUsd: null };

/** Reservations at the limit, a hundred at once, and what paying for a call costs a turn. */
export async function budget(): Promise<BenchResult> {
  const exact = await roundsAtTheLimit();
  await using it = await createTestApp({ budgetRules: UNLIMITED });
  const teams = await teamsOf(it, TEAMS);
  const bare = await perSecond(teams, (scope) => emptyTwice(scope));
  return {
    figures: [
      {
        what: `rounds with exactly ${ALLOWED} of ${CALLS} let through`,
        value: exact,
        unit: "",
        goal: { atLeast: ROUNDS },
      },
      {
        what: "calls paid for, one team",
        value: await perSecond(teams.slice(0, 1), pay),
        unit: "/s",
        baseline: bare,
      },
      {
        what: `calls paid for, ${TEAMS} teams`,
        value: await perSecond(teams, pay),
        unit: "/s",
        baseline: bare,
      },
    ],
    notes: [
      `${ROUNDS} rounds. A call is paid for by two transactions of their own: reserve, settle. ${AT_ONCE} at once.`,
      "Baseline: two transactions that read one row of the team and change nothing.",
    ],
  };
}

async function roundsAtTheLimit(): Promise<number> {
  const teamMicroUsd = ALLOWED * CALL.microUsd;
  await using it = await createTestApp({ budgetRules: { ...UNLIMITED, teamMicroUsd } });
  let exact = 0;
  for (const scope of await teamsOf(it, ROUNDS)) {
    const calls = Array.from({ length: CALLS }, () => take(scope, crypto.randomUUID()));
    const through = (await Promise.all(calls)).filter((taken) => taken).length;
    const [row] =
      await it.admin`SELECT used::int FROM app.quotas WHERE org_id = ${scope.orgId} AND lim IS NOT NULL`;
    if (through === ALLOWED && row?.["used"] === teamMicroUsd) exact += 1;
  }
  return exact;
}

async function teamsOf(it: TestApp, count: number): Promise<Scope[]> {
  const teams: Scope[] = [];
  for (let id = 1; id <= count; id++) teams.push(await it.team(id));
  return teams;
}

async function take(scope: Scope, id: string): Promise<boolean> {
  try {
    await inTenant(scope, (tx) => reserve(tx, scope, { id, userId: userOf(scope) }, CALL));
    return true;
  } catch (err) {
    if (err instanceof AppError) return false;
    throw err;
  }
}

async function pay(scope: Scope): Promise<void> {
  const call = { id: crypto.randomUUID(), userId: userOf(scope) };
  await inTenant(scope, (tx) => reserve(tx, scope, call, CALL));
  const spent = { microUsd: 300, tokens: 100, exact: true };
  await inTenant(scope, (tx) => settle(tx, scope, { call, spent, botId: 1 }));
}

async function emptyTwice(scope: Scope): Promise<void> {
  for (let i = 0; i < 2; i++)
    await inTenant(scope, (tx) =>
      tx.execute(sql`SELECT name FROM app.organizations WHERE id = ${scope.orgId}`),
    );
}

async function perSecond(teams: readonly Scope[], work: (scope: Scope) => Promise<void>): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < PAID) {
        const scope = teams[next++ % teams.length];
        if (scope !== undefined) await work(scope);
      }
    }),
  );
  return (PAID / (performance.now() - startedAt)) * 1_000;
}

function userOf(scope: Scope): string | null {
  return scope.actor.type === "user" ? scope.actor.userId : null;
}
