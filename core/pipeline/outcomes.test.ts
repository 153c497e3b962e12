import { expect, test } from "bun:test";
import { inSystem } from "../../db/tenant.ts";
import { askAndEnd } from "../chat/test-conversation.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import type { Lease } from "./lease.ts";
import { claimItem, dueItems, enqueue, enqueueSending, type OutboxItem } from "./outbox.ts";
import { recoverSending, SENDS_MAX, settleItem } from "./outcomes.ts";

const KINDS = ["open", "final", "notice", "edit", "delete"] as const;

function item(lease: Lease, key: string, given: Partial<OutboxItem> = {}): OutboxItem {
  const message = { text: `text of ${key}` };
  return { botId: lease.botId, chatId: 7, threadId: 0, kind: "notice", message, key, ...given };
}

test("what a dead process was sending: changes go on, new messages are repeats, openings are given up, and nothing else is touched", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const dead = await leaseOf(app);
  for (const kind of KINDS) {
    const message = { text: "x", ...(kind === "edit" || kind === "delete" ? { messageId: 5 } : {}) };
    await enqueueSending(app, dead, item(dead, kind, { kind, message }));
  }
  await inSystem(app, (tx) => enqueue(tx, [item(dead, "waiting")]));
  const lease = await leaseOf(app);
  expect(await recoverSending(app, dead)).toEqual({ requeued: 0, givenUp: 0 });
  expect(await recoverSending(app, lease)).toEqual({ requeued: 4, givenUp: 1 });
  const rows =
    await it.admin`SELECT idempotency_key AS key, state, maybe_sent AS maybe, payload IS NOT NULL AS text FROM pipeline.outbox ORDER BY id`;
  expect([...rows]).toEqual([
    { key: "open", state: "failed", maybe: 0, text: false },
    { key: "final", state: "queued", maybe: 1, text: true },
    { key: "notice", state: "queued", maybe: 1, text: true },
    { key: "edit", state: "queued", maybe: 0, text: true },
    { key: "delete", state: "queued", maybe: 0, text: true },
    { key: "waiting", state: "queued", maybe: 0, text: true },
  ]);
  expect(await recoverSending(app, lease)).toEqual({ requeued: 0, givenUp: 0 });
});

test("an answer is repeated up to its limit, and then the person is told, once for all its parts, with a button that asks again", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const scope = await it.team(1);
  const turn = await askAndEnd(scope, lease, 1);
  const parts = [0, 1].map((part) =>
    item(lease, `part ${part}`, { kind: "final", orgId: scope.orgId, turnId: turn.id, part, locale: "de" }),
  );
  await inSystem(app, (tx) => enqueue(tx, parts));
  for (let deaths = 1; deaths <= SENDS_MAX; deaths += 1) {
    for (const { id } of await dueItems(app, lease))
      expect(await claimItem(app, lease, id)).toMatchObject({ maybeSent: deaths - 1 });
    expect(await recoverSending(app, lease)).toEqual(
      deaths < SENDS_MAX ? { requeued: 2, givenUp: 0 } : { requeued: 0, givenUp: 2 },
    );
  }
  const [notice, ...more] = await dueItems(app, lease);
  expect(more).toEqual([]);
  const row = await claimItem(app, lease, notice?.id ?? 0);
  const [button] = await it.admin`SELECT id, kind, turn_id FROM app.buttons`;
  expect(button).toMatchObject({ kind: "retry", turn_id: turn.id });
  expect(row).toMatchObject({ chatId: 7, kind: "final", locale: "de", turnId: null });
  expect(row?.message.text).toContain("Ich konnte dir eine Antwort nicht ganz zeigen");
  expect(row?.message.keyboard?.[0]?.[0]?.data).toBe(String(button?.["id"]));
  // The notice has the same five chances; nothing more can be said of it.
  await settleItem(app, lease, row?.id ?? 0, { state: "failed", error: "rejected", unreachable: null });
  expect(await dueItems(app, lease)).toEqual([]);
});

test("an answer that Telegram refuses is said to be given up; who has left hears nothing, and a notice has no successor", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const scope = await it.team(1);
  for (const [n, kind, unreachable, said] of [
    [1, "final", null, 1],
    [2, "final", "gone", 0],
    [3, "final", "muted", 0],
    [4, "notice", null, 0],
  ] as const) {
    const turn = await askAndEnd(scope, lease, n);
    await inSystem(app, (tx) =>
      enqueue(tx, [item(lease, `${n}`, { kind, orgId: scope.orgId, turnId: turn.id })]),
    );
    const [due] = await dueItems(app, lease);
    await claimItem(app, lease, due?.id ?? 0);
    await settleItem(app, lease, due?.id ?? 0, { state: "failed", error: "rejected", unreachable });
    const next = await dueItems(app, lease);
    expect(next).toHaveLength(said);
    for (const { id } of next) {
      await claimItem(app, lease, id);
      await settleItem(app, lease, id, { state: "sent", messageId: 9 });
    }
  }
});

test("an answer whose turn was deleted meanwhile is given up without a word, and nothing waits for that", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const scope = await it.team(1);
  const turnId = crypto.randomUUID();
  await inSystem(app, (tx) =>
    enqueue(tx, [item(lease, "answer", { kind: "final", orgId: scope.orgId, turnId }), item(lease, "next")]),
  );
  const [{ id } = { id: 0 }] = await dueItems(app, lease);
  await claimItem(app, lease, id);
  await settleItem(app, lease, id, { state: "failed", error: "rejected", unreachable: null });
  const rows = await it.admin`SELECT idempotency_key AS key, state FROM pipeline.outbox ORDER BY id`;
  expect([...rows]).toEqual([
    { key: "answer", state: "failed" },
    { key: "next", state: "queued" },
  ]);
});

test("a part of an answer that edits an open message is safe to send again, however often we die", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const turnId = crypto.randomUUID();
  const opened = await enqueueSending(app, lease, item(lease, "open", { kind: "open", turnId }));
  await settleItem(app, lease, opened ?? 0, { state: "sent", messageId: 100 });
  await enqueueSending(app, lease, item(lease, "part", { kind: "final", turnId }));
  for (let deaths = 0; deaths < 2 * SENDS_MAX; deaths += 1) {
    expect(await recoverSending(app, lease)).toEqual({ requeued: 1, givenUp: 0 });
    const [due] = await dueItems(app, lease);
    expect(await claimItem(app, lease, due?.id ?? 0)).toMatchObject({ target: 100, maybeSent: 0 });
  }
});

test("an outcome that comes late changes nothing about what has ended", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const id = await enqueueSending(app, lease, item(lease, "a"));
  await settleItem(app, lease, id ?? 0, { state: "sent", messageId: 5 });
  await settleItem(app, lease, id ?? 0, { state: "queued", afterMs: 0, error: "database", maybeSent: false });
  await settleItem(app, lease, id ?? 0, { state: "failed", error: "late", unreachable: null });
  const rows = await it.admin`SELECT state, message_id::int, error FROM pipeline.outbox`;
  expect([...rows]).toEqual([{ state: "sent", message_id: 5, error: null }]);
});
