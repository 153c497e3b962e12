import { expect, test } from "bun:test";
import { setHealthAlerts } from "./accounts/health-alerts.ts";
import { healthReport, type HealthReport } from "./health.ts";
import { createPartWatch } from "./part-outages.ts";
import { createTestApp, leaseOf, refusalOf, type TestApp } from "./test-app.ts";

type Components = HealthReport["components"];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const OK: Components = {
  database: { state: "ok", latencyMs: 1 },
  redis: { state: "ok", latencyMs: 1 },
  telegram: { state: "ok", secondsSinceLastPoll: 1, botUsername: "block_bot" },
  claude: { state: "ok", kind: null, forSeconds: null, breaker: "closed", retryInSeconds: null },
  inbox: { state: "ok", waiting: 0, oldestSeconds: null, parked: 0 },
  outbox: { state: "ok", waiting: 0, unknown: 0, failed: 0 },
  jobs: { state: "ok", waiting: 0, oldestSeconds: null, dead: 0 },
  mail: { state: "ok", waiting: 0 },
  disk: { state: "ok", freeMegabytes: 9_000 },
};
const DOWN: Partial<Components>[] = [
  { redis: { state: "degraded", latencyMs: null } },
  { telegram: { state: "down", secondsSinceLastPoll: 185, botUsername: "block_bot" } },
  { mail: { state: "degraded", waiting: 2 } },
  { disk: { state: "low", freeMegabytes: 512 } },
  { jobs: { state: "degraded", waiting: 4, oldestSeconds: 301, dead: 0 } },
  { jobs: { state: "degraded", waiting: 0, oldestSeconds: null, dead: 3 } },
];
const NO_REDIS = DOWN[0];

/** What was told since the last look, as `chat: text`. */
async function alerts(it: TestApp): Promise<string[]> {
  const rows = await it.admin`DELETE FROM pipeline.outbox WHERE idempotency_key LIKE 'alert:%'
    RETURNING chat_id, payload->>'text' AS text`;
  return rows.map((row) => `${row["chat_id"]}: ${row["text"]}`).toSorted();
}

test("each part is told down once and back once, with how long; what people do not notice to the operator alone", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await it.team(1);
  await it.team(2);
  const watch = createPartWatch(it.app, lease);
  await watch.look(OK);
  const down: string[] = [];
  const back: string[] = [];
  for (const part of DOWN) {
    for (let passed = 0; passed < 90; passed += 5) {
      await watch.look({ ...OK, ...part });
      it.pass(5 * SECOND);
    }
    down.push(...(await alerts(it)));
    await watch.look(OK);
    await watch.look(OK);
    back.push(...(await alerts(it)));
  }
  expect(down).toEqual([
    expect.stringMatching(/^1: Redis does not answer/),
    expect.stringMatching(/^1: No fetch of messages from Telegram has succeeded for 3 min/),
    expect.stringMatching(/^2: No fetch of messages/),
    expect.stringMatching(/^1: Mail does not go out/),
    expect.stringMatching(/^2: Mail does not go out/),
    expect.stringMatching(/^1: The disk is nearly full: 512 MB are left/),
    expect.stringMatching(/^1: Background work waits and nobody does it \(4\)/),
    expect.stringMatching(/^1: 3 pieces of background work were given up/),
  ]);
  expect(back).toEqual([
    "1: Redis answers again. It had been otherwise for 1 min.",
    "1: Messages are being fetched from Telegram again. It had been otherwise for 1 min.",
    "2: Messages are being fetched from Telegram again. It had been otherwise for 1 min.",
    "1: No mail waits to be tried again any more. It had been otherwise for 1 min.",
    "2: No mail waits to be tried again any more. It had been otherwise for 1 min.",
    "1: The disk has room again. It had been otherwise for 1 min.",
    "1: Background work is being done again. It had been otherwise for 1 min.",
    "1: No background work has been given up for a day. It had been otherwise for 1 min.",
  ]);
});

test("a blip is told to nobody, what comes and goes once in ten minutes, and a restart in the middle tells nothing twice", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await it.team(1);
  const first = createPartWatch(it.app, lease);
  const away = { ...OK, ...NO_REDIS };
  const look = async (watch: typeof first, components: Components, ms: number) => {
    await watch.look(components);
    it.pass(ms);
    await watch.look(components);
  };
  await look(first, away, 9 * SECOND);
  await look(first, OK, SECOND);
  expect(await alerts(it)).toEqual([]);
  await look(first, away, 10 * SECOND);
  expect(await alerts(it)).toHaveLength(1);

  // What cannot be read meanwhile says nothing.
  await look(first, { ...OK, redis: { state: "off", latencyMs: null } }, MINUTE);
  const second = createPartWatch(it.app, lease);
  await look(second, away, MINUTE);
  expect(await alerts(it)).toEqual([]);
  const third = createPartWatch(it.app, lease);
  await look(third, OK, SECOND);
  expect(await alerts(it)).toEqual(["1: Redis answers again. It had been otherwise for 2 min."]);

  await look(third, away, MINUTE);
  await look(third, OK, SECOND);
  expect(await alerts(it)).toEqual([]);
  await look(third, away, 8 * MINUTE);
  expect(await alerts(it)).toEqual([expect.stringContaining("Redis does not answer")]);
});

test("an owner who wants no alerts gets none, a configured operator always does, and whoever lost the lease tells nothing", async () => {
  await using it = await createTestApp({ operatorChatIds: [77] });
  const lease = await leaseOf(it.app);
  const [owner, second] = [await it.team(1), await it.team(2)];
  const admin = await it.member(owner, 3, "admin");
  await setHealthAlerts(owner, false);
  expect(await refusalOf(setHealthAlerts(admin, true))).toBe("not_allowed");
  expect(await refusalOf(setHealthAlerts({ ...owner, actor: second.actor }, true))).toBe("not_member");
  const away = { ...OK, ...NO_REDIS, mail: { state: "degraded", waiting: 1 } } as const;
  const tellAll = async () => {
    const watch = createPartWatch(it.app, lease);
    await watch.look(away);
    it.pass(MINUTE);
    await watch.look(away);
    const told = await alerts(it);
    await watch.look(OK);
    await alerts(it);
    it.pass(10 * MINUTE);
    return told.map((line) => line.split(" ", 2).join(" "));
  };
  expect(await tellAll()).toEqual(["2: Mail", "77: Mail", "77: Redis"]);
  await setHealthAlerts(owner, true);
  expect(await tellAll()).toEqual(["1: Mail", "2: Mail", "77: Mail", "77: Redis"]);
  const log = await it.admin`SELECT action, outcome FROM app.audit_log ORDER BY seq`;
  expect([...log]).toEqual([
    { action: "account.alerts", outcome: "muted" },
    { action: "account.alerts", outcome: "ok" },
  ]);
  await leaseOf(it.app);
  expect(await tellAll()).toEqual([]);
});

test("the health report knows a disk that is nearly full, as a warning", async () => {
  await using it = await createTestApp({ disk: { folder: "/", freeBytesMin: Number.MAX_SAFE_INTEGER } });
  const { status, components } = await healthReport(it.app);
  expect(components.disk).toEqual({ state: "low", freeMegabytes: expect.any(Number) });
  expect(status).toBe("degraded");
  await using roomy = await createTestApp({ disk: { folder: "/a folder/that is not there yet" } });
  expect((await healthReport(roomy.app)).components.disk.freeMegabytes).toBeGreaterThan(0);
});
