import { expect, test } from "bun:test";
import { systemClock } from "../core/clock.ts";
import { ANN } from "../ops/sim/telegram/test-sim.ts";
import { startBot } from "./front.ts";
import { startFront } from "./test-front.ts";

// Less than Telegram lets a poll wait: one that nobody says anything to has stalled.
const WATCH = { everyMs: 10, stallMs: 300 };

async function start() {
  const it = await startFront(systemClock);
  return {
    ...it,
    startBot: () => startBot(it.front.app, { ...it.settings, watch: WATCH }),
    polls: () => it.sim.calls.filter(({ method }) => method === "getUpdates").length,
    stalls: () => it.lines.filter(({ msg }) => msg === "polling has stalled").length,
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(5);
}

test("a poll that does not end is given up and all is built anew; when that mends nothing, the process is asked to end", async () => {
  await using it = await start();
  it.sim.say({ from: ANN, text: "so that the first poll ends well" });
  const before = it.polls();
  const bot = it.startBot();
  let hasGivenUp = false;
  void bot.gaveUp.then(() => (hasGivenUp = true));
  await until(() => it.sim.pendingUpdates() === 0); // the second poll waits, and nobody says anything
  await until(() => it.stalls() === 1);
  expect(hasGivenUp).toBe(false);
  await bot.gaveUp;
  expect(it.stalls()).toBe(2);
  expect(it.polls() - before).toBe(3);
  await bot.stop();
});

test("a stall that the new start has mended is forgotten", async () => {
  await using it = await start();
  const bot = it.startBot();
  let hasGivenUp = false;
  void bot.gaveUp.then(() => (hasGivenUp = true));
  for (let stall = 1; stall <= 3; stall += 1) {
    it.sim.say({ from: ANN, text: "a poll ends well" });
    await until(() => it.stalls() === stall);
  }
  expect(hasGivenUp).toBe(false);
  await bot.stop();
});

test("a webhook that somebody has set is deleted at the start, and what waits for it is not", async () => {
  await using it = await start();
  it.sim.say({ from: ANN, text: "said to the webhook" });
  await it.call("setWebhook", { url: "https://somewhere.test/hook" });
  const bot = it.startBot();
  await until(() => it.sim.pendingUpdates() === 0);
  expect((await it.call("getWebhookInfo")).body.result).toMatchObject({ url: "" });
  await bot.stop();
  expect(it.lines.filter(({ msg }) => msg === "polling failed")).toEqual([]);
});
