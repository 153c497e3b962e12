import { expect, test } from "bun:test";
import { inTenant } from "../../db/tenant.ts";
import { runRetention } from "../retention.ts";
import type { Scope } from "../scope.ts";
import { createTestApp, leaseOf, refusalOf, type TestApp } from "../test-app.ts";
import { reserve, settle, type Spent } from "./budget.ts";
import { reopenTurn } from "./interrupted.ts";
import { resourceOf } from "./quotas.ts";
import { answered, ask, askAndEnd, receive, questionOf } from "./test-conversation.ts";
import { beginTurn, finishTurn, type Outcome } from "./turns.ts";

const ROUNDS = 5;
const CALLS = 100;
const CENT = 10_000;
const CALL = { microUsd: CENT, tokens: 1_000 };
const BOT_ID = 4711;
const FAILED: Outcome = {
  status: "failed",
  text: "",
  usage: null,
  kind: "overloaded",
  retryAfterSeconds: null,
};

type Rules = { instance?: number | null; team?: number | null; member?: number | null };

/** An app whose budgets are these, in cents. */
function appWith({ instance = null, team = null, member = null }: Rules): Promise<TestApp> {
  const micro = (cents: number | null) => (cents === null ? null : cents * CENT);
  return createTestApp({
    budgetRules: {
      instanceMicroUsd: micro(instance),
      teamMicroUsd: micro(team),
      memberMicroUsd: micro(member),
    },
  });
}

const userOf = (scope: Scope) => (scope.actor.type === "user" ? scope.actor.userId : null);

/** Reserves for a call of its own. Returns its id. */
async function take(scope: Scope, amount = CALL): Promise<string> {
  const id = crypto.randomUUID();
  await inTenant(scope, (tx) => reserve(tx, scope, { id, userId: userOf(scope) }, amount));
  return id;
}

async function end(scope: Scope, id: string, spent: Partial<Spent> = {}): Promise<void> {
  const paid = {
    call: { id, userId: userOf(scope) },
    spent: { ...CALL, exact: true, ...spent },
    botId: BOT_ID,
  };
  await inTenant(scope, (tx) => settle(tx, scope, paid));
}

/** How many of so many reservations at once get through. Fails when one is refused for another reason. */
async function throughAtOnce(scopes: readonly Scope[], reason: string): Promise<number> {
  const calls = Array.from({ length: CALLS }, (_, i) => take(scopes[i % scopes.length] as Scope));
  const ended = await Promise.allSettled(calls);
  const refused = ended.filter(({ status }) => status === "rejected");
  for (const call of refused)
    expect(await refusalOf(Promise.reject((call as PromiseRejectedResult).reason))).toBe(reason as never);
  return CALLS - refused.length;
}

async function quotas(it: TestApp, scope: Scope) {
  const rows = await it.admin`SELECT resource, period::text, used::int, overdrawn::int, exact FROM app.quotas
    WHERE org_id = ${scope.orgId} AND resource = ${resourceOf.team("microusd")} ORDER BY period`;
  return rows.map(({ period, used, overdrawn, exact }) => ({ period, used, overdrawn, exact }));
}

const usedIn = async (it: TestApp, scope: Scope) => (await quotas(it, scope)).map(({ used }) => used);

test("of a hundred calls at once exactly those that the budget allows get through, whichever budget it is", async () => {
  await using it = await appWith({ instance: 300, team: 37, member: 23 });
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await it.team(round * 10 + 1);
    expect(await throughAtOnce([alone], "budget_member")).toBe(23);
    const owner = await it.team(round * 10 + 2);
    const people = [owner, await it.member(owner, round * 10 + 3, "member")];
    expect(await throughAtOnce(people, "budget_team")).toBe(37);
  }
  // Five rounds have used all 300 cents of the instance: a new team is no way around it.
  expect(await throughAtOnce([await it.team(900)], "budget_instance")).toBe(0);
  const [row] = await it.admin`SELECT used::int, lim::int FROM app.instance_quotas`;
  expect(row).toEqual({ used: 300 * CENT, lim: 300 * CENT });
});

