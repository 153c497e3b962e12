import { expect, test } from "bun:test";
import { ANN, GROUP, startSim } from "./test-sim.ts";

async function startLimited() {
  let now = Date.UTC(2026, 0, 1);
  const world = await startSim({ rateLimits: true, clock: () => now });
  await world.meetAnn();
  const send = async (chat: number) => (await world.call("sendMessage", { chat_id: chat, text: "x" })).status;
  return {
    world,
    send,
    pass: (ms: number) => void (now += ms),
    [Symbol.asyncDispose]: () => world.sim.stop(),
  };
}

test("a chat takes a small burst, then one message a second, and refuses everything during the pause", async () => {
  await using limited = await startLimited();
  const { world, send, pass } = limited;
  for (let sent = 0; sent < 4; sent += 1) expect(await send(ANN)).toBe(200);
  const refused = await world.call("sendMessage", { chat_id: ANN, text: "x" });
  expect(refused.status).toBe(429);
  expect(refused.body).toMatchObject({ error_code: 429, parameters: { retry_after: 1 } });
  expect(refused.body.description).toBe("Too Many Requests: retry after 1");
  expect(refused.headers.get("retry-after")).toBe("1");
  pass(900);
  expect(await send(ANN)).toBe(429);
  pass(100);
  expect(await send(ANN)).toBe(200);
  expect(await send(ANN)).toBe(429);
  expect(await send(GROUP)).toBe(200);
  expect(world.sim.violations).toEqual([]);
});

test("a group takes 20 sends and 20 edits a minute, counted apart", async () => {
  await using limited = await startLimited();
  const { world, send, pass } = limited;
  for (let sent = 0; sent < 20; sent += 1) {
    pass(1000);
    expect(await send(GROUP)).toBe(200);
  }
  pass(1000);
  const refused = await world.call("sendMessage", { chat_id: GROUP, text: "x" });
  expect(refused.body.parameters).toEqual({ retry_after: 40 });

  const target = { chat_id: GROUP, message_id: world.sim.messages(GROUP).at(-1)?.messageId };
  for (let edited = 0; edited < 20; edited += 1) {
    pass(1000);
    expect((await world.call("editMessageText", { ...target, text: `edit ${edited}` })).status).toBe(200);
  }
  pass(1000);
  expect((await world.call("editMessageText", { ...target, text: "one more" })).status).toBe(429);
  pass(20_000);
  expect(await send(GROUP)).toBe(200);
});

test("chats that have not written lately share 30 sends a second", async () => {
  await using limited = await startLimited();
  const { world, send, pass } = limited;
  const people = Array.from({ length: 32 }, (_, at) => 100 + at);
  for (const id of people) {
    world.sim.addPerson({ id, firstName: `P${id}` });
    world.sim.say({ from: id, text: "hi" });
  }
  pass(11 * 60_000);
  world.sim.say({ from: 131, text: "just now" });
  const statuses = await Promise.all(people.map(send));
  expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  expect(statuses.at(-1)).toBe(200);
});

test("typing, answers to buttons and deletions are not limited", async () => {
  await using limited = await startLimited();
  const { world } = limited;
  for (let count = 0; count < 10; count += 1) {
    expect((await world.call("sendChatAction", { chat_id: ANN, action: "typing" })).status).toBe(200);
  }
});

test("a flood refuses every send and edit until it is over", async () => {
  await using world = await startSim();
  await world.meetAnn();
  world.sim.setFlood(true);
  const refused = await world.call("sendMessage", { chat_id: ANN, text: "x" });
  expect(refused.body).toMatchObject({ error_code: 429, parameters: { retry_after: 3 } });
  world.sim.setFlood(false);
  expect((await world.call("sendMessage", { chat_id: ANN, text: "x" })).status).toBe(200);
});
