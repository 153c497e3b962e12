import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import { inSystem } from "../../db/tenant.ts";
import { sql } from "drizzle-orm";
import { awaitInput } from "../inputs.ts";
import type { Role, Scope } from "../scope.ts";
import { createTestApp, leaseOf, refusalOf, type TestApp } from "../test-app.ts";
import { createInvite } from "./invites.ts";
import {
  actionsOn,
  changeRole,
  listMembers,
  readMember,
  removeMember,
  REMOVED_CHANNEL,
  transferOwnership,
} from "./members.ts";
import { resolveSender } from "./sender.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

function idOf(scope: Scope): string {
  if (scope.actor.type !== "user") throw new Error("no person");
  return scope.actor.userId;
}

async function rolesOf(it: TestApp, team: Scope): Promise<Record<string, Role>> {
  const rows =
    await it.admin`SELECT display_name, role FROM app.users WHERE org_id = ${team.orgId} AND status = 'active'`;
  return Object.fromEntries(rows.map((row) => [String(row["display_name"]), row["role"] as Role]));
}

async function actionsIn(it: TestApp, team: Scope): Promise<unknown[]> {
  const rows =
    await it.admin`SELECT action, target, detail FROM app.audit_log WHERE org_id = ${team.orgId} ORDER BY seq`;
  return [...rows];
}

async function told(it: TestApp): Promise<[chat: number, text: string][]> {
  const rows =
    await it.admin`SELECT chat_id::int AS chat, payload->>'text' AS text FROM pipeline.outbox ORDER BY id`;
  return rows.map((row) => [Number(row["chat"]), String(row["text"])]);
}

test("members are listed in the order in which they joined, page by page, whatever happens in between", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const others: Scope[] = [];
  for (let id = 2; id <= 7; id += 1) others.push(await it.member(owner, id, "member"));
  await it.team(99);
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listMembers>> = await listMembers(others[0] ?? owner, {
      after,
      limit: 3,
    });
    seen.push(...page.items.map(({ name }) => name));
    // The one that the next page hangs on may leave meanwhile.
    if (page.next !== null && seen.length === 3) await removeMember(owner, page.next);
    after = page.next;
  } while (after !== null);
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7].map((id) => `Person ${id}`));
  expect((await listMembers(owner, { after: null, limit: 100 })).items.map(({ role }) => role)).toEqual([
    "owner",
    ...Array.from({ length: 5 }, () => "member" as const),
  ]);
  expect((await listMembers(owner, { after: NOBODY, limit: 3 })).items).toEqual([]);
});

test("owners give roles, nobody else does, and everybody concerned is told", async () => {
  await using it = await createTestApp();
  await leaseOf(it.app);
  const owner = await it.team(1, "Mine");
  const admin = await it.member(owner, 2, "admin");
  const member = await it.member(owner, 3, "member");
  const worker: Scope = { ...owner, actor: { type: "system", name: "worker" } };
  for (const scope of [admin, member, worker]) {
    expect(await refusalOf(changeRole(scope, idOf(member), "admin"))).toBe("not_allowed");
    expect(await refusalOf(transferOwnership(scope, idOf(member)))).toBe("not_allowed");
  }
  expect(await changeRole(owner, idOf(member), "admin")).toMatchObject({ name: "Person 3", role: "admin" });
  await changeRole(owner, idOf(member), "admin"); // nothing changes, and nobody is told
  expect(await rolesOf(it, owner)).toEqual({ "Person 1": "owner", "Person 2": "admin", "Person 3": "admin" });
  expect(await told(it)).toEqual([[3, "You are an admin of “Mine” now."]]);
  expect(await actionsIn(it, owner)).toEqual([
    { action: "member.role", target: idOf(member), detail: { from: "member", to: "admin" } },
  ]);
  expect(await refusalOf(changeRole(owner, NOBODY, "admin"))).toBe("member_unknown");
});

test("a team keeps an owner: the last one neither leaves nor steps down, also when two go at the same moment", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const second = await it.member(owner, 2, "owner");
  const goes = await Promise.allSettled([
    removeMember(owner, idOf(owner)),
    removeMember(second, idOf(second)),
    changeRole(owner, idOf(owner), "member"),
    changeRole(second, idOf(second), "admin"),
    removeMember(owner, idOf(second)),
    removeMember(second, idOf(owner)),
  ]);
  expect(goes.some(({ status }) => status === "fulfilled")).toBe(true);
  expect(Object.values(await rolesOf(it, owner)).filter((role) => role === "owner")).toHaveLength(1);
  const last = Object.keys(await rolesOf(it, owner)).includes("Person 1") ? owner : second;
  const [left] = (await listMembers(last, { after: null, limit: 9 })).items.filter(
    ({ role }) => role === "owner",
  );
  const scope = left?.id === idOf(owner) ? owner : second;
  expect(await refusalOf(removeMember(scope, idOf(scope)))).toBe("last_owner");
  expect(await refusalOf(changeRole(scope, idOf(scope), "admin"))).toBe("last_owner");
});

test("handing over makes the other the owner and oneself an admin, once", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const member = await it.member(owner, 2, "member");
  expect(await refusalOf(transferOwnership(owner, idOf(owner)))).toBe("member_unknown");
  expect(await transferOwnership(owner, idOf(member))).toMatchObject({ role: "owner" });
  expect(await rolesOf(it, owner)).toEqual({ "Person 1": "admin", "Person 2": "owner" });
  // The scope still says owner; what counts is what the database says by now.
  expect(await refusalOf(transferOwnership(owner, idOf(member)))).toBe("not_allowed");
  expect(await refusalOf(removeMember(owner, idOf(member)))).toBe("not_allowed");
  expect((await actionsIn(it, owner)).length).toBe(1);
});