test("what a call has cost takes the place of what was reserved, less or more, and a failed one costs nothing", async () => {
  await using it = await appWith({ team: 10 });
  const scope = await it.team(1);
  await end(scope, await take(scope), { microUsd: 7, tokens: 3 });
  await end(scope, await take(scope), { microUsd: 0, tokens: 0 });
  expect(await usedIn(it, scope)).toEqual([7]);
  const ids = [await take(scope, { ...CALL, microUsd: 9 * CENT })];
  expect(await refusalOf(take(scope))).toBe("budget_team");
  // More than reserved, and more than the budget: the truth is kept, and nothing more gets through.
  await end(scope, ids[0] ?? "", { microUsd: 12 * CENT });
  expect(await quotas(it, scope)).toMatchObject([{ used: 10 * CENT, overdrawn: 2 * CENT + 7, exact: true }]);
  expect(await refusalOf(take(scope, { microUsd: 1, tokens: 1 }))).toBe("budget_team");
  const [tokens] =
    await it.admin`SELECT used::int FROM app.quotas WHERE resource = ${resourceOf.team("tokens")}`;
  expect(tokens).toEqual({ used: 1_003 });
  expect(await it.admin`SELECT FROM app.reservations`).toHaveLength(0);
});

test("a refused question leaves nothing behind and keeps its update", async () => {
  await using it = await appWith({ team: 0 });
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await receive(scope, lease, [1]);
  expect(await refusalOf(beginTurn(scope, questionOf(lease, 1)))).toBe("budget_team");
  for (const table of ["turns", "reservations", "quotas"])
    expect(await it.admin`SELECT FROM ${it.admin(`app.${table}`)}`).toHaveLength(0);
  const [update] = await it.admin`SELECT state FROM pipeline.updates`;
  expect(update).toEqual({ state: "ready" });
});

test("a turn reserves more than it costs, pays what it cost, and gives everything back when it failed", async () => {
  await using it = await appWith({ team: 100 });
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await ask(scope, lease, 1);
  const [reserved] = await usedIn(it, scope);
  await finishTurn(scope, turn, answered("done"), []);
  const [cost] = await it.admin`SELECT cost_microusd::int AS cost FROM app.turns`;
  expect(cost?.["cost"]).toBeGreaterThan(0);
  expect(await usedIn(it, scope)).toEqual([Number(cost?.["cost"])]);
  expect(reserved).toBeGreaterThan(Number(cost?.["cost"]));
  await finishTurn(scope, turn, answered("once more"), []);
  await askAndEnd(scope, lease, 2, { outcome: FAILED });
  expect(await quotas(it, scope)).toMatchObject([{ used: cost?.["cost"], exact: true }]);
});

test("an answer that was stopped is paid for as far as it is known, and the sum says that it may be more", async () => {
  await using it = await appWith({ team: 100 });
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const usage = { ...usageIn(answered("")), outputTokens: 1 };
  await askAndEnd(scope, lease, 1, { outcome: { status: "stopped", text: "word ".repeat(600), usage } });
  // A hundred tokens in; 3000 bytes out are at most a thousand tokens.
  expect(await quotas(it, scope)).toMatchObject([{ used: 200 + 10_000, exact: false }]);
  const other = await it.team(2);
  await askAndEnd(other, lease, 2, { outcome: { ...answered("done"), model: "claude-sonnet-9" } as Outcome });
  expect(await quotas(it, other)).toMatchObject([{ used: 300, exact: false }]);
});

