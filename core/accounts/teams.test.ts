import { expect, test } from "bun:test";
import { openInstance } from "../instance.ts";
import { newCorrelationId } from "../scope.ts";
import { createTestApp, refusalOf, type TestApp } from "../test-app.ts";
import { resolveSender } from "./sender.ts";
import {
  chooseTeam,
  claimFirstTeam,
  claimGroup,
  createTeam,
  listTeams,
  mayCreateTeam,
  renameTeam,
} from "./teams.ts";

const BOT_ID = 4711;
const GROUP = { chatId: -100, threadId: 0, kind: "supergroup", title: "Work", lane: "group" } as const;

function claimAs(it: TestApp, telegramUserId: number, code: string, teamName = "The team") {
  return claimFirstTeam(it.app, {
    code,
    person: { id: telegramUserId, name: `Person ${telegramUserId}`, locale: "de" },
    teamName,
    correlationId: newCorrelationId(),
  });
}

test("the owner link makes one owner, even when twenty people open it at the same moment", async () => {
  await using it = await createTestApp();
  const code = (await openInstance(it.app, "real", null)) ?? "";
  const claims = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => claimAs(it, 100 + index, code)),
  );
  expect(claims.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const winner = 100 + claims.findIndex(({ status }) => status === "fulfilled");
  for (const claim of claims) {
    if (claim.status === "rejected") expect(claim.reason).toMatchObject({ code: "owner_link_used" });
  }
  expect(await refusalOf(claimAs(it, winner, code))).toBe("owner_link_used");
  expect(await resolveSender(it.app, BOT_ID, winner, winner)).toMatchObject({
    team: { name: "The team" },
    member: { role: "owner", name: `Person ${winner}` },
    locale: "de",
  });
  const rows = await it.admin`SELECT (SELECT count(*)::int FROM app.organizations) AS teams,
    (SELECT count(*)::int FROM auth.accounts) AS accounts, (SELECT array_agg(action) FROM app.audit_log) AS actions`;
  expect([...rows]).toEqual([{ teams: 1, accounts: 1, actions: ["team.create"] }]);
});

test("a wrong code claims nothing, before and after the right one was used", async () => {
  await using it = await createTestApp();
  expect(await refusalOf(claimAs(it, 1, "anything"))).toBe("owner_link_unknown");
  const code = (await openInstance(it.app, "real", null)) ?? "";
  for (const wrong of ["", `${code}x`, code.slice(1), code.toUpperCase()]) {
    expect(await refusalOf(claimAs(it, 1, wrong))).toBe("owner_link_unknown");
  }
  await claimAs(it, 2, code);
  expect(await refusalOf(claimAs(it, 1, "anything"))).toBe("owner_link_unknown");
  expect((await resolveSender(it.app, BOT_ID, 1, 1)).team).toBeNull();
});

test("a team's name is one line of one to eighty characters without invisible ones", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1, "Before");
  const names: [given: string, kept: string][] = [
    ["  Engineering  ", "Engineering"],
    ["two\nlines\tand\u00a0more", "two lines and more"],
    ["in\u200bvis\u202eible\0", "in vis ible"],
    ["half \ud83d one", "half one"],
    ["Cafe\u0301", "Café"],
    ["Команда 🚀", "Команда 🚀"],
    ["x".repeat(80), "x".repeat(80)],
  ];
  for (const [given, kept] of names) {
    expect(await renameTeam(owner, given)).toBe(kept);
    expect([...(await it.admin`SELECT name FROM app.organizations`)]).toEqual([{ name: kept }]);
  }
  for (const bad of ["", "  \n ", "\u200b\u200e", "x".repeat(81)]) {
    expect(await refusalOf(renameTeam(owner, bad))).toBe("team_name_invalid");
  }
  expect([...(await it.admin`SELECT name FROM app.organizations`)]).toEqual([{ name: "x".repeat(80) }]);
  const renames = await it.admin`SELECT detail, target FROM app.audit_log WHERE action = 'team.rename'`;
  expect(renames).toHaveLength(names.length);
});

test("members rename no team and claim no group, and nobody changes another team's", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1, "Mine");
  await it.team(2, "Theirs");
  const member = await it.member(owner, 3, "member");
  expect(await refusalOf(renameTeam(member, "Taken"))).toBe("not_allowed");
  expect(await refusalOf(claimGroup(member, BOT_ID, GROUP))).toBe("not_allowed");
  const worker = { ...owner, actor: { type: "system", name: "worker" } as const };
  expect(await refusalOf(renameTeam(worker, "Taken"))).toBe("not_allowed");
  await renameTeam(await it.member(owner, 4, "admin"), "Ours");
  expect([...(await it.admin`SELECT name FROM app.organizations ORDER BY name`)]).toEqual([
    { name: "Ours" },
    { name: "Theirs" },
  ]);
});

