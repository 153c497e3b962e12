import { expect, test } from "bun:test";
import { ANN, GROUP, startSim } from "./test-sim.ts";

const ids = (result: Record<string, unknown>[]) => result.map((update) => Number(update["update_id"]));

test("updates stay until an offset confirms them, in order and within the limit", async () => {
  await using world = await startSim();
  for (const text of ["one", "two", "three"]) world.sim.say({ from: ANN, text });
  const all = ids((await world.call("getUpdates")).body.result);
  expect(all).toHaveLength(3);
  expect(all).toEqual([...all].sort((a, b) => a - b));
  const [first = 0, second = 0, third = 0] = all;

  expect(ids((await world.call("getUpdates", { offset: first, limit: 2 })).body.result)).toEqual([
    first,
    second,
  ]);
  expect(ids((await world.call("getUpdates", { offset: second })).body.result)).toEqual([second, third]);
  expect(world.sim.pendingUpdates()).toBe(2);
  expect(ids((await world.call("getUpdates", { offset: -1 })).body.result)).toEqual([third]);
  expect(world.sim.pendingUpdates()).toBe(1);
  expect(ids((await world.call("getUpdates", { offset: third + 1 })).body.result)).toEqual([]);
});

test("a repeated offset is given one update at a time, then only long polls", async () => {
  await using world = await startSim();
  for (const text of ["one", "two"]) world.sim.say({ from: ANN, text });
  const first = await world.call("getUpdates", { offset: 5 });
  const repeated = await world.call("getUpdates", { offset: 5 });
  expect(first.body.result).toHaveLength(2);
  expect(repeated.body.result).toHaveLength(1);

  await world.call("getUpdates", { offset: -100 });
  const next = (ids(first.body.result).at(-1) ?? 0) + 1;
  await world.call("getUpdates", { offset: next });
  const waiting = world.call("getUpdates", { offset: next });
  expect(await Promise.race([waiting.then(() => "answered"), Bun.sleep(50).then(() => "waiting")])).toBe(
    "waiting",
  );
  world.sim.say({ from: ANN, text: "three" });
  expect((await waiting).body.result).toHaveLength(1);
});

test("a waiting poll gets what is said together in one answer", async () => {
  await using world = await startSim();
  const waiting = world.call("getUpdates", { timeout: 50, offset: 1 });
  await Bun.sleep(20);
  for (const text of ["one", "two"]) world.sim.say({ from: ANN, text });
  expect((await waiting).body.result).toHaveLength(2);
});

test("a second waiting poll ends the first with 409, and updates then reach the second", async () => {
  await using world = await startSim();
  const older = world.call("getUpdates", { timeout: 50, offset: 1 });
  await Bun.sleep(20);
  const newer = world.call("getUpdates", { timeout: 50, offset: 2 });
  const { status, body } = await older;
  expect(status).toBe(409);
  expect(body.description).toStartWith("Conflict: terminated by other getUpdates request");
  world.sim.say({ from: ANN, text: "hello" });
  expect((await newer).body.result).toHaveLength(1);
  expect(world.sim.violations).toEqual([]);
});

test("a poll that its caller gave up does not conflict with the next", async () => {
  await using world = await startSim();
  const url = `${world.sim.url}/bot${world.token}/getUpdates?timeout=50&offset=1`;
  const gone = fetch(url, { signal: AbortSignal.timeout(30) }).catch((err: unknown) => err);
  expect(await gone).toBeInstanceOf(Error);
  await world.sim.waitFor(() => world.sim.calls.some(({ method }) => method === "getUpdates"));
  const next = world.call("getUpdates", { timeout: 50, offset: 2 });
  await Bun.sleep(20);
  world.sim.say({ from: ANN, text: "hello" });
  expect((await next).body.result).toHaveLength(1);
  expect(world.sim.calls.every(({ errorCode }) => errorCode === null)).toBe(true);
});

test("allowed_updates is remembered and decides when an update is made", async () => {
  await using world = await startSim();
  world.sim.say({ from: ANN, text: "before" });
  const [before = 0] = ids(
    (await world.call("getUpdates", { allowed_updates: ["my_chat_member"] })).body.result,
  );
  expect(before).toBeGreaterThan(0);
  world.sim.say({ from: ANN, text: "not wanted" });
  world.sim.setBotMember(GROUP, false);
  const { result } = (await world.call("getUpdates", { offset: before + 1 })).body;
  expect(result.map((update) => Object.keys(update).find((key) => key !== "update_id"))).toEqual([
    "my_chat_member",
  ]);
  expect((await world.call("getWebhookInfo")).body.result).toMatchObject({
    allowed_updates: ["my_chat_member"],
  });

  await world.call("getUpdates", { offset: before + 2, allowed_updates: [] });
  world.sim.say({ from: ANN, text: "wanted again" });
  expect((await world.call("getUpdates", { offset: before + 2 })).body.result).toHaveLength(1);
});

test("while a webhook is set polling conflicts, and deleting it keeps the updates", async () => {
  await using world = await startSim();
  world.sim.say({ from: ANN, text: "kept" });
  await world.call("setWebhook", { url: "https://x.test/hook" });
  expect((await world.call("getUpdates")).status).toBe(409);
  expect((await world.call("getWebhookInfo")).body.result).toMatchObject({
    url: "https://x.test/hook",
    pending_update_count: 1,
  });
  await world.call("deleteWebhook");
  expect((await world.call("getUpdates")).body.result).toHaveLength(1);
  await world.call("deleteWebhook", { drop_pending_updates: true });
  expect(world.sim.pendingUpdates()).toBe(0);
});

test("updates can come twice, malformed, and with ids that jump back", async () => {
  await using world = await startSim();
  world.sim.duplicateNextUpdate();
  world.sim.say({ from: ANN, text: "twice" });
  const injected = world.sim.inject({ message: null, nonsense: [1] });
  const [one, same, raw] = (await world.call("getUpdates")).body.result;
  expect(one).toEqual(same as never);
  expect(raw as unknown).toEqual({ update_id: injected, message: null, nonsense: [1] });

  await world.call("getUpdates", { offset: injected + 1 });
  world.sim.jumpUpdateId(-5000);
  world.sim.say({ from: ANN, text: "after a quiet week" });
  const late = (await world.call("getUpdates", { offset: injected + 2 })).body.result;
  expect(ids(late)).toEqual([injected - 4999]);
});

test("an update nobody fetched for a day is forgotten", async () => {
  let now = Date.UTC(2026, 0, 1);
  await using world = await startSim({ clock: () => now });
  world.sim.say({ from: ANN, text: "old" });
  now += 24 * 60 * 60 * 1000 + 1;
  world.sim.say({ from: ANN, text: "new" });
  const { result } = (await world.call("getUpdates")).body;
  expect(result.map((update) => update["message"]?.["text"] as unknown)).toEqual(["new"]);
});
