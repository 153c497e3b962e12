import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { DatabaseError, inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import { adoptUpdates } from "./adopt.ts";
import { LeaseLostError, takeLease, type Lease } from "./lease.ts";
import {
  beginUpdates,
  dropWaiting,
  isUndone,
  markDone,
  nextOffset,
  readyInLane,
  storeBatch,
  suspects,
  undone,
} from "./updates.ts";

function update(updateId: number, given: { lane?: string; control?: boolean; payload?: object } = {}) {
  return { updateId, lane: "a", control: false, payload: { update_id: updateId }, ...given };
}

async function stored(app: App) {
  const rows = await inSystem(app, (tx) =>
    tx.execute<{ id: number; state: string; payload: unknown; turn_id: string | null; ended: boolean }>(
      sql`SELECT update_id::int AS id, state, payload, turn_id, done_at IS NOT NULL AS ended FROM pipeline.updates ORDER BY update_id`,
    ),
  );
  return [...rows];
}

test("an update stored twice is new once, and the offset moves past the batch", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  expect(await nextOffset(app, lease)).toBe(0);
  const first = await storeBatch(app, lease, [update(10), update(11, { payload: { text: "eleven" } })]);
  expect(first.map((row) => row.updateId)).toEqual([10, 11]);
  expect(first[1]).toMatchObject({ lane: "a", control: false, payload: { text: "eleven" }, attempts: 0 });
  expect(await nextOffset(app, lease)).toBe(12);

  // Telegram repeats what it was not told of; what was handled meanwhile stays handled.
  await inSystem(app, (tx) => markDone(tx, lease, [10]));
  const second = await storeBatch(app, lease, [
    update(10),
    update(11, { payload: { text: "other" } }),
    update(12),
  ]);
  expect(second.map((row) => row.updateId)).toEqual([12]);
  expect(await nextOffset(app, lease)).toBe(13);
  expect((await stored(app)).map((row) => [row.id, row.state])).toEqual([
    [10, "done"],
    [11, "ready"],
    [12, "ready"],
  ]);
  expect((await readyInLane(app, lease, "a")).rows[0]?.payload).toEqual({ text: "eleven" });

  const twice = await Promise.all([
    storeBatch(app, lease, [update(13)]),
    storeBatch(app, lease, [update(13)]),
  ]);
  expect(twice.flat().map((row) => row.updateId)).toEqual([13]);
});

test("each bot has an offset and updates of its own, so that another token begins at its own place", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const other = await takeLease(app, { id: lease.botId + 1, username: "other_bot" });
  if ("heldBy" in other) throw new Error("a bot that nobody has served is free");
  await storeBatch(app, lease, [update(10), update(11)]);
  expect(await nextOffset(app, other)).toBe(0);
  expect((await storeBatch(app, other, [update(10)])).map((row) => row.updateId)).toEqual([10]);
  expect((await readyInLane(app, other, "a")).rows.map((row) => row.updateId)).toEqual([10]);
  expect([await nextOffset(app, lease), await nextOffset(app, other)]).toEqual([12, 11]);
});

test("a poll that brought nothing moves no offset, and is still a poll", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await storeBatch(it.app, lease, [update(10)]);
  await it.admin`UPDATE pipeline.bots SET last_poll_at = NULL`;
  expect(await storeBatch(it.app, lease, [])).toEqual([]);
  expect(await nextOffset(it.app, lease)).toBe(11);
  expect([...(await it.admin`SELECT last_poll_at IS NULL AS never FROM pipeline.bots`)]).toEqual([
    { never: false },
  ]);
});

test("a batch that cannot be stored moves no offset and stores nothing of itself", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await storeBatch(it.app, lease, [update(10)]);
  const broken = [update(11), update(12, { lane: "no\0lane" })];
  await expect(storeBatch(it.app, lease, broken)).rejects.toThrow(DatabaseError);
  expect(await nextOffset(it.app, lease)).toBe(11);
  expect((await stored(it.app)).map((row) => row.id)).toEqual([10]);
});