test("who is removed is a stranger at once: no invite of theirs, no input, no token counts any more", async () => {
  await using it = await createTestApp();
  await leaseOf(it.app);
  const owner = await it.team(1, "Mine");
  const admin = await it.member(owner, 2, "admin");
  const elsewhere = await it.team(3);
  const away = await it.member(elsewhere, 2, "member");
  await createInvite(admin, { role: "member", email: null });
  await awaitInput(admin, 2, "team_name");
  await it.admin`INSERT INTO app.groups (org_id, name) VALUES (${owner.orgId}, 'group')`;
  await it.admin`INSERT INTO app.group_members SELECT org_id, id, ${idOf(admin)} FROM app.groups`;
  const heard = Promise.withResolvers<string>();
  const unlisten = await it.app.database.listen(REMOVED_CHANNEL, heard.resolve, () => undefined);

  expect(await removeMember(owner, idOf(admin))).toMatchObject({ name: "Person 2", role: "admin" });
  expect(await heard.promise).toBe(idOf(admin));
  await unlisten();
  expect(await told(it)).toEqual([[2, "You are no longer a member of “Mine”."]]);
  const [state] =
    await it.admin`SELECT (SELECT count(*)::int FROM app.invites WHERE revoked_at IS NULL) AS invites,
    (SELECT count(*)::int FROM app.pending_inputs) AS inputs, (SELECT count(*)::int FROM app.group_members) AS groups,
    (SELECT token_epoch FROM auth.accounts WHERE telegram_user_id = 2) AS epoch`;
  expect(state).toEqual({ invites: 0, inputs: 0, groups: 0, epoch: 1 });
  expect(await refusalOf(readMember(owner, idOf(admin)))).toBe("member_unknown");
  expect(await refusalOf(removeMember(owner, idOf(admin)))).toBe("member_unknown");
  // The other team of the same person is not concerned.
  expect((await resolveSender(it.app, 1, 2, 2)).team).toMatchObject({ orgId: elsewhere.orgId });
  expect(await readMember(elsewhere, idOf(away))).toMatchObject({ role: "member" });
  expect(await actionsIn(it, elsewhere)).toEqual([]);
});

test("admins remove members only, members nobody but themselves, and nobody reaches another team", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const [admin, other] = [await it.member(owner, 2, "admin"), await it.member(owner, 3, "admin")];
  const [member, colleague] = [await it.member(owner, 4, "member"), await it.member(owner, 5, "member")];
  const stranger = await it.team(6);
  expect(await refusalOf(removeMember(admin, idOf(other)))).toBe("not_allowed");
  expect(await refusalOf(removeMember(admin, idOf(owner)))).toBe("not_allowed");
  expect(await refusalOf(removeMember(member, idOf(colleague)))).toBe("not_allowed");
  expect(await refusalOf(removeMember(stranger, idOf(colleague)))).toBe("member_unknown");
  expect(await refusalOf(changeRole(stranger, idOf(colleague), "admin"))).toBe("member_unknown");
  expect(await refusalOf(readMember(stranger, idOf(colleague)))).toBe("member_unknown");
  await removeMember(admin, idOf(colleague));
  await removeMember(member, idOf(member));
  expect(Object.keys(await rolesOf(it, owner))).toEqual(["Person 1", "Person 2", "Person 3"]);
  expect((await actionsIn(it, owner)).map((row) => (row as { action: string }).action)).toEqual([
    "member.remove",
    "member.leave",
  ]);
});

test("what is offered about somebody is what the verbs allow", async () => {
  await using it = await createTestApp();
  for (const asking of ["owner", "admin", "member"] as const) {
    for (const about of ["owner", "admin", "member"] as const) {
      const scope = await it.team(Math.floor(Math.random() * 1e9));
      const actor = await it.member(scope, Math.floor(Math.random() * 1e9), asking);
      const target = idOf(await it.member(scope, Math.floor(Math.random() * 1e9), about));
      const offered = actionsOn(actor, await readMember(scope, target));
      const outcome = (work: Promise<unknown>) =>
        work.then(
          () => true,
          () => false,
        );
      for (const role of offered.roles) expect(await outcome(changeRole(actor, target, role))).toBe(true);
      if (offered.roles.length > 0) await changeRole(actor, target, about);
      expect({ asking, about, may: await outcome(removeMember(actor, target)) }).toEqual({
        asking,
        about,
        may: offered.remove,
      });
    }
  }
});

test("an epoch is raised in one's own team only", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const admin = createSql(it.urls.databaseUrl, { max: 1 });
  await admin.begin(async (tx) => {
    await tx`SELECT set_config('app.current_org_id', ${mine.orgId}, true)`;
    await tx`SELECT auth.raise_epoch(${idOf(theirs)})`;
  });
  await admin.end();
  await inSystem(it.app, (tx) => tx.execute(sql`SELECT auth.raise_epoch(${idOf(mine)})`));
  expect([...(await it.admin`SELECT max(token_epoch) AS epoch FROM auth.accounts`)]).toEqual([{ epoch: 0 }]);
});