test("a group belongs to one team, whoever asks at the same moment", async () => {
  await using it = await createTestApp();
  const teams = await Promise.all(Array.from({ length: 8 }, (_, index) => it.team(index + 1)));
  const claims = await Promise.allSettled(teams.map((team) => claimGroup(team, BOT_ID, GROUP)));
  const winner = claims.findIndex(({ status }) => status === "fulfilled");
  for (const [index, claim] of claims.entries()) {
    if (index === winner) expect(claim).toMatchObject({ value: "claimed" });
    else expect(claim).toMatchObject({ status: "rejected", reason: { code: "group_taken" } });
  }
  const mine = teams[winner];
  if (mine === undefined) throw new Error("nobody could claim the group");
  expect(await claimGroup(mine, BOT_ID, GROUP)).toBe("already");
  const rows = await it.admin`SELECT (SELECT array_agg(org_id::text) FROM app.chats) AS teams,
    (SELECT count(*)::int FROM app.groups) AS groups, (SELECT array_agg(action) FROM app.audit_log) AS actions`;
  expect([...rows]).toEqual([{ teams: [mine.orgId], groups: 1, actions: ["group.claim"] }]);

  // Another bot's group of the same number is another group.
  const other = teams[(winner + 1) % teams.length];
  if (other !== undefined) expect(await claimGroup(other, BOT_ID + 1, GROUP)).toBe("claimed");
});

test("a person has several teams, sees only their own, and speaks to the chosen one", async () => {
  await using it = await createTestApp();
  const mine = await it.team(1, "Mine");
  const ours = await it.team(2, "Ours");
  await it.team(3, "Theirs");
  await it.member(ours, 1, "member");
  expect(await listTeams(mine)).toEqual([
    { id: mine.orgId, name: "Mine", role: "owner", chosen: true },
    { id: ours.orgId, name: "Ours", role: "member", chosen: false },
  ]);
  expect(await chooseTeam(mine, ours.orgId)).toMatchObject({ name: "Ours", role: "member", chosen: true });
  expect((await listTeams(mine)).map(({ chosen }) => chosen)).toEqual([false, true]);
  expect((await resolveSender(it.app, BOT_ID, 1, 1)).team).toEqual({ orgId: ours.orgId, name: "Ours" });
  const [other] = await it.admin`SELECT id FROM app.organizations WHERE name = 'Theirs'`;
  expect(await refusalOf(chooseTeam(mine, String(other?.["id"])))).toBe("team_unknown");
  expect(await refusalOf(chooseTeam(mine, crypto.randomUUID()))).toBe("team_unknown");
  const rows = await it.admin`SELECT org_id, action FROM app.audit_log`;
  expect([...rows]).toEqual([{ org_id: ours.orgId, action: "team.choose" }]);
  const worker = { ...mine, actor: { type: "system", name: "worker" } as const };
  expect(await refusalOf(listTeams(worker))).toBe("not_member");
});

test("owners of the first team make further ones, others when the operator says so, and nobody endlessly many", async () => {
  await using it = await createTestApp();
  const first = await it.team(1);
  const admin = await it.member(first, 2, "admin");
  const second = await it.team(3);
  for (const scope of [admin, second]) {
    expect(await mayCreateTeam(scope)).toBe(false);
    expect(await refusalOf(createTeam(scope, "More"))).toBe("team_creation_closed");
  }
  expect(await mayCreateTeam(first)).toBe(true);
  expect(await refusalOf(createTeam(first, " "))).toBe("team_name_invalid");
  const made = await createTeam(first, "  More\nof it ");
  expect(made).toMatchObject({ name: "More of it", role: "owner", chosen: true });
  expect((await resolveSender(it.app, BOT_ID, 1, 1)).member).toMatchObject({
    role: "owner",
    name: "Person 1",
  });
  const rows = await it.admin`SELECT org_id, action, target, actor_type FROM app.audit_log`;
  expect([...rows]).toEqual([
    { org_id: made.id, action: "team.create", target: made.id, actor_type: "user" },
  ]);

  const open = it.another({ teamCreation: "anyone" });
  await createTeam({ ...admin, app: open }, "Anybody's");
  // Twenty at the same moment, one of them owned already: the count holds.
  const many = await Promise.allSettled(
    Array.from({ length: 21 }, (_, index) => createTeam({ ...second, app: open }, `Team ${index}`)),
  );
  await open.close();
  expect(many.filter(({ status }) => status === "fulfilled")).toHaveLength(19);
  for (const one of many)
    if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "too_many_teams" });
});