test("whatever Telegram sends can be stored: NUL, half surrogates, any depth of JSON", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [nul, half, key] = await storeBatch(it.app, lease, [
    update(1, { payload: { text: "a\0b\0" } }),
    update(2, { payload: { text: "\ud83d half \ude00, whole \u{1f600}" } }),
    update(3, { payload: { "k\0\ud800": [{ deep: ["\0"] }, null, 1.5, true] } }),
  ]);
  expect(nul?.payload).toEqual({ text: "ab" });
  expect(half?.payload).toEqual({ text: "\ufffd half \ufffd, whole \u{1f600}" });
  expect(key?.payload).toEqual({ "k\ufffd": [{ deep: [""] }, null, 1.5, true] });

  let updateId = 10;
  const texts = fc.string({
    unit: fc.oneof(fc.constantFrom("\0", "\ud800", "\udc00", "\\", '"'), fc.string()),
  });
  await fc.assert(
    fc.asyncProperty(texts, fc.jsonValue(), async (text, json) => {
      const [row] = await storeBatch(it.app, lease, [update(++updateId, { payload: { text, json } })]);
      expect(row?.payload["text"]).toBe(text.replaceAll("\0", "").toWellFormed());
    }),
    { numRuns: 60 },
  );
});

test("what waits is found again after a start: oldest first in its lane, control apart", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  await storeBatch(app, lease, [update(5, { lane: "b" }), update(6, { control: true })]);
  await storeBatch(app, lease, [update(7), update(8, { lane: "b" }), update(9, { control: true })]);
  await storeBatch(app, lease, [update(4)]); // Telegram began to count anew
  await inSystem(app, (tx) => markDone(tx, lease, [9]));
  const found = await undone(app, lease);
  expect(found.control.map((row) => row.updateId)).toEqual([6]);
  expect(found.lanes).toEqual(["b", "a"]);
  expect((await readyInLane(app, lease, "a")).rows.map((row) => row.updateId)).toEqual([7, 4]);
  expect((await readyInLane(app, lease, "b")).rows.map((row) => row.updateId)).toEqual([5, 8]);

  const other = await takeLease(app, { id: 1, username: "other_bot" });
  if ("heldBy" in other) throw new Error("nobody holds it");
  expect(await undone(app, other)).toEqual({ control: [], lanes: [] });
  expect(await storeBatch(app, other, [update(5)])).toHaveLength(1);
});

test("an update that three tenures have ended with is parked and told about in one transaction; a second of its batch is not", async () => {
  await using it = await createTestApp();
  const { app } = it;
  await storeBatch(app, await leaseOf(app), [update(1), update(2)]);
  const told: number[] = [];
  const begin = (lease: Lease, ids: readonly number[]) =>
    beginUpdates(app, lease, ids, async ({ updateId }) => {
      told.push(updateId);
      return [
        {
          botId: lease.botId,
          chatId: 7,
          threadId: 0,
          kind: "notice",
          message: { text: "put aside" },
          key: `${updateId}`,
        },
      ];
    });
  const suspected = async (lease: Lease) => (await suspects(app, lease)).map(({ updateId }) => updateId);
  for (const isSuspect of [false, false, true]) {
    const lease = await leaseOf(app);
    expect(await suspected(lease)).toEqual(isSuspect ? [1] : []);
    // However often one tenure begins it: it is what the tenure's end leaves in hand that counts.
    for (let times = 0; times < 5; times += 1) expect(await begin(lease, [1])).toEqual([1]);
    expect(await isUndone(app, lease, 1)).toBe(true);
  }
  const lease = await leaseOf(app);
  await expect(
    beginUpdates(app, lease, [1, 2], async () => {
      throw new Error("nobody could be told");
    }),
  ).rejects.toThrow("nobody could be told");
  expect((await stored(app))[0]).toMatchObject({ state: "ready" });
  expect(await begin(lease, [1, 2])).toEqual([2]);
  expect(await begin(lease, [1])).toEqual([]);
  expect(told).toEqual([1]);
  expect([...(await it.admin`SELECT payload FROM pipeline.outbox`)]).toEqual([
    { payload: { text: "put aside" } },
  ]);
  expect(await suspected(lease)).toEqual([]);
  expect(await isUndone(app, lease, 1)).toBe(false);
  expect((await readyInLane(app, lease, "a")).rows.map((row) => row.updateId)).toEqual([2]);
  // It may have been the answer to /connect, which stands nowhere unsealed.
  expect((await stored(app))[0]).toEqual({
    id: 1,
    state: "parked",
    payload: null,
    turn_id: null,
    ended: true,
  });
});

