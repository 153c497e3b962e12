import { expect, test } from "bun:test";
import { inTenant } from "../../db/tenant.ts";
import type { Scope } from "../scope.ts";
import { createTestApp, refusalOf } from "../test-app.ts";
import { readBudgets, setBudget } from "./budget-limits.ts";
import { reserve, settle } from "./budget.ts";
import { ownUsage, teamUsage } from "./usage.ts";

const USD = 1_000_000;

async function spend(scope: Scope, microUsd: number, tokens = 1_000, exact = true): Promise<void> {
  const userId = scope.actor.type === "user" ? scope.actor.userId : null;
  const call = { id: crypto.randomUUID(), userId };
  await inTenant(scope, async (tx) => {
    await reserve(tx, scope, call, { microUsd, tokens });
    await settle(tx, scope, { call, spent: { microUsd, tokens, exact }, botId: 1 });
  });
}

test("an admin words a budget in many ways, and what is none changes nothing", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const said = async (words: string) => {
    const { holder, measure, lim } = await setBudget(owner, words);
    return [holder.kind, measure, lim];
  };
  expect(await said("team 80")).toEqual(["team", "microusd", 80 * USD]);
  expect(await said("  TEAM   $80.5 ")).toEqual(["team", "microusd", 80.5 * USD]);
  expect(await said("team 12,50 $")).toEqual(["team", "microusd", 12.5 * USD]);
  expect(await said("everyone 15 usd")).toEqual(["everyone", "microusd", 15 * USD]);
  expect(await said("everyone none")).toEqual(["everyone", "microusd", null]);
  expect(await said("team 5M tokens")).toEqual(["team", "tokens", 5_000_000]);
  expect(await said("person 1 2,5k tokens")).toEqual(["member", "tokens", 2_500]);
  expect(await said("#1 0")).toEqual(["member", "microusd", 0]);
  expect(await said("#1 default")).toEqual(["member", "microusd", undefined]);
  const before = await readBudgets(owner);
  for (const words of [
    "",
    "team",
    "80",
    "team -5",
    "team 1,000",
    "team 5M",
    "team lots",
    "team 1e9",
    "team default tokens",
  ])
    expect({ words, refusal: await refusalOf(setBudget(owner, words)) }).toEqual({
      words,
      refusal: "budget_unclear",
    });
  expect(await refusalOf(setBudget(owner, "team 200.01"))).toBe("budget_too_high");
  expect(await refusalOf(setBudget(owner, "Nobody 5"))).toBe("budget_who_unknown");
  expect(await refusalOf(setBudget(owner, "#2 5"))).toBe("budget_who_unknown");
  expect(await refusalOf(setBudget(owner, "#0 5"))).toBe("budget_who_unknown");
  expect(await readBudgets(owner)).toEqual(before);
});

test("a member's budget is theirs, else everyone's, else the default; who shares a name is chosen by number", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const [bob, twin] = [await it.member(owner, 2, "member"), await it.member(owner, 3, "member")];
  await it.admin`UPDATE app.users SET display_name = 'Bob' WHERE role = 'member'`;
  expect(await refusalOf(setBudget(owner, "bob 5"))).toBe("budget_who_several");
  const limits = async () =>
    Promise.all([owner, bob, twin].map(async (scope) => (await ownUsage(scope)).own.microusd.lim));
  expect(await limits()).toEqual([20 * USD, 20 * USD, 20 * USD]);
  await setBudget(owner, "everyone 10");
  await setBudget(owner, "#2 1");
  expect(await limits()).toEqual([10 * USD, USD, 10 * USD]);
  expect(await refusalOf(spend(bob, 2 * USD))).toBe("budget_member");
  await setBudget(owner, "#2 default");
  await spend(bob, 2 * USD);
  await setBudget(owner, "#2 1000 tokens");
  expect(await refusalOf(spend(bob, 1, 1))).toBe("budget_member");
  expect(
    (await readBudgets(owner)).members.map(({ name, limits: own }) => [name, own.some(({ isOwn }) => isOwn)]),
  ).toEqual([
    ["Person 1", false],
    ["Bob", true],
    ["Bob", false],
  ]);
});

test("a budget below what is used stops the next question, one above it lets it through, in the same month", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  await spend(owner, 9 * USD);
  await setBudget(owner, "team 5");
  expect(await refusalOf(spend(owner, 1))).toBe("budget_team");
  expect((await ownUsage(owner)).team.microusd).toEqual({ used: 9 * USD, lim: 5 * USD, exact: true });
  await setBudget(owner, "team 10");
  await spend(owner, USD);
  expect(await refusalOf(spend(owner, 1))).toBe("budget_team");
});

test("only admins see and set budgets, of their own team, and the audit log says what was set", async () => {
  await using it = await createTestApp();
  const [owner, others] = [await it.team(1), await it.team(2)];
  const member = await it.member(owner, 3, "member");
  for (const work of [() => readBudgets(member), () => setBudget(member, "team 1"), () => teamUsage(member)])
    expect(await refusalOf(work())).toBe("not_allowed");
  const admin = await it.member(owner, 4, "admin");
  await setBudget(admin, "team 7");
  await setBudget(admin, "Person 3 none");
  const userId = member.actor.type === "user" ? member.actor.userId : "";
  const rows =
    await it.admin`SELECT target, outcome, detail FROM app.audit_log WHERE action = 'budget.set' ORDER BY seq`;
  expect([...rows]).toEqual([
    { target: "team", outcome: "ok", detail: { measure: "microusd", limit: 7 * USD } },
    { target: userId, outcome: "none", detail: { measure: "microusd", limit: null } },
  ]);
  expect((await readBudgets(others)).team[0]).toEqual({ measure: "microusd", lim: 50 * USD, isOwn: false });
});

test("the team's use is told by member, who has used most first, with what nobody's own budget paid", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const [busy, gone, idle] = [
    await it.member(owner, 2, "member"),
    await it.member(owner, 3, "member"),
    await it.member(owner, 4, "member"),
  ];
  await spend(owner, 3 * USD, 10);
  await spend(busy, 5 * USD, 20, false);
  await spend(gone, USD, 30);
  await it.admin`UPDATE app.users SET status = 'removed' WHERE id IN ${it.admin([gone, idle].map((scope) => (scope.actor.type === "user" ? scope.actor.userId : "")))}`;
  await spend({ ...owner, actor: { type: "system", name: "summary" } }, 2 * USD, 5);
  const { team, members, shared } = await teamUsage(owner);
  expect(team.microusd).toEqual({ used: 11 * USD, lim: 50 * USD, exact: false });
  expect(team.tokens.used).toBe(65);
  expect(members.map(({ name, use }) => [name, use.microusd.used / USD, use.microusd.exact])).toEqual([
    ["Person 2", 5, false],
    ["Person 1", 3, true],
    ["Person 3", 1, true],
  ]);
  expect(shared).toBe(2 * USD);
  it.pass(40 * 86_400_000);
  expect((await teamUsage(owner)).members.map(({ use }) => use.microusd.used)).toEqual([0, 0]);
});
