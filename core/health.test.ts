import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { createSql, type Sql } from "../db/client.ts";
import { inSystem } from "../db/tenant.ts";
import { createTestDatabase } from "../db/test-db.ts";
import { createApp, type App } from "./app.ts";
import type { ErrorKind } from "./claude/classify.ts";
import { systemClock } from "./clock.ts";
import { healthReport, isReady } from "./health.ts";
import { createLog } from "./log.ts";
import { testSettings } from "./test-app.ts";

const BOT_ID = 4711;
const LOOKS_MAX = 10_000;
const NOTHING_LISTENS = "postgres://blockbot_app:pw@127.0.0.1:1/none";

test("Telegram is starting until the first poll, then only as well as its last poll", async () => {
  await using database = await createTestDatabase();
  await using it = start(database.databaseUrl);

  expect(await healthReport(it.app)).toMatchObject({
    status: "degraded",
    version: "1.2.3",
    uptimeSeconds: 0,
    components: {
      database: { state: "ok", latencyMs: expect.any(Number) },
      redis: { state: "off", latencyMs: null },
      telegram: { state: "starting", secondsSinceLastPoll: null, botUsername: null },
      inbox: { state: "ok", waiting: 0, oldestSeconds: null, parked: 0 },
      outbox: { state: "ok", waiting: 0, unknown: 0, failed: 0 },
      jobs: { state: "ok", waiting: 0, oldestSeconds: null, dead: 0 },
      mail: { state: "off", waiting: null },
    },
  });

  it.pass(119_999);
  await addBot(it.app, null);
  expect((await healthReport(it.app)).components.telegram).toMatchObject({
    state: "starting",
    botUsername: "block_bot",
  });
  it.pass(1);
  expect(await healthReport(it.app)).toMatchObject({
    status: "down",
    uptimeSeconds: 120,
    components: { telegram: { state: "down", secondsSinceLastPoll: null } },
  });

  await polled(it.app, 0);
  const working = await healthReport(it.app);
  expect(working.status).toBe("ok");
  expect(working.components.telegram).toMatchObject({ state: "ok", botUsername: "block_bot" });

  await polled(it.app, 300);
  const silent = await healthReport(it.app);
  expect(silent).toMatchObject({ status: "down", components: { telegram: { state: "down" } } });
  expect(silent.components.telegram.secondsSinceLastPoll).toBeGreaterThanOrEqual(300);

  // A bot that was replaced says nothing about the one that polls now.
  await inSystem(it.app, (tx) =>
    tx.execute(
      sql`INSERT INTO pipeline.bots (bot_id, username, last_poll_at) VALUES (${BOT_ID + 1}, 'new_bot', now())`,
    ),
  );
  expect((await healthReport(it.app)).components.telegram).toMatchObject({
    state: "ok",
    botUsername: "new_bot",
  });

  await inSystem(it.app, (tx) => tx.execute(sql`UPDATE pipeline.bots SET status = 'revoked'`));
  expect((await healthReport(it.app)).status).toBe("down");
});

test("messages that wait or are late degrade; dealt-with trouble is only counted", async () => {
  await using database = await createTestDatabase();
  await using it = start(database.databaseUrl);
  await addBot(it.app, 0);
  await addUpdates(it.app, [
    { updateId: 1, state: "done", secondsAgo: 500 },
    { updateId: 2, state: "parked", secondsAgo: 400 },
    { updateId: 3, state: "ready", secondsAgo: 5 },
    { updateId: 4, state: "ready", secondsAgo: 0 },
  ]);
  await addOutbox(it.app, [
    { state: "sent", secondsLate: 900 },
    { state: "failed", secondsLate: 900 },
    { state: "queued", secondsLate: 1, maybeSent: 2 },
    { state: "queued", secondsLate: -600 },
    { state: "sending", secondsLate: 2 },
  ]);
  const counted = await healthReport(it.app);
  expect(counted.status).toBe("ok");
  expect(counted.components.inbox).toMatchObject({ state: "ok", waiting: 2, parked: 1 });
  expect(counted.components.outbox).toEqual({ state: "ok", waiting: 3, unknown: 1, failed: 1 });

  await addUpdates(it.app, [{ updateId: 5, state: "ready", secondsAgo: 300 }]);
  const waiting = await healthReport(it.app);
  expect(waiting).toMatchObject({
    status: "degraded",
    components: { inbox: { state: "degraded", waiting: 3 } },
  });
  expect(waiting.components.inbox.oldestSeconds).toBeGreaterThanOrEqual(300);

  await inSystem(it.app, (tx) => tx.execute(sql`UPDATE pipeline.updates SET state = 'done'`));
  expect((await healthReport(it.app)).status).toBe("ok");
  await addOutbox(it.app, [{ state: "queued", secondsLate: 300 }]);
  expect(await healthReport(it.app)).toMatchObject({
    status: "degraded",
    components: { outbox: { state: "degraded" } },
  });
});

