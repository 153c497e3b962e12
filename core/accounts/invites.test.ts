import { expect, test } from "bun:test";
import { newCorrelationId, type Scope } from "../scope.ts";
import { createTestApp, leaseOf, refusalOf, type TestApp } from "../test-app.ts";
import {
  acceptInvite,
  createInvite,
  createOwnerLink,
  INVITE_DAYS,
  INVITE_PREFIX,
  listInvites,
  revokeInvite,
} from "./invites.ts";
import { resolveSender } from "./sender.ts";

const DAY_MS = 86_400_000;

function join(it: TestApp, telegramUserId: number, parameter: string) {
  const person = { id: telegramUserId, name: `Person ${telegramUserId}`, locale: "en" };
  return acceptInvite(it.app, { parameter, person, correlationId: newCorrelationId() });
}

async function invited(scope: Scope, role: "admin" | "member"): Promise<string> {
  return (await createInvite(scope, { role, email: null })).parameter;
}

async function unused(it: TestApp): Promise<number> {
  return (await it.admin`SELECT FROM app.invites WHERE used_at IS NULL`).length;
}

async function roleOf(it: TestApp, telegramUserId: number): Promise<string | null> {
  return (await resolveSender(it.app, 1, telegramUserId, telegramUserId)).member?.role ?? null;
}

test("an invite lets one person in, even when twenty open it at the same moment", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1, "The team");
  const invite = await invited(owner, "member");
  expect(invite).toMatch(/^i_[A-Za-z0-9_-]{32}$/); // Telegram takes 64 such characters
  const joins = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => join(it, 100 + index, invite)),
  );
  const joined = joins.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  expect(joined).toEqual([{ joined: true, orgId: owner.orgId, team: "The team", role: "member" }]);
  for (const one of joins) {
    if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "invite_used" });
  }
  expect(await it.admin`SELECT FROM app.users`).toHaveLength(2);
  const actions =
    await it.admin`SELECT action, actor_id = target AS by_themselves, detail FROM app.audit_log ORDER BY seq`;
  expect([...actions]).toEqual([
    { action: "invite.create", by_themselves: false, detail: { role: "member", mailed: false } },
    { action: "member.join", by_themselves: true, detail: { role: "member" } },
  ]);
});

