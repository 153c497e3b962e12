import { sql } from "drizzle-orm";
import { missingMigrations } from "../db/migrate.ts";
import { inSystem } from "../db/tenant.ts";
import type { App } from "./app.ts";
import type { Outage } from "./claude/breaker.ts";
import type { ErrorKind } from "./claude/classify.ts";
import { reportOf } from "./claude/health.ts";
import { DISK_FREE_BYTES_MIN, freeBytesAt } from "./disk.ts";

/** Ages and waits in whole seconds, latencies in whole milliseconds; `null` where nothing is known. */
export type HealthReport = {
  status: "ok" | "degraded" | "down";
  version: string;
  uptimeSeconds: number;
  components: {
    database: { state: "ok" | "down"; latencyMs: number | null };
    redis: { state: "ok" | "degraded" | "off"; latencyMs: number | null };
    telegram: {
      state: "ok" | "starting" | "down" | "unknown";
      secondsSinceLastPoll: number | null;
      botUsername: string | null;
    };
    claude: {
      state: "ok" | "unknown" | "unavailable" | "limited" | "not_connected";
      kind: string | null;
      forSeconds: number | null;
      breaker: "closed" | "open" | "half_open";
      /** Until the next question is let through. */
      retryInSeconds: number | null;
    };
    inbox: {
      state: "ok" | "degraded" | "unknown";
      waiting: number | null;
      oldestSeconds: number | null;
      parked: number | null;
    };
    outbox: {
      state: "ok" | "degraded" | "unknown";
      waiting: number | null;
      unknown: number | null;
      failed: number | null;
    };
    jobs: {
      state: "ok" | "degraded" | "unknown";
      /** Due, and taken by no worker yet. */
      waiting: number | null;
      oldestSeconds: number | null;
      /** Given up within a day, after every attempt had failed. */
      dead: number | null;
    };
    mail: {
      state: "ok" | "degraded" | "off" | "unknown";
      waiting: number | null;
    };
    /** Where files are kept, and mostly the database as well. */
    disk: {
      state: "ok" | "low" | "unknown";
      freeMegabytes: number | null;
    };
  };
};

const DATABASE_TIMEOUT_MS = 2_000;
const REDIS_TIMEOUT_MS = 500;
const DISK_TIMEOUT_MS = 500;
const POLL_AGE_SECONDS_MAX = 120;
const STARTING_SECONDS_MAX = 120;
const INBOX_AGE_SECONDS_MAX = 60;
const OUTBOX_LATE_SECONDS_MAX = 60;
const MAIL_AGE_SECONDS_MAX = 60;
export const JOB_AGE_SECONDS_MAX = 300;
const DEAD_HOURS = 24;

/**
 * How every part does, within the database's timeout at most: what does not answer by
 * then is down, and nothing is thrown. Telegram counts as down when no poll
 * completed for two minutes; Claude away only degrades, since everything else goes on.
 */
export async function healthReport(app: App): Promise<HealthReport> {
  const [pipeline, redis, disk] = await Promise.all([pipelineOf(app), redisOf(app), diskOf(app)]);
  const uptimeSeconds = secondsBetween(app.startedAt, app.clock.now());
  const components: HealthReport["components"] = {
    database: { state: pipeline === null ? "down" : "ok", latencyMs: pipeline?.latencyMs ?? null },
    redis,
    telegram: telegramOf(pipeline, uptimeSeconds),
    claude: claudeOf(app, pipeline),
    inbox: inboxOf(pipeline),
    outbox: outboxOf(pipeline),
    jobs: jobsOf(pipeline),
    mail: mailOf(app, pipeline),
    disk,
  };
  return { status: statusOf(components), version: app.version, uptimeSeconds, components };
}

/** Whether requests can be served: the database answers in time and lacks no migration of this build. */
export async function isReady(app: App): Promise<boolean> {
  const missing = await withinOrNull(app, DATABASE_TIMEOUT_MS, "readiness", () => missingMigrations(app));
  return missing === 0;
}

type PipelineRow = {
  username: string | null;
  revoked: boolean | null;
  poll_age: number | null;
  inbox_waiting: number;
  inbox_oldest: number | null;
  inbox_parked: number;
  outbox_waiting: number;
  outbox_late: number | null;
  outbox_unknown: number;
  outbox_failed: number;
  claude_kind: ErrorKind | null;
  claude_since: number | null;
  claude_until: number | null;
  jobs_waiting: number;
  jobs_oldest: number | null;
  jobs_dead: number;
  mail_waiting: number;
  mail_retried: number;
  mail_oldest: number | null;
};

type Pipeline = PipelineRow & { latencyMs: number };