test("Claude or Redis away degrades and never takes the program down", async () => {
  await using database = await createTestDatabase();
  await using it = start(database.databaseUrl);
  await addBot(it.app, 0);
  expect((await healthReport(it.app)).components.claude).toEqual({
    state: "unknown",
    kind: null,
    forSeconds: null,
    breaker: "closed",
    retryInSeconds: null,
  });

  ended(it.app, "overloaded");
  it.pass(42_000);
  expect(await healthReport(it.app)).toMatchObject({
    status: "degraded",
    components: { claude: { state: "unavailable", kind: "overloaded", forSeconds: 42, breaker: "closed" } },
  });
  ended(it.app, "rate_limited", 60);
  it.pass(20_000);
  expect(await healthReport(it.app)).toMatchObject({
    status: "degraded",
    components: { claude: { state: "limited", kind: "rate_limited", breaker: "open", retryInSeconds: 40 } },
  });
  it.pass(40_000);
  ended(it.app, null);
  expect(await healthReport(it.app)).toMatchObject({
    status: "ok",
    components: { claude: { state: "ok", kind: null } },
  });

  await using unconnected = start(database.databaseUrl, { apiKey: null });
  expect(await healthReport(unconnected.app)).toMatchObject({
    status: "degraded",
    components: { claude: { state: "not_connected", kind: null, forSeconds: null, breaker: "closed" } },
  });

  await using unlimited = start(database.databaseUrl, { redisUrl: "redis://127.0.0.1:1" });
  expect(await healthReport(unlimited.app)).toMatchObject({
    status: "degraded",
    components: { redis: { state: "degraded", latencyMs: null } },
  });
});

/** One call to Claude, as it ended. */
function ended(app: App, kind: ErrorKind | null, retryAfterSeconds: number | null = null): void {
  const leave = app.claudeHealth.ask(app.claude.credential);
  if ("kind" in leave) throw new Error(`refused: ${leave.kind}`);
  app.claudeHealth.ended(app.claude.credential, leave, { kind, retryAfterSeconds, incident: "inc" });
}

test("background work that nobody takes up, or that was given up since yesterday, degrades", async () => {
  await using database = await createTestDatabase();
  await using it = start(database.databaseUrl);
  const admin = createSql(database.adminUrl, { max: 1 });
  const jobs = async () => (await healthReport(it.app)).components.jobs;
  await admin`INSERT INTO pgboss.job (name, state, start_after, completed_on) VALUES
    ('retention', 'created', now() + interval '1 hour', NULL), ('retention', 'created', now() - interval '4 minutes', NULL),
    ('retention', 'completed', now() - interval '1 day', now()), ('retention', 'failed', now() - interval '3 days', now() - interval '25 hours')`;
  expect(await jobs()).toEqual({ state: "ok", waiting: 1, oldestSeconds: expect.any(Number), dead: 0 });
  await admin`UPDATE pgboss.job SET start_after = start_after - interval '2 minutes' WHERE start_after < now()`;
  expect(await jobs()).toMatchObject({ state: "degraded", waiting: 1 });
  await admin`UPDATE pgboss.job SET state = 'failed', completed_on = now() - interval '23 hours' WHERE state = 'created' AND start_after < now()`;
  expect(await jobs()).toEqual({ state: "degraded", waiting: 0, oldestSeconds: null, dead: 1 });
  await admin.end();
});

test("a database that refuses is down, and the rest is unknown rather than fine", async () => {
  await using it = start(NOTHING_LISTENS);
  expect(await healthReport(it.app)).toMatchObject({
    status: "down",
    components: {
      database: { state: "down", latencyMs: null },
      telegram: { state: "unknown", secondsSinceLastPoll: null, botUsername: null },
      inbox: { state: "unknown", waiting: null, oldestSeconds: null, parked: null },
      outbox: { state: "unknown", waiting: null, unknown: null, failed: null },
      jobs: { state: "unknown", waiting: null, oldestSeconds: null, dead: null },
      mail: { state: "off", waiting: null },
    },
  });
  expect(await isReady(it.app)).toBe(false);
});

