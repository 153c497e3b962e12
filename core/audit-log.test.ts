import { expect, test } from "bun:test";
import { inTenant } from "../db/tenant.ts";
import { audit } from "./audit.ts";
import { readAudit } from "./audit-log.ts";
import type { Scope } from "./scope.ts";
import { createTestApp, refusalOf } from "./test-app.ts";

async function write(scope: Scope, ...actions: Parameters<typeof audit>[2][]): Promise<void> {
  for (const action of actions) await inTenant(scope, (tx) => audit(tx, scope, action, { detail: { n: 1 } }));
}

test("an admin reads the team's log, newest first, page by page, and nobody another team's", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const admin = await it.member(mine, 3, "admin");
  const machine: Scope = { ...mine, actor: { type: "system", name: "worker" }, correlationId: "machine000" };
  await write(theirs, "team.rename");
  await write(mine, "team.rename", "group.claim");
  await write(admin, "invite.create");
  await write(machine, "turn.restart");
  const first = await readAudit(admin, { after: null, limit: 3 });
  expect(first.items.map(({ action, actorName }) => [action, actorName])).toEqual([
    ["turn.restart", null],
    ["invite.create", "Person 3"],
    ["group.claim", "Person 1"],
  ]);
  expect(first.items[0]).toMatchObject({
    seq: 4,
    actorType: "system",
    actorId: "worker",
    outcome: "ok",
    detail: { n: 1 },
  });
  await write(mine, "team.rename"); // what is written meanwhile shifts nothing
  const second = await readAudit(admin, { after: first.next, limit: 3 });
  expect([second.items.map(({ seq }) => seq), second.next]).toEqual([[1], null]);

  const member = await it.member(mine, 4, "member");
  expect(await refusalOf(readAudit(member, { after: null, limit: 3 }))).toBe("not_allowed");
  expect((await readAudit(theirs, { after: null, limit: 9 })).items.map(({ action }) => action)).toEqual([
    "team.rename",
  ]);
});

test("a filter holds in all its parts, the beginning included and the end not", async () => {
  await using it = await createTestApp();
  const mine = await it.team(1);
  const admin = await it.member(mine, 3, "admin");
  await write(mine, "team.rename", "group.claim");
  await write(admin, "team.rename");
  for (const seq of [1, 2, 3])
    await it.admin`UPDATE app.audit_log SET at = ${`2026-03-0${seq}T00:00:00Z`}::timestamptz WHERE seq = ${seq}`;
  const found = async (filter: Parameters<typeof readAudit>[2]) =>
    (await readAudit(mine, { after: null, limit: 9 }, filter)).items.map(({ seq }) => seq);
  const [first, third] = [new Date("2026-03-01T00:00:00Z"), new Date("2026-03-03T00:00:00Z")];
  expect(await found({ action: "team.rename" })).toEqual([3, 1]);
  expect(await found({ actorId: admin.actor.type === "user" ? admin.actor.userId : "" })).toEqual([3]);
  expect(await found({ correlationId: mine.correlationId })).toEqual([2, 1]);
  expect(await found({ from: first, until: third })).toEqual([2, 1]);
  expect(await found({ from: third })).toEqual([3]);
  expect(await found({ action: "team.rename", until: third })).toEqual([1]);
  expect(await found({ actorId: "nobody" })).toEqual([]);
});