// The outage is the one that the bot's process has written down, for processes that ask nothing themselves.
// Each count has a partial index or a table that retention keeps small. A bot that was replaced polls no more: the latest one counts.
const pipelineQuery = (credential: string) => sql`
  SELECT bot.username, bot.revoked, bot.poll_age, ready.*, outbox.*, claude.*, mail.*, jobs.*,
    (SELECT count(*)::int FROM pipeline.updates WHERE state = 'parked') AS inbox_parked,
    (SELECT count(*)::int FROM pipeline.outbox WHERE state = 'failed') AS outbox_failed
  FROM
    (SELECT count(*)::int AS inbox_waiting,
       extract(epoch FROM clock_timestamp() - min(received_at))::float8 AS inbox_oldest
     FROM pipeline.updates WHERE state = 'ready') AS ready,
    (SELECT count(*)::int AS outbox_waiting,
       count(*) FILTER (WHERE maybe_sent > 0)::int AS outbox_unknown,
       extract(epoch FROM clock_timestamp() - min(next_at))::float8 AS outbox_late
     FROM pipeline.outbox WHERE state IN ('queued', 'sending', 'unknown')) AS outbox,
    (SELECT count(*) FILTER (WHERE state < 'active')::int AS mail_waiting,
       count(*) FILTER (WHERE retry_count > 0 OR state = 'retry')::int AS mail_retried,
       extract(epoch FROM clock_timestamp() - min(created_on) FILTER (WHERE state < 'active'))::float8 AS mail_oldest
     FROM pgboss.job WHERE name = 'mail' AND state <= 'active') AS mail,
    (SELECT count(*) FILTER (WHERE state < 'active')::int AS jobs_waiting,
       extract(epoch FROM clock_timestamp() - min(start_after) FILTER (WHERE state < 'active'))::float8 AS jobs_oldest,
       count(*) FILTER (WHERE state = 'failed')::int AS jobs_dead
     FROM pgboss.job WHERE (state < 'active' AND start_after <= clock_timestamp())
       OR (state = 'failed' AND completed_on > clock_timestamp() - ${DEAD_HOURS} * interval '1 hour')) AS jobs
    LEFT JOIN
    (SELECT username, status = 'revoked' AS revoked,
       extract(epoch FROM clock_timestamp() - last_poll_at)::float8 AS poll_age
     FROM pipeline.bots ORDER BY last_poll_at DESC NULLS LAST LIMIT 1) AS bot ON true
    LEFT JOIN
    (SELECT kind AS claude_kind, extract(epoch FROM began_at)::float8 * 1000 AS claude_since,
       extract(epoch FROM open_until)::float8 * 1000 AS claude_until
     FROM pipeline.claude_outages WHERE credential = ${credential} AND ended_at IS NULL) AS claude ON true`;

async function pipelineOf(app: App): Promise<Pipeline | null> {
  return withinOrNull(app, DATABASE_TIMEOUT_MS, "database", async () => {
    const startedAt = performance.now();
    const [row] = await inSystem(app, (tx) => tx.execute<PipelineRow>(pipelineQuery(app.claude.credential)));
    if (row === undefined) throw new Error("the query for the pipeline's numbers gave no row");
    return { ...row, latencyMs: Math.round(performance.now() - startedAt) };
  });
}

async function redisOf(app: App): Promise<HealthReport["components"]["redis"]> {
  const latencyMs = await withinOrNull(app, REDIS_TIMEOUT_MS, "redis", () => app.limits.ping());
  const state = app.limits.state(); // read after the ping, which may have changed it
  return { state, latencyMs: latencyMs === null ? null : Math.round(latencyMs) };
}

async function diskOf(app: App): Promise<HealthReport["components"]["disk"]> {
  const { folder, freeBytesMin = DISK_FREE_BYTES_MIN } = app.disk;
  const free = await withinOrNull(app, DISK_TIMEOUT_MS, "disk", () => freeBytesAt(folder));
  if (free === null) return { state: "unknown", freeMegabytes: null };
  return { state: free < freeBytesMin ? "low" : "ok", freeMegabytes: Math.floor(free / 1e6) };
}

function telegramOf(
  pipeline: Pipeline | null,
  uptimeSeconds: number,
): HealthReport["components"]["telegram"] {
  if (pipeline === null) return { state: "unknown", secondsSinceLastPoll: null, botUsername: null };
  const age = pipeline.poll_age;
  const known = { secondsSinceLastPoll: wholeSeconds(age), botUsername: pipeline.username };
  if (pipeline.revoked === true) return { state: "down", ...known };
  if (age === null) return { state: uptimeSeconds < STARTING_SECONDS_MAX ? "starting" : "down", ...known };
  return { state: age > POLL_AGE_SECONDS_MAX ? "down" : "ok", ...known };
}

