import { expect, test } from "bun:test";
import { ANN, startSim } from "./test-sim.ts";

const message = { chat_id: ANN, text: "x" };

test("an error is answered to the next calls of its method only, and leaves no trace", async () => {
  await using world = await startSim();
  await world.meetAnn();
  world.sim.fault({
    method: "SendMessage",
    times: 2,
    kind: "error",
    errorCode: 400,
    description: "Bad Request: group chat was upgraded to a supergroup chat",
    migrateToChatId: -1009,
  });
  expect((await world.call("getMe")).status).toBe(200);
  for (let count = 0; count < 2; count += 1) {
    const { status, body } = await world.call("sendMessage", message);
    expect(status).toBe(400);
    expect(body.parameters).toEqual({ migrate_to_chat_id: -1009 });
  }
  expect((await world.call("sendMessage", message)).status).toBe(200);
  expect(world.sim.messages(ANN).filter(({ fromBot }) => fromBot)).toHaveLength(1);
  expect(world.sim.violations).toEqual([]);
});

test("a reset closes the connection without an answer, before or after the call took effect", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const sent = () => world.sim.messages(ANN).filter(({ fromBot }) => fromBot).length;
  for (const [kind, expected] of [
    ["reset_before", 0],
    ["reset_after", 1],
  ] as const) {
    world.sim.fault({ method: "sendMessage", times: 1, kind });
    const before = world.sim.calls.length;
    const failed: unknown = await world.call("sendMessage", message).catch((err: unknown) => err);
    expect(failed).toMatchObject({ code: "ECONNRESET" });
    expect(world.sim.calls).toHaveLength(before + 1);
    expect(sent()).toBe(expected);
  }
  expect((await world.call("sendMessage", message)).status).toBe(200);
});

test("an answer can be cut, late, or never come", async () => {
  await using world = await startSim();
  await world.meetAnn();
  world.sim.fault({ method: "*", times: 1, kind: "truncate" });
  expect(await world.call("sendMessage", message).catch((err: unknown) => err)).toBeInstanceOf(SyntaxError);
  expect(world.sim.messages(ANN).at(-1)?.fromBot).toBe(true);

  world.sim.fault({ method: "getMe", times: 1, kind: "delay", ms: 30 });
  const slow = world.call("getMe").then(() => "slow");
  const fast = world.call("getWebhookInfo").then(() => "fast");
  expect(await Promise.race([slow, fast])).toBe("fast");
  expect(await slow).toBe("slow");

  world.sim.fault({ method: "getMe", times: 1, kind: "hang" });
  const hanging = world.call("getMe").then(
    () => "answered",
    () => "ended",
  );
  expect(await Promise.race([hanging, Bun.sleep(50).then(() => "hanging")])).toBe("hanging");
  await world.sim.stop();
  expect(await hanging).toBe("ended");
});

test("faults can be taken back", async () => {
  await using world = await startSim();
  world.sim.fault({ method: "*", times: 100, kind: "error", errorCode: 502, description: "Bad Gateway" });
  expect((await world.call("getMe")).status).toBe(502);
  world.sim.clearFaults();
  expect((await world.call("getMe")).status).toBe(200);
});