test("a database that does not answer is given up on after the named time", async () => {
  await using database = await createTestDatabase();
  await using it = start(database.databaseUrl);
  const admin = createSql(database.adminUrl, { max: 1 });
  const observer = createSql(database.adminUrl, { max: 1 });
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holding = admin.begin(async (tx) => {
    await tx`LOCK TABLE pipeline.bots, drizzle.__drizzle_migrations IN ACCESS EXCLUSIVE MODE`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;

  const waits: number[] = [];
  let timeIsUp = Promise.withResolvers<void>();
  const sleep = (ms: number) => {
    waits.push(ms);
    return timeIsUp.promise;
  };
  const app = { ...it.app, clock: { ...it.app.clock, sleep } };

  const report = healthReport(app);
  await waitingQueries(observer, 1);
  timeIsUp.resolve();
  expect(await report).toMatchObject({ status: "down", components: { database: { state: "down" } } });
  expect(await waitingQueries(observer, 1)).toBe(1); // the report did not wait for it
  expect(Math.max(...waits)).toBe(2_000);

  timeIsUp = Promise.withResolvers<void>();
  const ready = isReady(app);
  await waitingQueries(observer, 2);
  timeIsUp.resolve();
  expect(await ready).toBe(false);
  expect(await waitingQueries(observer, 2)).toBe(2);

  release.resolve();
  await holding;
  await admin.end();
  await observer.end();
  expect((await healthReport(it.app)).components.database.state).toBe("ok");
});

test("a database that lacks a migration is healthy but not ready", async () => {
  await using database = await createTestDatabase();
  await using it = start(database.databaseUrl);
  expect(await isReady(it.app)).toBe(true);

  const admin = createSql(database.adminUrl, { max: 1 });
  await admin`DELETE FROM drizzle.__drizzle_migrations WHERE id = (SELECT max(id) FROM drizzle.__drizzle_migrations)`;
  await admin.end();
  expect(await isReady(it.app)).toBe(false);
  expect((await healthReport(it.app)).components.database.state).toBe("ok");
});

type Given = { apiKey?: string | null; redisUrl?: string };

function start(databaseUrl: string, given: Given = {}) {
  let elapsedMs = 0;
  const startedAt = Date.now();
  const settings = testSettings(databaseUrl);
  const app = createApp(
    {
      ...settings,
      version: "1.2.3",
      redisUrl: given.redisUrl ?? null,
      claude: { ...settings.claude, apiKey: given.apiKey === undefined ? "sk-ant-test-0" : given.apiKey },
    },
    { clock: { ...systemClock, now: () => startedAt + elapsedMs }, log: createLog({ level: "silent" }) },
  );
  return {
    app,
    pass(ms: number) {
      elapsedMs += ms;
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

async function addBot(app: App, polledSecondsAgo: number | null): Promise<void> {
  await inSystem(app, (tx) =>
    tx.execute(sql`INSERT INTO pipeline.bots (bot_id, username) VALUES (${BOT_ID}, 'block_bot')`),
  );
  if (polledSecondsAgo !== null) await polled(app, polledSecondsAgo);
}

async function polled(app: App, secondsAgo: number): Promise<void> {
  await inSystem(app, (tx) => tx.execute(sql`UPDATE pipeline.bots SET last_poll_at = ${ago(secondsAgo)}`));
}

type UpdateRow = { updateId: number; state: "ready" | "done" | "parked"; secondsAgo: number };

async function addUpdates(app: App, rows: readonly UpdateRow[]): Promise<void> {
  const values = rows.map(
    (row) => sql`(${BOT_ID}, ${row.updateId}, '7', false, ${row.state}, ${ago(row.secondsAgo)})`,
  );
  await inSystem(app, (tx) =>
    tx.execute(
      sql`INSERT INTO pipeline.updates (bot_id, update_id, lane, control, state, received_at) VALUES ${sql.join(values, sql`, `)}`,
    ),
  );
}

type OutboxRow = {
  state: "queued" | "sending" | "sent" | "failed";
  secondsLate: number;
  maybeSent?: number;
};

async function addOutbox(app: App, rows: readonly OutboxRow[]): Promise<void> {
  const values = rows.map(
    (row) =>
      sql`(${BOT_ID}, 7, 'final', ${crypto.randomUUID()}, ${row.state}, ${ago(row.secondsLate)}, ${row.maybeSent ?? 0}::int)`,
  );
  await inSystem(app, (tx) =>
    tx.execute(
      sql`INSERT INTO pipeline.outbox (bot_id, chat_id, kind, idempotency_key, state, next_at, maybe_sent) VALUES ${sql.join(values, sql`, `)}`,
    ),
  );
}

/** How many queries wait for a lock, once there are as many as expected or enough looks were taken. */
async function waitingQueries(observer: Sql, expected: number): Promise<number> {
  let waiting = 0;
  for (let look = 0; look < LOOKS_MAX && waiting < expected; look++) {
    const [row] =
      await observer`SELECT count(*)::int AS n FROM pg_locks JOIN pg_database d ON d.oid = database
      WHERE NOT granted AND d.datname = current_database()`;
    waiting = Number(row?.["n"]);
  }
  return waiting;
}

function ago(seconds: number) {
  return sql`clock_timestamp() - make_interval(secs => ${seconds})`;
}
