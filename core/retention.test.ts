import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { inSystem, inTenant } from "../db/tenant.ts";
import { audit } from "./audit.ts";
import { verifyAudit } from "./audit-chain.ts";
import { setAuditDays } from "./audit-settings.ts";
import { keyboardOf } from "./buttons.ts";
import { filesIn, type TurnFile } from "./chat/files.ts";
import { ask, askAndEnd, REPORT } from "./chat/test-conversation.ts";
import { runRetention } from "./retention.ts";
import type { Scope } from "./scope.ts";
import { createTestApp, leaseOf, refusalOf } from "./test-app.ts";

test("what is finished goes after its time, what is not finished stays, and a second run finds nothing", async () => {
  await using it = await createTestApp();
  const { botId } = await leaseOf(it.app);
  const updates: [state: string, hours: number, kept: boolean][] = [
    ["ready", 2_000, true],
    ["done", 47, true],
    ["done", 49, false],
    ["parked", 29 * 24, true],
    ["parked", 31 * 24, false],
  ];
  for (const [index, [state, hours]] of updates.entries()) {
    await it.admin`INSERT INTO pipeline.updates (bot_id, update_id, lane, control, state, received_at, done_at)
      VALUES (${botId}, ${index}, 'a', false, ${state}, now() - make_interval(hours => ${hours}), CASE WHEN ${state} <> 'ready' THEN now() - make_interval(hours => ${hours}) END)`;
  }
  const messages: [state: string, hours: number | null, kept: boolean][] = [
    ["queued", null, true],
    ["sending", null, true],
    ["unknown", null, true],
    ["sent", 47, true],
    ["sent", 49, false],
    ["failed", 47, true],
    ["failed", 49, false],
  ];
  for (const [index, [state, hours]] of messages.entries()) {
    await it.admin`INSERT INTO pipeline.outbox (bot_id, chat_id, kind, idempotency_key, state, created_at, done_at)
      VALUES (${botId}, 7, 'notice', ${String(index)}, ${state}, now() - interval '90 days', now() - make_interval(hours => ${hours}))`;
  }
  const left = async () => ({
    updates: (await it.admin`SELECT update_id::int AS id FROM pipeline.updates ORDER BY 1`).map(
      (row) => row["id"],
    ),
    messages: (await it.admin`SELECT idempotency_key::int AS id FROM pipeline.outbox ORDER BY 1`).map(
      (row) => row["id"],
    ),
  });
  await runRetention(it.app);
  const indexesOf = (rows: readonly (readonly unknown[])[]) =>
    rows.flatMap(([, , kept], index) => (kept === true ? [index] : []));
  const wanted = { updates: indexesOf(updates), messages: indexesOf(messages) };
  expect(await left()).toEqual(wanted);
  await runRetention(it.app);
  expect(await left()).toEqual(wanted);
});

test("expired buttons and old audit rows go in every team, and the others stay", async () => {
  await using it = await createTestApp();
  const teams = [await it.team(1), await it.team(2)];
  for (const team of teams) {
    await keyboardOf(team, 7, [{ label: "old", kind: "new_chat" }]);
    for (let i = 0; i < 3; i++) await inTenant(team, (tx) => audit(tx, team, "team.rename"));
  }
  await it.admin`UPDATE app.buttons SET expires_at = now() - interval '1 second'`;
  await it.admin`UPDATE app.audit_log SET at = at - interval '31 days' WHERE seq <= 2`;
  for (const team of teams) await keyboardOf(team, 7, [{ label: "new", kind: "retry" }]);
  await runRetention(it.app);
  for (const { orgId } of teams) {
    expect([...(await it.admin`SELECT kind FROM app.buttons WHERE org_id = ${orgId}`)]).toEqual([
      { kind: "retry" },
    ]);
    expect([...(await it.admin`SELECT seq::int FROM app.audit_log WHERE org_id = ${orgId}`)]).toEqual([
      { seq: 3 },
    ]);
  }
});

test("AU-04: the log is kept for thirty days to the minute, longer where an owner says so, and a purge goes on where it was cut short", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await setAuditDays(theirs, 90);
  const admin = await it.member(mine, 3, "admin");
  expect(await refusalOf(setAuditDays(admin, 90))).toBe("not_allowed");
  for (const team of [mine, theirs])
    for (let i = 0; i < 5; i++) await inTenant(team, (tx) => audit(tx, team, "team.rename"));
  const age = (minutes: number, where: Scope, seq: number) =>
    it.admin`UPDATE app.audit_log SET at = now() - make_interval(mins => ${minutes}) WHERE org_id = ${where.orgId} AND seq <= ${seq}`;
  const left = async (team: Scope) => {
    const rows = await it.admin`SELECT seq::int FROM app.audit_log WHERE org_id = ${team.orgId} ORDER BY seq`;
    return rows.map((row) => Number(row["seq"]));
  };
  const days30 = 30 * 24 * 60;
  await age(days30 - 60, mine, 4);
  await age(days30 + 1, mine, 3);
  await age(89 * 24 * 60, theirs, 6);
  await age(91 * 24 * 60, theirs, 1);
  const [batch] = await inSystem(it.app, (tx) =>
    tx.execute(sql`SELECT auth.audit_purge(now(), 2)::int AS n`),
  );
  expect(batch).toEqual({ n: 3 }); // and then the process is killed
  expect([await left(mine), await left(theirs)]).toEqual([
    [3, 4, 5],
    [2, 3, 4, 5, 6],
  ]);
  await runRetention(it.app);
  expect([await left(mine), await left(theirs)]).toEqual([
    [4, 5],
    [2, 3, 4, 5, 6],
  ]);
  const checkpoints =
    await it.admin`SELECT seq::int, purged::int FROM app.audit_checkpoints WHERE org_id = ${mine.orgId} ORDER BY seq`;
  expect([...checkpoints]).toEqual([
    { seq: 2, purged: 2 },
    { seq: 3, purged: 1 },
  ]);
  const [asked] = await inSystem(it.app, (tx) =>
    tx.execute(sql`SELECT auth.audit_purge(now() + interval '1 year')::int AS n`),
  );
  expect(asked).toEqual({ n: 0 });
  for (const team of [mine, theirs]) {
    // Rows of which the time was changed by hand do not hold; their order and the checkpoint do.
    expect((await verifyAudit(team)).broken?.reason).toBe("hash");
  }
});

test("questions forget after a week by which reference a file can be fetched, not what it was called", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const team = await it.team(1);
  const photo: TurnFile = { kind: "photo", name: "", mime: "image/jpeg", bytes: null, ref: "ref-2" };
  await askAndEnd(team, lease, 1, { files: [REPORT, photo] });
  await askAndEnd(team, lease, 2, { files: [REPORT] });
  await ask(team, lease, 3, { files: [REPORT] });
  await askAndEnd(team, lease, 4);
  await it.admin`UPDATE app.turns SET created_at = now() - interval '8 days' WHERE update_id IN (1, 3)`;
  await it.admin`UPDATE app.turns SET ended_at = now() - interval '8 days' WHERE update_id = 1`;
  for (let times = 0; times < 2; times++) {
    await runRetention(it.app);
    const rows = await it.admin`SELECT files FROM app.turns ORDER BY update_id`;
    expect(rows.map((row) => filesIn(row["files"]))).toEqual([
      [
        { ...REPORT, ref: null },
        { ...photo, ref: null },
      ],
      [REPORT],
      [REPORT], // still running
      [],
    ]);
  }
});