test("after a crash the second attempt uses the same reservation, and only its end settles it", async () => {
  await using it = await appWith({ team: 100 });
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await ask(scope, lease, 1);
  const reserved = await usedIn(it, scope);
  const next = await leaseOf(it.app);
  const again = await reopenTurn(scope, next, turn.id);
  expect(await usedIn(it, scope)).toEqual(reserved);
  await finishTurn(scope, again?.turn ?? turn, answered("done"), []);
  // The first attempt was billed too, and nobody knows how much.
  expect(await quotas(it, scope)).toMatchObject([{ used: 300, exact: false }]);

  const second = await ask(scope, next, 2);
  await reopenTurn(scope, next, second.id);
  const gaveUp = await reopenTurn(scope, next, second.id);
  expect(gaveUp?.exhausted).toBe(true);
  await finishTurn(scope, gaveUp?.turn ?? second, FAILED, []);
  expect(await usedIn(it, scope)).toEqual([300]);
  expect(await it.admin`SELECT FROM app.reservations`).toHaveLength(0);
});

test("what nobody ends is given back after a day, and is charged all the same when it ends after that", async () => {
  await using it = await appWith({ team: 10 });
  const scope = await it.team(1);
  const [old, young] = [await take(scope), await take(scope)];
  await it.admin`UPDATE app.reservations SET reserved_at = now() - interval '25 hours' WHERE id = ${old}`;
  await runRetention(it.app);
  expect(await quotas(it, scope)).toMatchObject([{ used: CENT, exact: false }]);
  await end(scope, old, { microUsd: 5 });
  await end(scope, young, { microUsd: 5 });
  expect(await usedIn(it, scope)).toEqual([10]);
});

test("a month starts anew at its end in UTC, and a call that runs into it is paid by the month it began in", async () => {
  await using it = await appWith({ team: 1 });
  const scope = { ...(await it.team(1)), timeZone: "Asia/Tokyo" };
  const end0 = Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 1);
  it.pass(end0 - Date.now() - 60_000);
  const id = await take(scope);
  const refused = await take(scope).then(
    () => null,
    (err: unknown) => err,
  );
  // Midnight in UTC is nine in the morning in Tokyo.
  expect(refused).toMatchObject({
    code: "budget_team",
    params: { resets: expect.stringMatching(/^1 \p{L}+ at 09:00 \(Asia\/Tokyo\)$/u), admin: "yes" },
  });
  it.pass(2 * 60_000);
  await take(scope);
  await end(scope, id, { microUsd: 5 });
  expect(await usedIn(it, scope)).toEqual([5, CENT]);
});

test("owners hear once a month that four fifths are used, the operator that all teams have used them", async () => {
  await using it = await appWith({ instance: 20, team: 10 });
  const lease = await leaseOf(it.app);
  const owner = await it.team(1, "Rockets");
  const member = await it.member(owner, 2, "member");
  const said = async () =>
    (
      await it.admin`SELECT chat_id::int AS chat, payload->>'text' AS text FROM pipeline.outbox ORDER BY id`
    ).map(({ chat, text }) => [Number(chat), String(text)] as const);
  const spend = async (scope: Scope, cents: number) => {
    const paid = {
      call: { id: await take(scope, { ...CALL, microUsd: cents * CENT }), userId: userOf(scope) },
    };
    const spent = { microUsd: cents * CENT, tokens: 1, exact: true };
    await inTenant(scope, (tx) => settle(tx, scope, { ...paid, spent, botId: lease.botId }));
  };
  await spend(member, 7);
  expect(await said()).toEqual([]);
  await spend(member, 1);
  expect(await said()).toEqual([[1, expect.stringContaining("80% of this month's budget of “Rockets”")]]);
  await spend(member, 2);
  expect(await said()).toHaveLength(1);
  const others = await it.team(3, "Others");
  await spend(others, 7);
  expect((await said()).slice(1)).toEqual([[1, expect.stringContaining("All teams together have used 85%")]]);
});

function usageIn(outcome: Outcome) {
  if (outcome.usage === null) throw new Error("that outcome has no usage");
  return outcome.usage;
}
