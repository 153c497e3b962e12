import { expect, test } from "bun:test";
import { createClaudeSim } from "../../ops/sim/claude/server.ts";
import { createApp } from "../app.ts";
import { createLog } from "../log.ts";
import { createTestApp, leaseOf, testSettings } from "../test-app.ts";
import { createStoppedClock } from "../test-clock.ts";
import type { ErrorKind } from "./classify.ts";
import { monitorClaude } from "./monitor.ts";

const SECOND = 1_000;
const POLL_MS = 10;

/** A monitor on a clock that stands still, with the simulated Claude, and one team. */
async function start() {
  const sim = await createClaudeSim({});
  const clock = createStoppedClock();
  const it = await createTestApp();
  const settings = testSettings(it.urls.databaseUrl);
  const app = createApp(
    { ...settings, claude: { ...settings.claude, apiKey: "a key", baseUrl: sim.url } },
    { clock, log: createLog({ level: "silent" }) },
  );
  const lease = await leaseOf(app);
  await it.team(1);
  const stop = new AbortController();
  const ended = monitorClaude(app, lease, { signal: stop.signal });
  const { credential } = app.claude;
  return {
    sim,
    stop,
    ended,
    report: () => app.claudeHealth.report(credential),
    pass: (seconds: number) => clock.pass(seconds * SECOND),
    fail(kind: ErrorKind, retryAfterSeconds: number | null = null) {
      const leave = app.claudeHealth.ask(credential);
      if ("kind" in leave) throw new Error("the breaker is open");
      app.claudeHealth.ended(credential, leave, { kind, retryAfterSeconds, incident: `inc-${clock.now()}` });
    },
    alerts: async () =>
      (await it.admin`SELECT payload->>'text' AS text FROM pipeline.outbox ORDER BY id`).map((row) =>
        String(row["text"]),
      ),
    /** Waits for real work, such as a probe, to have been done; the run's own limit ends a wait in vain. */
    async until(holds: () => boolean) {
      while (!holds()) await Bun.sleep(POLL_MS);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      await app.close();
      await it[Symbol.asyncDispose]();
      await sim.stop();
    },
  };
}

test("while all is well Claude is not bothered; in an outage its model is retrieved every 30 s until it is there", async () => {
  await using it = await start();
  await it.pass(3_600);
  expect(it.sim.retrievals()).toBe(0);
  it.sim.setModelReply({ status: 529 });
  for (let n = 0; n < 3; n += 1) it.fail("overloaded");
  await it.pass(1);
  await it.until(() => it.sim.retrievals() === 1);
  await it.pass(29);
  expect(it.sim.retrievals()).toBe(1);
  await it.pass(1);
  // The question that this one would have let down: it is as good as a failed one.
  await it.until(() => it.sim.retrievals() === 2 && it.report().breaker === "open");
  it.sim.setModelReply(null);
  await it.pass(30);
  await it.until(() => it.report().breaker === "closed");
  expect(it.report().state).toBe("ok");
  await it.pass(3_600);
  expect(it.sim.retrievals()).toBe(3);
  expect(it.sim.requests).toEqual([]);
});

test("a rate limit is left alone until it is over, and so is whoever stands in Claude's place", async () => {
  await using it = await start();
  it.fail("rate_limited", 120);
  await it.pass(119);
  expect(it.sim.retrievals()).toBe(0);
  await it.pass(2);
  await it.until(() => it.report().state === "ok");
  it.fail("intercepted");
  await it.pass(299);
  expect(it.sim.retrievals()).toBe(1);
  await it.pass(2);
  await it.until(() => it.report().state === "ok");
  expect(it.sim.retrievals()).toBe(2);
});

test("a single failure is looked into after ten seconds, and forgotten when Claude is there a minute later", async () => {
  await using it = await start();
  it.fail("timeout");
  await it.pass(9);
  expect(it.sim.retrievals()).toBe(0);
  expect(it.report()).toMatchObject({ state: "unavailable", breaker: "closed" });
  await it.pass(1);
  await it.until(() => it.sim.retrievals() === 1);
  expect(it.report().state).toBe("unavailable"); // one failure a moment ago weighs more than one model
  await it.pass(52);
  for (let seconds = 0; it.report().state !== "ok"; seconds += 5) {
    await it.pass(5);
    await Bun.sleep(POLL_MS);
    if (seconds > 60) throw new Error("still in doubt");
  }
  expect(await it.alerts()).toEqual([]);
});

test("it stops at once, also in the middle of a probe", async () => {
  await using it = await start();
  it.sim.setModelReply({ fault: "no_headers" });
  it.fail("auth");
  await it.pass(1);
  await it.until(() => it.sim.retrievals() === 1);
  it.stop.abort();
  await it.ended;
  expect(it.report()).toMatchObject({ kind: "auth", breaker: "open" }); // the probe has told nothing
});

test("a fault of ours is told at most once in ten minutes, an answer that cannot be read once an hour", async () => {
  await using it = await start();
  const told = async (part: string) => (await it.alerts()).filter((text) => text.includes(part)).length;
  const fault = async (kind: ErrorKind, seconds: number) => {
    it.fail(kind);
    await it.pass(seconds);
    return [await told("refused a request of ours"), await told("could not be read")];
  };
  expect(await fault("our_bug", 300)).toEqual([1, 0]);
  expect(await fault("our_bug", 301)).toEqual([1, 0]);
  expect(await fault("our_bug", 1)).toEqual([2, 0]);
  expect(await fault("garbled", 1_800)).toEqual([2, 1]);
  expect(await fault("garbled", 1_801)).toEqual([2, 1]);
  expect(await fault("garbled", 1)).toEqual([2, 2]);
  expect(await fault("too_long", 1)).toEqual([2, 2]);
});
