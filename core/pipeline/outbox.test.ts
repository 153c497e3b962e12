import { expect, test } from "bun:test";
import { inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import { takeLease, type Lease } from "./lease.ts";
import {
  claimItem,
  dueItems,
  enqueue,
  enqueueSending,
  isContinuedBelow,
  OUTBOX_CHANNEL,
  openMessages,
  type OutboxItem,
} from "./outbox.ts";
import { settleItem, type Delivery } from "./outcomes.ts";

const LATER = { state: "queued", afterMs: 0, error: "retry_after", maybeSent: false } as const;

function item(lease: Lease, key: string, given: Partial<OutboxItem> = {}): OutboxItem {
  const message = { text: `text of ${key}` };
  return { botId: lease.botId, chatId: 7, threadId: 0, kind: "notice", message, key, ...given };
}

async function queue(app: App, ...items: readonly OutboxItem[]): Promise<void> {
  await inSystem(app, (tx) => enqueue(tx, items));
}

/** Claims the oldest due item and settles it. */
async function deliver(app: App, lease: Lease, delivery: Delivery): Promise<number> {
  const [due] = await dueItems(app, lease);
  const row = await claimItem(app, lease, due?.id ?? 0);
  if (row === null) throw new Error("nothing is due");
  await settleItem(app, lease, row.id, delivery);
  return row.id;
}

test("a key says its thing once, whoever asks again, even after it was delivered", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  await queue(app, item(lease, "a"), item(lease, "b"), item(lease, "a"));
  await queue(app, item(lease, "a", { message: { text: "other words" } }));
  expect(await dueItems(app, lease)).toHaveLength(2);
  expect(await enqueueSending(app, lease, item(lease, "a"))).toBeNull();

  const [first] = await dueItems(app, lease);
  expect(await claimItem(app, lease, first?.id ?? 0)).toMatchObject({ message: { text: "text of a" } });
  await settleItem(app, lease, first?.id ?? 0, { state: "sent", messageId: 1 });
  await queue(app, item(lease, "a"));
  expect(await dueItems(app, lease)).toHaveLength(1);

  const at = await Promise.all(
    Array.from({ length: 20 }, () => enqueueSending(app, lease, item(lease, "once"))),
  );
  expect(at.filter((id) => id !== null)).toHaveLength(1);
});

test("what is to be said commits with the change it tells about, and wakes the sender only then", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const heard: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const stop = await app.database.listen(
    OUTBOX_CHANNEL,
    (payload) => {
      heard.push(payload);
      arrived.resolve();
    },
    () => undefined,
  );
  const undone = inSystem(app, async (tx) => {
    await enqueue(tx, [item(lease, "undone", { botId: 1 })]);
    throw new Error("changed my mind");
  });
  await expect(undone).rejects.toThrow("changed my mind");
  expect(await dueItems(app, lease)).toEqual([]);
  await queue(app);
  await queue(app, item(lease, "a"), item(lease, "b"));
  await arrived.promise;
  await stop();
  expect(heard).toEqual([String(lease.botId)]); // nothing of the transaction before it
});

test("what is due comes oldest first, and in a chat nothing before what was written earlier for it", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const other = await takeLease(app, { id: 1, username: "other_bot" });
  if ("heldBy" in other) throw new Error("nobody holds it");
  await queue(
    app,
    item(lease, "1"),
    item(lease, "2", { chatId: 8 }),
    item(other, "theirs"),
    item(lease, "3"),
  );
  const due = async (busy: readonly number[] = []) => (await dueItems(app, lease, busy)).map(({ id }) => id);
  const [first = 0, second = 0, third = 0, ...more] = await due();
  expect(more).toEqual([]);
  expect([first, second, third]).toEqual([first, second, third].toSorted((a, b) => a - b));
  expect((await dueItems(app, lease)).map(({ chatId }) => chatId)).toEqual([7, 8, 7]);
  expect(await due([7])).toEqual([second]);
  expect(await due([7, 8])).toEqual([]);

  // The first of its chat must wait, and so must what comes after it there.
  expect(await deliver(app, lease, { ...LATER, afterMs: 3_600_000 })).toBe(first);
  expect(await due()).toEqual([second]);
  await it.admin`UPDATE pipeline.outbox SET next_at = now() WHERE id = ${first}`;
  expect(await due()).toEqual([first, second, third]);
  // What must wait holds up nothing that was written before it.
  await it.admin`UPDATE pipeline.outbox SET next_at = now() + interval '1 hour' WHERE id = ${third}`;
  expect(await due()).toEqual([first, second]);
});

