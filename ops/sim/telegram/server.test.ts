import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANN, FORUM, startSim } from "./test-sim.ts";

test("everything survives a restart and no id is given twice", async () => {
  const folder = await mkdtemp(join(tmpdir(), "telegram-sim-"));
  const statePath = join(folder, "state.sqlite");
  try {
    const first = await startSim({ statePath });
    first.sim.say({ from: ANN, text: "hello" });
    const bytes = new Uint8Array([1, 2, 3]);
    first.sim.sendFile({ from: ANN, kind: "document", name: "a.bin", mime: "application/x", bytes });
    await first.call("sendMessage", { chat_id: ANN, text: "to delete" });
    await first.call("deleteMessage", { chat_id: ANN, message_id: 3 });
    await first.call("setMyCommands", { commands: [{ command: "help", description: "Help" }] });
    await first.call("getUpdates", { allowed_updates: ["message"] });
    const before = {
      messages: first.sim.messages(ANN),
      topics: first.sim.topics(FORUM),
      commands: first.sim.commands(),
    };
    const lastUpdate = Number((await first.call("getUpdates", { offset: -1 })).body.result[0]?.["update_id"]);
    await first.sim.stop();

    await using second = await startSim({ statePath });
    const { sim } = second;
    expect({ messages: sim.messages(ANN), topics: sim.topics(FORUM), commands: sim.commands() }).toEqual(
      before,
    );
    expect((await second.call("getWebhookInfo")).body.result).toMatchObject({ allowed_updates: ["message"] });
    const file = sim.messages(ANN).at(-1)?.file;
    expect(await (await fetch(sim.url + file?.url)).bytes()).toEqual(bytes);
    expect(sim.say({ from: ANN, text: "again" })).toBe(4);
    const [pending, next] = (await second.call("getUpdates")).body.result;
    expect(Number(pending?.["update_id"])).toBe(lastUpdate);
    expect(Number(next?.["update_id"])).toBe(lastUpdate + 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("stopping ends the waiting polls and event streams", async () => {
  const world = await startSim();
  const poll = world.call("getUpdates", { timeout: 50, offset: 1 }).then(
    () => "ended",
    () => "ended",
  );
  const events = await fetch(`${world.sim.url}/sim/events`);
  const stream = events.text().then(
    () => "ended",
    () => "ended",
  );
  await Bun.sleep(20);
  await world.sim.stop();
  expect(await Promise.all([poll, stream])).toEqual(["ended", "ended"]);
});

test("waiting looks again after every change and otherwise tells what the bot called", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const heard = world.sim.waitFor(() => world.sim.messages(ANN).find(({ text }) => text === "answer"));
  await world.call("sendMessage", { chat_id: ANN, text: "answer" });
  expect((await heard).fromBot).toBe(true);
  const failure = (waited: Promise<unknown>) => waited.then(String, (err: Error) => err.message);
  const missing = await failure(world.sim.waitFor(() => null, 10));
  expect(missing).toMatch(/within 10 ms[\s\S]*sendMessage .*"answer".* ok/);
  const broken = world.sim.waitFor(() => {
    throw new Error("a mistake in the test");
  });
  expect(await failure(broken)).toBe("a mistake in the test");
});