test("people who open an invite while it is being looked up wait, and one of them joins", async () => {
  await using it = await createTestApp();
  const invite = await invited(await it.team(1), "member");
  const joins = await it.admin.begin(async (tx) => {
    await tx`SELECT FROM app.invites FOR UPDATE`;
    const begun = Array.from({ length: 5 }, (_, index) => join(it, 100 + index, invite));
    let waiting = 0;
    while (waiting < begun.length) {
      const [row] = await tx`SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      waiting = Number(row?.["n"]);
      await tx`SELECT pg_stat_clear_snapshot()`;
    }
    return { settled: Promise.allSettled(begun) };
  });
  const settled = await joins.settled;
  expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await it.admin`SELECT FROM app.users`).toHaveLength(2);
});

test("one person who opens an invite many times at once joins once", async () => {
  await using it = await createTestApp();
  const invite = await invited(await it.team(1), "admin");
  const joins = await Promise.all(Array.from({ length: 10 }, () => join(it, 2, invite)));
  expect(joins.filter(({ joined }) => joined)).toHaveLength(1);
  expect(await it.admin`SELECT FROM app.audit_log WHERE action = 'member.join'`).toHaveLength(1);
  expect(await roleOf(it, 2)).toBe("admin");
});

test("a member who opens an invite leaves it unused, and keeps their role", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const invite = await invited(owner, "admin");
  await it.member(owner, 2, "member");
  expect(await join(it, 1, invite)).toMatchObject({ joined: false, role: "owner" });
  expect(await join(it, 2, invite)).toMatchObject({ joined: false, role: "member" });
  expect(await unused(it)).toBe(1);
  expect(await roleOf(it, 2)).toBe("member");
  expect(await join(it, 3, invite)).toMatchObject({ joined: true, role: "admin" });
  // Even a used one tells a member that they are in.
  expect(await join(it, 2, invite)).toMatchObject({ joined: false });
});

test("an invite is good for seven days", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  it.pass(-INVITE_DAYS * DAY_MS + 60_000);
  const young = await invited(owner, "member");
  it.pass(-2 * 60_000);
  const old = await invited(owner, "member");
  expect(await refusalOf(join(it, 2, old))).toBe("invite_expired");
  expect(await it.admin`SELECT FROM auth.accounts`).toHaveLength(1); // a refused person gets no account
  expect((await join(it, 2, young)).joined).toBe(true);
  expect(await refusalOf(join(it, 3, young))).toBe("invite_used");
});

test("what was never an invite is unknown", async () => {
  await using it = await createTestApp();
  const invite = await invited(await it.team(1), "member");
  for (const wrong of ["", INVITE_PREFIX, `${invite}x`, invite.slice(0, -1), invite.toLowerCase()]) {
    expect(await refusalOf(join(it, 2, wrong))).toBe("invite_unknown");
  }
  expect(await unused(it)).toBe(1);
});

test("admins invite members, only owners invite admins, members and machines invite nobody", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const admin = await it.member(owner, 2, "admin");
  const member = await it.member(owner, 3, "member");
  const worker: Scope = { ...owner, actor: { type: "system", name: "worker" } };
  expect(await refusalOf(invited(admin, "admin"))).toBe("not_allowed");
  for (const role of ["admin", "member"] as const) {
    expect(await refusalOf(invited(member, role))).toBe("not_allowed");
    expect(await refusalOf(invited(worker, role))).toBe("not_allowed");
  }
  expect(await unused(it)).toBe(0);
  expect((await join(it, 4, await invited(admin, "member"))).role).toBe("member");
  expect((await join(it, 5, await invited(owner, "admin"))).role).toBe("admin");
});

test("the database keeps no invite that could be used by whoever reads it", async () => {
  await using it = await createTestApp();
  const invite = await invited(await it.team(1), "member");
  const token = invite.slice(INVITE_PREFIX.length);
  const rows =
    await it.admin`SELECT i::text AS row FROM app.invites i UNION ALL SELECT l::text FROM app.audit_log l`;
  expect(rows.length).toBeGreaterThan(1);
  for (const { row } of rows) {
    expect(row).not.toContain(token);
    expect(row).not.toContain(Buffer.from(token).toString("hex"));
  }
});

test("an invite lasts no longer than the rights of who made it", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const admin = await it.member(owner, 2, "admin");
  const byAdmin = await invited(admin, "member");
  const [forMember, forAdmin] = [await invited(owner, "member"), await invited(owner, "admin")];
  await it.admin`UPDATE app.users SET role = CASE role WHEN 'owner' THEN 'admin' ELSE 'member' END`;
  expect(await refusalOf(join(it, 3, byAdmin))).toBe("invite_unknown");
  expect(await refusalOf(join(it, 3, forAdmin))).toBe("invite_unknown");
  expect(await join(it, 3, forMember)).toMatchObject({ joined: true, role: "member" });
  await it.admin`UPDATE app.users SET role = 'owner', status = 'removed' WHERE role = 'admin'`;
  expect(await refusalOf(join(it, 4, forAdmin))).toBe("invite_unknown");
});

test("a closed account joins nothing", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  await it.team(2);
  await it.admin`UPDATE auth.accounts SET status = 'disabled' WHERE telegram_user_id = 2`;
  expect(await refusalOf(join(it, 2, await invited(owner, "member")))).toBe("invite_unknown");
  expect(await unused(it)).toBe(1);
});

test("a removed member comes back by a new invite, with the role of that invite", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  await it.member(owner, 2, "admin");
  await it.admin`UPDATE app.users SET status = 'removed' WHERE role = 'admin'`;
  expect(await roleOf(it, 2)).toBeNull();
  expect(await join(it, 2, await invited(owner, "member"))).toMatchObject({
    joined: true,
    role: "member",
  });
  expect(await roleOf(it, 2)).toBe("member");
});

test("who joins a second team speaks for it from then on, and stays in the first", async () => {
  await using it = await createTestApp();
  await it.team(1, "First");
  const second = await it.team(2, "Second");
  await join(it, 1, await invited(second, "member"));
  expect(await resolveSender(it.app, 1, 1, 1)).toMatchObject({
    team: { name: "Second" },
    member: { role: "member" },
  });
  expect(await it.admin`SELECT FROM auth.accounts`).toHaveLength(2);
  expect(await it.admin`SELECT FROM app.users`).toHaveLength(3);
});

test("admins see what can still be used, oldest first, and make it useless", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  const admin = await it.member(owner, 2, "admin");
  const member = await it.member(owner, 3, "member");
  const theirs = await it.team(4);
  await invited(theirs, "member");
  const parameters = [
    await invited(owner, "admin"),
    await invited(admin, "member"),
    await invited(admin, "member"),
  ];
  await join(it, 5, parameters[2] ?? "");
  const first = await listInvites(admin, { after: null, limit: 1 });
  expect(first.items).toMatchObject([{ role: "admin", invitedBy: "Person 1", email: null }]);
  const second = await listInvites(admin, { after: first.next, limit: 1 });
  expect([second.items.map(({ role }) => role), second.next]).toEqual([["member"], null]);
  expect(await refusalOf(listInvites(member, { after: null, limit: 1 }))).toBe("not_allowed");

  const [forAdmin, forMember] = [first.items[0]?.id ?? "", second.items[0]?.id ?? ""];
  expect(await refusalOf(revokeInvite(member, forMember))).toBe("not_allowed");
  expect(await refusalOf(revokeInvite(admin, forAdmin))).toBe("not_allowed");
  expect(await refusalOf(revokeInvite(theirs, forMember))).toBe("invite_unknown");
  await revokeInvite(owner, forAdmin);
  await revokeInvite(admin, forMember);
  expect(await refusalOf(revokeInvite(admin, forMember))).toBe("invite_unknown");
  for (const parameter of parameters.slice(0, 2))
    expect(await refusalOf(join(it, 6, parameter))).toBe("invite_unknown");
  expect((await listInvites(owner, { after: null, limit: 9 })).items).toEqual([]);
  const rows = await it.admin`SELECT count(*)::int AS n FROM app.audit_log WHERE action = 'invite.revoke'`;
  expect([...rows]).toEqual([{ n: 2 }]);
});

test("the operator's link makes one person an owner, whoever they were, and every owner learns of it", async () => {
  await using it = await createTestApp();
  await leaseOf(it.app);
  const owner = await it.team(1, "Mine");
  const admin = await it.member(owner, 2, "admin");
  const operator: Scope = { ...owner, actor: { type: "operator", name: "setup" } };
  for (const scope of [owner, admin]) expect(await refusalOf(createOwnerLink(scope))).toBe("not_allowed");
  const early = await createOwnerLink(operator);
  const { parameter } = await createOwnerLink({ ...operator, correlationId: newCorrelationId() });
  expect(await refusalOf(join(it, 9, early.parameter))).toBe("invite_unknown");
  expect(await join(it, 1, parameter)).toMatchObject({ joined: false, role: "owner" });
  expect(await join(it, 2, parameter)).toMatchObject({ joined: true, role: "owner", team: "Mine" });
  expect(await refusalOf(join(it, 9, parameter))).toBe("invite_used");
  expect(await roleOf(it, 2)).toBe("owner");
  const told =
    await it.admin`SELECT chat_id::int AS chat, payload->>'text' AS text FROM pipeline.outbox ORDER BY id`;
  expect(told.map((row) => [row["chat"], String(row["text"]).slice(0, 30)])).toEqual([
    [1, "On the server of this bot, a l"],
    [1, "On the server of this bot, a l"],
    [1, "Person 2 has opened the owner "],
  ]);
  const rows =
    await it.admin`SELECT action, actor_type, actor_id = target AS by_themselves FROM app.audit_log ORDER BY seq`;
  expect([...rows]).toEqual([
    { action: "owner.link", actor_type: "operator", by_themselves: false },
    { action: "owner.link", actor_type: "operator", by_themselves: false },
    { action: "member.join", actor_type: "user", by_themselves: true },
  ]);
  const stale = await createOwnerLink({ ...operator, correlationId: newCorrelationId() });
  await it.admin`UPDATE app.invites SET expires_at = now() WHERE used_at IS NULL`;
  expect(await refusalOf(join(it, 9, stale.parameter))).toBe("invite_expired");
  // An admin sees and revokes what admins make, not what the operator makes.
  expect((await listInvites(owner, { after: null, limit: 9 })).items).toEqual([]);
});
