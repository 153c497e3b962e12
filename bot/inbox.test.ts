import { expect, test } from "bun:test";
import { nextOffset, undone, type UpdateRow } from "../core/pipeline/updates.ts";
import { releaseLease, takeLease } from "../core/pipeline/lease.ts";
import { ANN } from "../ops/sim/telegram/test-sim.ts";
import { createApi } from "./client.ts";
import { createInbox, type InboxEnd } from "./inbox.ts";
import { createSkippingClock, startFront } from "./test-front.ts";

async function start() {
  const clock = createSkippingClock();
  const it = await startFront(clock);
  const { app, lease, me } = it.front;
  const heard: UpdateRow[] = [];
  const ends: InboxEnd[] = [];
  let changed = Promise.withResolvers<void>();
  const change = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const inbox = createInbox({
    app,
    api: createApi(it.settings, "poll"),
    me,
    lease,
    onUpdate: (row) => {
      heard.push(row);
      change();
    },
    onEnd: (why) => {
      ends.push(why);
      change();
    },
  });
  inbox.start();
  return {
    ...it,
    clock,
    inbox,
    ends,
    texts: () => heard.map(({ payload }) => (payload["message"] as { text: string }).text),
    say: (text: string) => it.sim.say({ from: ANN, text }),
    offset: () => nextOffset(app, lease),
    /** Looks again after every update and every end. */
    async until(what: () => boolean): Promise<void> {
      while (!what()) await changed.promise;
    },
    /** The next poll confirms what is stored. */
    async confirmed(): Promise<void> {
      while (it.sim.pendingUpdates() > 0) await Bun.sleep(2);
    },
    polls: () => it.sim.calls.filter(({ method }) => method === "getUpdates"),
    failures: () => it.lines.filter(({ msg }) => msg === "polling failed"),
    async [Symbol.asyncDispose](): Promise<void> {
      await inbox.stop();
      await it[Symbol.asyncDispose]();
    },
  };
}

test("updates are handed over in their order, once each, after they have been stored with the new offset", async () => {
  await using it = await start();
  it.sim.duplicateNextUpdate();
  it.say("one");
  it.say("two");
  await it.until(() => it.texts().length === 2);
  await it.confirmed();
  it.sim.jumpUpdateId(-100_000); // as after a week without updates
  it.say("three");
  await it.until(() => it.texts().length === 3);
  expect(it.texts()).toEqual(["one", "two", "three"]);
  const stored = await undone(it.front.app, it.front.lease);
  expect(stored).toEqual({ control: [], lanes: [`7001:${ANN}:0`] });
  await it.confirmed();
  expect(it.polls().at(-1)?.params["allowed_updates"]).toEqual([
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
  ]);
});

test("a poll that cannot be stored moves no offset, hands nothing over and is made again", async () => {
  await using it = await start();
  it.say("one");
  await it.until(() => it.texts().length === 1);
  const before = await it.offset();
  await it.asAdmin("REVOKE INSERT ON pipeline.updates FROM blockbot_app");
  it.say("two");
  await it.sim.waitFor(() => it.failures().length > 2);
  expect([await it.offset(), it.texts(), it.sim.pendingUpdates()]).toEqual([before, ["one"], 1]);
  expect(it.polls().at(-1)?.params["offset"]).toBe(before);
  await it.asAdmin("GRANT INSERT ON pipeline.updates TO blockbot_app");
  await it.until(() => it.texts().length === 2);
  expect(it.texts()).toEqual(["one", "two"]);
  expect(await it.offset()).toBe(before + 1);
});

test("neither conflicts, nor floods, nor a broken network end the polling, and each is waited for in its way", async () => {
  await using it = await start();
  const refuse = (errorCode: number, more: object = {}) =>
    it.sim.fault({ method: "getUpdates", times: 1, kind: "error", errorCode, description: "", ...more });
  for (let i = 0; i < 4; i += 1) refuse(409);
  refuse(429, { retryAfter: 77 });
  refuse(502);
  for (const kind of ["reset_before", "reset_after", "truncate"] as const)
    it.sim.fault({ method: "getUpdates", times: 1, kind });
  it.say("one"); // ends the poll that was waiting when the faults began
  it.say("two");
  await it.until(() => it.texts().includes("two"));
  expect(it.texts()).toEqual(["one", "two"]);
  expect(it.ends).toEqual([]);
  const waits = it.failures().map(({ failure, waitMs }) => ({ failure, waitMs: Number(waitMs) }));
  const of = (kind: string) => waits.filter(({ failure }) => failure === kind).map(({ waitMs }) => waitMs);
  expect(of("conflict")).toHaveLength(4);
  expect((await it.outbox()).map(({ text }) => text)).toEqual([expect.stringContaining("the same token")]);
  for (const waitMs of of("conflict")) expect([waitMs >= 3_000, waitMs <= 30_000]).toEqual([true, true]);
  expect(of("retry_after")).toEqual([77_000]);
  expect([of("server").length, of("unreachable").length]).toEqual([1, 3]);
  for (const waitMs of waits.map((wait) => wait.waitMs)) expect(it.clock.slept).toContain(waitMs);
  expect(Math.max(...of("unreachable"))).toBeLessThanOrEqual(30_500);
});

test("a token that Telegram refuses ends the polling, and says so once", async () => {
  await using it = await start();
  it.sim.fault({
    method: "getUpdates",
    times: 1,
    kind: "error",
    errorCode: 401,
    description: "Unauthorized",
  });
  it.say("one");
  it.say("two");
  await it.until(() => it.ends.length > 0);
  const polls = it.polls().length;
  const waits = it.clock.slept.length;
  while (it.clock.slept.length < waits + 5 && it.polls().length === polls) await Bun.sleep(1);
  await it.inbox.stop();
  expect(it.ends).toEqual(["token revoked"]);
  expect(it.polls().length).toBe(polls);
});

test("whoever has lost the lease stores nothing, hands nothing over and polls no more", async () => {
  await using it = await start();
  it.say("one");
  await it.until(() => it.texts().length === 1);
  const { app, lease, me } = it.front;
  const newer = await takeLease(app, me);
  if ("heldBy" in newer) throw new Error("a lease of this very process can be taken");
  it.say("two");
  await it.until(() => it.ends.length > 0);
  expect([it.ends, it.texts()]).toEqual([["lease lost"], ["one"]]);
  const polls = it.polls().length;
  await it.inbox.stop();
  expect(it.polls().length).toBe(polls);
  expect((await undone(app, newer)).lanes).toHaveLength(1);
  expect(it.sim.pendingUpdates()).toBe(1); // for whoever holds it now
  await releaseLease(app, lease); // of no effect any more
  expect(await nextOffset(app, newer)).toBeGreaterThan(0);
});

test("stopping ends a waiting poll at once, and what nobody has confirmed is there for the next start", async () => {
  await using it = await start();
  it.say("one");
  await it.until(() => it.texts().length === 1);
  await it.inbox.stop();
  it.say("two");
  expect([it.texts(), it.ends]).toEqual([["one"], []]);
  expect(it.sim.pendingUpdates()).toBeGreaterThan(0);
});

test("a poll that does not end shows by its age, whoever it waits for", async () => {
  await using it = await start();
  it.say("one");
  await it.until(() => it.texts().length === 1);
  await it.confirmed(); // by the next poll, which now waits
  await it.clock.sleep(121_000);
  expect(it.inbox.pollMs()).toBeGreaterThanOrEqual(121_000);
  await it.inbox.stop();
  expect(it.inbox.pollMs()).toBe(0);
});