test("what is done keeps nothing of what was said, is not begun again, and keeps its turn", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  await storeBatch(app, lease, [update(1), update(2)]);
  const turnId = crypto.randomUUID();
  await inSystem(app, (tx) => markDone(tx, lease, [1, 2], turnId));
  await inSystem(app, (tx) => markDone(tx, lease, [1]));
  expect(await stored(app)).toEqual(
    [1, 2].map((id) => ({ id, state: "done", payload: null, turn_id: turnId, ended: true })),
  );
  expect(await beginUpdates(app, lease, [1, 2], async () => [])).toEqual([]);
  await expect(inSystem(app, (tx) => markDone(tx, lease, [1, 99]))).rejects.toThrow(LeaseLostError);
});

test("ending updates under a lost lease undoes everything that the transaction did", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const older = await leaseOf(app);
  await storeBatch(app, older, [update(1)]);
  const newer = await leaseOf(app);
  const occasion = {
    orgId: null,
    chatId: 7,
    threadId: 0,
    updateIds: [1],
    locale: "de",
    correlationId: "abcdefghjk",
  };
  const work = async () => {
    await inSystem(app, (tx) =>
      tx.execute(sql`INSERT INTO pipeline.strangers VALUES (${older.botId}, 99, '2026-01-01')`),
    );
    return [{ text: "one" }, { text: "two", messageId: 5 }];
  };
  await expect(adoptUpdates(app, { ...occasion, lease: older }, work)).rejects.toThrow(LeaseLostError);
  expect([...(await it.admin`SELECT FROM pipeline.strangers`)]).toEqual([]);
  expect([...(await it.admin`SELECT FROM pipeline.outbox`)]).toEqual([]);
  expect((await stored(app))[0]).toMatchObject({ state: "ready", payload: { update_id: 1 } });

  await adoptUpdates(app, { ...occasion, lease: newer }, work);
  expect((await stored(app))[0]).toMatchObject({ state: "done", payload: null });
  const said =
    await it.admin`SELECT kind, payload, org_id, locale, correlation_id FROM pipeline.outbox ORDER BY id`;
  expect([...said]).toEqual([
    { kind: "notice", payload: { text: "one" }, org_id: null, locale: "de", correlation_id: "abcdefghjk" },
    {
      kind: "edit",
      payload: { text: "two", messageId: 5 },
      org_id: null,
      locale: "de",
      correlation_id: "abcdefghjk",
    },
  ]);
});

test("a fresh start drops what waits in its own lane and came before it, and no control update", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  await storeBatch(app, lease, [update(1), update(2, { control: true }), update(3, { lane: "b" })]);
  await storeBatch(app, lease, [update(4), update(5, { control: true }), update(6)]);
  const drop = (before: number) => inSystem(app, (tx) => dropWaiting(tx, lease, { lane: "a", before }));
  const waiting = async () => (await stored(app)).flatMap((row) => (row.state === "ready" ? [row.id] : []));
  expect(await drop(99)).toBe(0); // nothing came before what never came
  expect(await drop(5)).toBe(2);
  expect(await waiting()).toEqual([2, 3, 5, 6]);
  expect(await drop(5)).toBe(0);
  expect((await stored(app))[0]).toMatchObject({ state: "done", payload: null, ended: true });
  // Telegram may begin to count anew: what came first decides, not the number.
  await storeBatch(app, lease, [update(0)]);
  expect(await drop(5)).toBe(0);
  expect(await waiting()).toEqual([0, 2, 3, 5, 6]);
});

test("one person's messages can be dropped without the others'", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const lease = await leaseOf(app);
  const said = (id: number, by: number) => update(id, { payload: { message: { from: { id: by } } } });
  await storeBatch(app, lease, [said(1, 7), said(2, 8), said(3, 7), update(4), update(5, { control: true })]);
  const drop = (from: number) =>
    inSystem(app, (tx) => dropWaiting(tx, lease, { lane: "a", before: 5, from }));
  expect(await drop(9)).toBe(0);
  expect(await drop(7)).toBe(2);
  const { rows } = await readyInLane(app, lease, "a");
  expect(rows.map((row) => row.updateId)).toEqual([2, 4]);
});
