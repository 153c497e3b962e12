import { expect, test } from "bun:test";
import { createTestApp, leaseOf } from "../test-app.ts";
import { createConflictWatch } from "./conflicts.ts";

const OPERATOR = 42;
const MINUTE_MS = 60_000;

async function start() {
  const it = await createTestApp({ operatorChatIds: [OPERATOR] });
  const { app } = it;
  const lease = await leaseOf(app);
  return {
    ...it,
    /** As at the start of a process. */
    watch: () => createConflictWatch(app, lease),
    async told(): Promise<string[]> {
      const rows = await it.admin<
        { key: string }[]
      >`SELECT idempotency_key AS key FROM pipeline.outbox WHERE chat_id = ${OPERATOR} ORDER BY id`;
      return rows.map(({ key }) => key.split(":")[1] ?? "");
    },
  };
}

test("two refusals may be our own last poll; the third is another program, and the operator hears of it once, and once that it is over", async () => {
  await using it = await start();
  const watch = it.watch();
  await watch.refused();
  await watch.refused();
  expect(await it.told()).toEqual([]);
  // Polls that end well in between mean nothing: whoever backs off lets the other one poll.
  for (let i = 0; i < 5; i += 1) {
    await watch.refused();
    it.pass(MINUTE_MS);
    await watch.polled();
  }
  expect(await it.told()).toEqual(["conflict"]);
  it.pass(4 * MINUTE_MS);
  await watch.polled();
  await watch.polled();
  expect(await it.told()).toEqual(["conflict", "conflict_over"]);
  it.pass(MINUTE_MS);
  for (let i = 0; i < 3; i += 1) await watch.refused();
  expect(await it.told()).toEqual(["conflict", "conflict_over", "conflict"]);
});

test("refusals that lie far apart are nobody else", async () => {
  await using it = await start();
  const watch = it.watch();
  for (let i = 0; i < 5; i += 1) {
    await watch.refused();
    it.pass(3 * MINUTE_MS);
  }
  expect(await it.told()).toEqual([]);
});

test("a restart neither tells it again nor forgets to tell that it is over", async () => {
  await using it = await start();
  const first = it.watch();
  for (let i = 0; i < 3; i += 1) await first.refused();
  const second = it.watch();
  for (let i = 0; i < 3; i += 1) await second.refused();
  expect(await it.told()).toEqual(["conflict"]);
  const third = it.watch();
  await third.polled();
  expect(await it.told()).toEqual(["conflict"]);
  it.pass(5 * MINUTE_MS);
  await third.polled();
  expect(await it.told()).toEqual(["conflict", "conflict_over"]);
});