// What this process met itself is the newest there is; one that asks nothing knows what was written down.
function claudeOf(app: App, pipeline: Pipeline | null): HealthReport["components"]["claude"] {
  const now = app.clock.now();
  const own = app.claudeHealth.report(app.claude.credential);
  const known = own.state === "unknown" && pipeline !== null ? outageIn(pipeline) : null;
  const { state, kind, sinceMs, untilMs, breaker } = known === null ? own : reportOf(known, now);
  return {
    state: app.claude.connected ? state : "not_connected",
    kind,
    forSeconds: sinceMs === null ? null : secondsBetween(sinceMs, now),
    breaker,
    retryInSeconds: untilMs === null ? null : secondsBetween(now, untilMs),
  };
}

function outageIn({ claude_kind: kind, claude_since: since, claude_until: until }: Pipeline): Outage | null {
  return kind === null || since === null || until === null ? null : { kind, since, until };
}

function inboxOf(pipeline: Pipeline | null): HealthReport["components"]["inbox"] {
  if (pipeline === null) return { state: "unknown", waiting: null, oldestSeconds: null, parked: null };
  return {
    state: (pipeline.inbox_oldest ?? 0) > INBOX_AGE_SECONDS_MAX ? "degraded" : "ok",
    waiting: pipeline.inbox_waiting,
    oldestSeconds: wholeSeconds(pipeline.inbox_oldest),
    parked: pipeline.inbox_parked,
  };
}

// Refused and uncertain messages were dealt with when they happened; only messages that should be out by now mean trouble.
function outboxOf(pipeline: Pipeline | null): HealthReport["components"]["outbox"] {
  if (pipeline === null) return { state: "unknown", waiting: null, unknown: null, failed: null };
  return {
    state: (pipeline.outbox_late ?? 0) > OUTBOX_LATE_SECONDS_MAX ? "degraded" : "ok",
    waiting: pipeline.outbox_waiting,
    unknown: pipeline.outbox_unknown,
    failed: pipeline.outbox_failed,
  };
}

// A job that is due and waits means that no worker runs; one that was given up is looked into by a person.
function jobsOf(pipeline: Pipeline | null): HealthReport["components"]["jobs"] {
  if (pipeline === null) return { state: "unknown", waiting: null, oldestSeconds: null, dead: null };
  const { jobs_waiting: waiting, jobs_oldest: oldest, jobs_dead: dead } = pipeline;
  const isLate = (oldest ?? 0) > JOB_AGE_SECONDS_MAX;
  return {
    state: isLate || dead > 0 ? "degraded" : "ok",
    waiting,
    oldestSeconds: wholeSeconds(oldest),
    dead,
  };
}

// A mail that waits to be tried again, or is, was refused a moment ago: so every process knows, not only the one that sent it.
function mailOf(app: App, pipeline: Pipeline | null): HealthReport["components"]["mail"] {
  if (!app.mail.connected) return { state: "off", waiting: null };
  if (pipeline === null) return { state: "unknown", waiting: null };
  const isLate = pipeline.mail_retried > 0 || (pipeline.mail_oldest ?? 0) > MAIL_AGE_SECONDS_MAX;
  return { state: isLate ? "degraded" : "ok", waiting: pipeline.mail_waiting };
}

function statusOf(components: HealthReport["components"]): HealthReport["status"] {
  const { database, redis, telegram, claude, inbox, outbox, jobs, mail, disk } = components;
  if (database.state === "down" || telegram.state === "down") return "down";
  const isWhole =
    telegram.state === "ok" &&
    redis.state !== "degraded" &&
    (claude.state === "ok" || claude.state === "unknown") &&
    inbox.state === "ok" &&
    outbox.state === "ok" &&
    jobs.state === "ok" &&
    (mail.state === "ok" || mail.state === "off") &&
    disk.state !== "low";
  return isWhole ? "ok" : "degraded";
}

/** The result of `work`, or `null` when it failed or took longer; a late result is dropped. */
async function withinOrNull<T>(
  app: App,
  timeoutMs: number,
  part: string,
  work: () => Promise<T>,
): Promise<T | null> {
  const finished = new AbortController();
  const timeout = app.clock.sleep(timeoutMs, finished.signal).then(() => {
    if (!finished.signal.aborted) app.log.warn({ part, timeoutMs }, "health check timed out");
    return null;
  });
  try {
    return await Promise.race([work(), timeout]);
  } catch (err) {
    app.log.warn({ part, err }, "health check failed");
    return null;
  } finally {
    finished.abort();
  }
}

function wholeSeconds(seconds: number | null): number | null {
  return seconds === null ? null : Math.max(0, Math.round(seconds));
}

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor((toMs - fromMs) / 1000));
}