test("an item is claimed by one sender only, with its attempts counted", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const orgId = crypto.randomUUID();
  const turnId = crypto.randomUUID();
  const full = item(lease, "a", {
    kind: "final",
    chatId: -100_123,
    threadId: 9,
    orgId,
    turnId,
    part: 2,
    locale: "ru",
    correlationId: "abcdefghjk",
    message: {
      text: "text",
      entities: [{ type: "bold", offset: 0, length: 4 }],
      keyboard: [[{ text: "Retry", data: "id" }]],
      replyTo: 5,
    },
  });
  await queue(app, full);
  const id = (await dueItems(app, lease))[0]?.id ?? 0;
  const claims = await Promise.all(Array.from({ length: 10 }, () => claimItem(app, lease, id)));
  expect(claims.filter((row) => row !== null)).toEqual([
    {
      ageMs: expect.any(Number),
      id,
      chatId: -100_123,
      threadId: 9,
      kind: "final",
      message: full.message,
      turnId,
      target: null,
      attempts: 1,
      maybeSent: 0,
      locale: "ru",
      correlationId: "abcdefghjk",
    },
  ]);
  // What may have arrived once may have arrived for good, whatever goes wrong afterwards.
  await settleItem(app, lease, id, { ...LATER, maybeSent: true });
  expect(await claimItem(app, lease, id)).toMatchObject({ attempts: 2, maybeSent: 1 });
  await settleItem(app, lease, id, { ...LATER, error: "database" });
  expect(await claimItem(app, lease, id)).toMatchObject({ attempts: 3, maybeSent: 1 });
});

test("what has been delivered or given up keeps no text, and what may still be needed keeps it", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const deliveries: Delivery[] = [
    { state: "sent", messageId: 55 },
    { state: "sent", messageId: null },
    { state: "failed", error: "gone", unreachable: "gone" },
    { ...LATER, afterMs: 60_000 },
  ];
  for (const [index, delivery] of deliveries.entries()) {
    await queue(app, item(lease, String(index)));
    await deliver(app, lease, delivery);
  }
  const rows =
    await it.admin`SELECT state, payload IS NOT NULL AS text, done_at IS NOT NULL AS done, message_id::int, error
    FROM pipeline.outbox ORDER BY id`;
  expect([...rows]).toEqual([
    { state: "sent", text: false, done: true, message_id: 55, error: null },
    { state: "sent", text: false, done: true, message_id: null, error: null },
    { state: "failed", text: false, done: true, message_id: null, error: "gone" },
    { state: "queued", text: true, done: false, message_id: null, error: "retry_after" },
  ]);
});

test("an answer with NUL or half a surrogate pair in it can still be said", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  await queue(
    app,
    item(lease, "a", { message: { text: "a\0b \ud83d", file: { name: "a.txt", content: "\0c" } } }),
  );
  const [due] = await dueItems(app, lease);
  const row = await claimItem(app, lease, due?.id ?? 0);
  expect(row?.message).toEqual({ text: "ab \ufffd", file: { name: "a.txt", content: "c" } });
});

test("the messages that a turn has opened are found again by part, the newest of each", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const turnId = crypto.randomUUID();
  const opening = (key: string, part: number, turn = turnId) =>
    item(lease, key, { kind: "open", turnId: turn, part });
  for (const [key, part, messageId] of [
    ["a", 0, 100],
    ["b", 1, 101],
    ["c", 1, 201],
  ] as const) {
    const id = await enqueueSending(app, lease, opening(key, part));
    await settleItem(app, lease, id ?? 0, { state: "sent", messageId });
  }
  const lost = await enqueueSending(app, lease, opening("d", 2));
  await settleItem(app, lease, lost ?? 0, { state: "failed", error: "gone", unreachable: "gone" });
  expect(await openMessages(app, turnId)).toEqual([
    { part: 0, messageId: 100 },
    { part: 1, messageId: 201 },
  ]);
  expect(await openMessages(app, crypto.randomUUID())).toEqual([]);

  // A part of the answer is an edit of the newest message that shows it, a file never is.
  const file = { name: "a.txt", content: "x" };
  for (const part of [0, 1, 2])
    await queue(app, item(lease, `final ${part}`, { kind: "final", turnId, part }));
  await queue(app, item(lease, "file", { kind: "final", turnId, part: 0, message: { text: "", file } }));
  const due = await dueItems(app, lease);
  expect(due.map(({ edits }) => edits)).toEqual([true, true, false, false]);
  const rows = await Promise.all(due.map(({ id }) => claimItem(app, lease, id)));
  expect(rows.map((row) => row?.target)).toEqual([100, 201, null, null]);

  const left = (messageId: number, chatId = 7) => isContinuedBelow(app, { turnId, chatId, messageId });
  expect(await left(99)).toBe(true);
  for (const messageId of [100, 201, 202]) expect(await left(messageId)).toBe(false);
  expect(await left(99, 8)).toBe(false);
  expect(await isContinuedBelow(app, { turnId: crypto.randomUUID(), chatId: 7, messageId: 1 })).toBe(false);
});
