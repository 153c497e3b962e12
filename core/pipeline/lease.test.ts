import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import { LeaseLostError, markRevoked, releaseLease, renewLease, takeLease } from "./lease.ts";
import { claimItem, dueItems, enqueue, enqueueSending, type OutboxItem } from "./outbox.ts";
import { recoverSending, settleItem } from "./outcomes.ts";
import { beginUpdates, dropWaiting, markDone, nextOffset, storeBatch } from "./updates.ts";

const BOT = { id: 4711, username: "block_bot" };

async function heldBy(app: App, owner: string, secondsLeft: number): Promise<void> {
  await inSystem(app, (tx) =>
    tx.execute(
      sql`UPDATE pipeline.bots SET lease_owner = ${owner}, lease_until = clock_timestamp() + make_interval(secs => ${secondsLeft})`,
    ),
  );
}

function item(key: string, kind: OutboxItem["kind"] = "notice"): OutboxItem {
  return { botId: BOT.id, chatId: 7, threadId: 0, kind, key, message: { text: "hello" } };
}

test("the lease of a live neighbour is respected, that of a dead one is taken at once", async () => {
  await using it = await createTestApp();
  const first = await leaseOf(it.app);
  const neighbour = Bun.spawn(["sleep", "600"]);
  const owner = `${first.owner.split("/")[0]}/${neighbour.pid}/an-id`;
  try {
    await heldBy(it.app, owner, 600);
    expect(await takeLease(it.app, BOT)).toEqual({ heldBy: owner });
    expect(await renewLease(it.app, first)).toBe(true); // it was not taken: the epoch is as before
  } finally {
    neighbour.kill("SIGKILL");
    await neighbour.exited;
  }
  expect(await leaseOf(it.app)).toMatchObject({ botId: BOT.id, epoch: first.epoch + 1 });
});

test("a lease on another machine is taken when it has expired or was given back, and not before", async () => {
  await using it = await createTestApp();
  await leaseOf(it.app);
  const owner = `elsewhere/${process.pid}/an-id`;
  await heldBy(it.app, owner, 600);
  expect(await takeLease(it.app, BOT)).toEqual({ heldBy: owner });
  await heldBy(it.app, owner, -1);
  const lease = await leaseOf(it.app);
  await heldBy(it.app, owner, 600);
  await releaseLease(it.app, lease);
  expect((await leaseOf(it.app)).epoch).toBe(lease.epoch + 1);
});

test("of ten that take a bot at the same moment only the last one holds it", async () => {
  await using it = await createTestApp();
  // All ten are this process, and a lease of one's own process is never waited for.
  const takers = await Promise.all(Array.from({ length: 10 }, () => leaseOf(it.app)));
  expect(takers.map((lease) => lease.epoch).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const kept = await Promise.all(takers.map((lease) => renewLease(it.app, lease)));
  expect(takers.filter((_, i) => kept[i]).map((lease) => lease.epoch)).toEqual([10]);
});

test("taking a lease fences the older holder out of everything that it could still write", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const older = await leaseOf(app);
  await storeBatch(app, older, [
    { updateId: 1, lane: "a", control: false, payload: { n: 1 } },
    { updateId: 2, lane: "a", control: false, payload: { n: 2 } },
  ]);
  await inSystem(app, (tx) => enqueue(tx, [item("queued")]));
  const sending = await enqueueSending(app, older, item("sending"));
  const [queued] = await dueItems(app, older);
  const newer = await leaseOf(app);
  const state = async () => [
    await it.admin`SELECT * FROM pipeline.bots`,
    await it.admin`SELECT * FROM pipeline.updates ORDER BY update_id`,
    await it.admin`SELECT * FROM pipeline.outbox ORDER BY id`,
  ];
  const before = await state();

  await expect(nextOffset(app, older)).rejects.toThrow(LeaseLostError);
  const late = [{ updateId: 9, lane: "a", control: false, payload: {} }];
  await expect(storeBatch(app, older, late)).rejects.toThrow(LeaseLostError);
  await expect(storeBatch(app, older, [])).rejects.toThrow(LeaseLostError);
  expect(await beginUpdates(app, older, [1, 2], async () => [])).toEqual([]);
  await expect(inSystem(app, (tx) => markDone(tx, older, [1]))).rejects.toThrow(LeaseLostError);
  expect(await inSystem(app, (tx) => dropWaiting(tx, older, { lane: "a", before: 2 }))).toBe(0);
  expect(await claimItem(app, older, queued?.id ?? 0)).toBeNull();
  await settleItem(app, older, sending ?? 0, { state: "sent", messageId: 5 });
  await expect(enqueueSending(app, older, item("late"))).rejects.toThrow(LeaseLostError);
  expect(await recoverSending(app, older)).toEqual({ requeued: 0, givenUp: 0 });
  expect(await renewLease(app, older)).toBe(false);
  await releaseLease(app, older);
  expect(await state()).toEqual(before);

  expect(await nextOffset(app, newer)).toBe(3);
  expect(await beginUpdates(app, newer, [1, 2], async () => [])).toEqual([1, 2]);
  expect(await claimItem(app, newer, queued?.id ?? 0)).toMatchObject({ message: { text: "hello" } });
  expect(await renewLease(app, newer)).toBe(true);
});

test("a refused token is remembered, even of a bot that never polled, until the bot is taken again", async () => {
  await using it = await createTestApp();
  await markRevoked(it.app, 4711);
  const bots = async () => [...(await it.admin`SELECT bot_id::int, username, status FROM pipeline.bots`)];
  expect(await bots()).toEqual([{ bot_id: 4711, username: "", status: "revoked" }]);
  await leaseOf(it.app);
  expect(await bots()).toEqual([{ bot_id: 4711, username: "block_bot", status: "active" }]);
  await markRevoked(it.app, 4711);
  await takeLease(it.app, { ...BOT, username: "renamed_bot" });
  expect(await bots()).toEqual([{ bot_id: 4711, username: "renamed_bot", status: "active" }]);
});
