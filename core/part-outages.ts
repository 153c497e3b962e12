import { sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import { inSystem } from "../db/tenant.ts";
import { healthRecipients } from "./accounts/health-alerts.ts";
import { mayAlert, tell } from "./alerts.ts";
import type { App } from "./app.ts";
import { ALERT_BOUNDS } from "./claude/outages.ts";
import { healthReport, JOB_AGE_SECONDS_MAX, type HealthReport } from "./health.ts";
import { holds, type Lease } from "./pipeline/lease.ts";

/** What is watched here. The database has a watch of its own (bot/database-watch.ts), and Claude a monitor. */
type Part = "redis" | "telegram" | "mail" | "disk" | "worker" | "dead_jobs";

type Components = HealthReport["components"];

type Watched = {
  /** Null when nothing can be said about it. */
  readonly isDown: (components: Components) => boolean | null;
  /** What its sentence counts. */
  readonly count: (components: Components) => number;
  /** Whether members notice it: then owners are told as well as the operator. */
  readonly isFelt: boolean;
  /** Whether it looks down for a while after a start, or for the length of one attempt, without being so. */
  readonly isSlow: boolean;
};

const PARTS: Readonly<Record<Part, Watched>> = {
  redis: {
    isDown: ({ redis }) => verdict(redis.state, "degraded"),
    count: () => 0,
    isFelt: false,
    isSlow: false,
  },
  telegram: {
    isDown: ({ telegram }) => verdict(telegram.state, "down"),
    count: ({ telegram }) => Math.floor((telegram.secondsSinceLastPoll ?? 0) / 60),
    isFelt: true,
    isSlow: true,
  },
  mail: {
    isDown: ({ mail }) => verdict(mail.state, "degraded"),
    count: ({ mail }) => mail.waiting ?? 0,
    isFelt: true,
    isSlow: true,
  },
  disk: {
    isDown: ({ disk }) => verdict(disk.state, "low"),
    count: ({ disk }) => disk.freeMegabytes ?? 0,
    isFelt: false,
    isSlow: false,
  },
  worker: {
    isDown: ({ jobs }) => (jobs.state === "unknown" ? null : (jobs.oldestSeconds ?? 0) > JOB_AGE_SECONDS_MAX),
    count: ({ jobs }) => jobs.waiting ?? 0,
    isFelt: false,
    isSlow: false,
  },
  dead_jobs: {
    isDown: ({ jobs }) => (jobs.dead === null ? null : jobs.dead > 0),
    count: ({ jobs }) => jobs.dead ?? 0,
    isFelt: false,
    isSlow: false,
  },
};

/** How often is looked, and when an outage is worth an alert; milliseconds. */
export type PartBounds = {
  readonly everyMs: number;
  /** What is over within this time was a blip, and nobody is told. */
  readonly blipMs: number;
  /** The same for a part that is slow to show how it does. */
  readonly slowMs: number;
  /** The same part is told down at most so often. */
  readonly repeatMs: number;
};

// A poll of Telegram may take half a minute, and so may an attempt at a mail.
const PART_BOUNDS: PartBounds = {
  everyMs: 5_000,
  blipMs: ALERT_BOUNDS.blipMs,
  slowMs: 60_000,
  repeatMs: ALERT_BOUNDS.repeatMs,
};

/**
 * Tells owners and operator when a part does not work, and when it does again:
 * once each, for as long as this process holds the bot's lease. Ends with `signal`.
 */
export async function watchParts(
  app: App,
  lease: Lease,
  options: { signal: AbortSignal; bounds: Partial<PartBounds> },
): Promise<void> {
  const bounds = { ...PART_BOUNDS, ...options.bounds };
  const watch = createPartWatch(app, lease, bounds);
  for (; !options.signal.aborted; await app.clock.sleep(bounds.everyMs, options.signal)) {
    const { components } = await healthReport(app);
    await watch
      .look(components)
      .catch((err: unknown) => app.log.warn({ err }, "how the parts do could not be written down"));
  }
}

/** What `watchParts` remembers between its looks. A restart goes on with what was told, which is in the database. */
export function createPartWatch(app: App, lease: Lease, bounds: PartBounds = PART_BOUNDS) {
  const downSince = new Map<Part, number>();
  const told = new Map<Part, "down" | "back">(); // what an earlier process may have told is not known yet

  async function lookAt(part: Part, components: Components): Promise<void> {
    const { isDown, isSlow } = PARTS[part];
    const now = app.clock.now();
    const down = isDown(components);
    if (down === null) return;
    if (!down) {
      downSince.delete(part);
      if (told.get(part) === "back") return;
      await tellBack(app, lease, part);
      told.set(part, "back");
      return;
    }
    const since = downSince.get(part) ?? now;
    downSince.set(part, since);
    if (told.get(part) === "down" || now - since < (isSlow ? bounds.slowMs : bounds.blipMs)) return;
    const count = PARTS[part].count(components);
    if (await tellDown(app, lease, { part, since, count, repeatMs: bounds.repeatMs })) told.set(part, "down");
  }

  return {
    async look(components: Components): Promise<void> {
      // safe: its keys are the parts
      for (const part of Object.keys(PARTS) as Part[]) await lookAt(part, components);
    },
  };
}

type Down = {
  readonly part: Part;
  readonly since: number;
  readonly count: number;
  readonly repeatMs: number;
};

// Whether it has been told, by us or by an earlier process; false when it was told down too lately to be told again yet.
async function tellDown(app: App, lease: Lease, { part, since, count, repeatMs }: Down): Promise<boolean> {
  return inSystem(app, async (tx) => {
    if (!(await isOurs(tx, lease))) return false;
    if (await isOwed(tx, part)) return true;
    const nowMs = app.clock.now();
    if (!(await mayAlert(tx, { kind: "part_down", subject: part, everyMs: repeatMs, nowMs }))) return false;
    // That it is back is owed from now on; the row's time says since when it was away.
    await mayAlert(tx, { kind: "part_back", subject: part, everyMs: null, nowMs: since });
    await tellOf(tx, app, lease, { kind: "part_down", part, since, params: { part, count } });
    return true;
  });
}

async function tellBack(app: App, lease: Lease, part: Part): Promise<void> {
  await inSystem(app, async (tx) => {
    if (!(await isOurs(tx, lease))) return;
    const [owed] = await tx.execute<{ since: string }>(
      sql`DELETE FROM pipeline.alerts WHERE kind = 'part_back' AND subject = ${part}
        RETURNING extract(epoch FROM told_at) * 1000 AS since`,
    );
    if (owed === undefined) return;
    const since = Math.round(Number(owed.since));
    const params = { part, ...durationOf(app.clock.now() - since) };
    await tellOf(tx, app, lease, { kind: "part_back", part, since, params });
  });
}

async function tellOf(
  tx: Tx,
  app: App,
  lease: Lease,
  alert: {
    kind: "part_down" | "part_back";
    part: Part;
    since: number;
    params: Record<string, string | number>;
  },
): Promise<void> {
  const { kind, part, since, params } = alert;
  const all = await healthRecipients(app);
  const recipients = PARTS[part].isFelt ? all : all.filter(({ isOperator }) => isOperator);
  await tell(tx, lease.botId, recipients, { kind, key: `${part}:${since}`, params: () => params });
}

async function isOurs(tx: Tx, lease: Lease): Promise<boolean> {
  return (await tx.execute(sql`SELECT 1 WHERE ${holds(lease)}`)).length > 0;
}

async function isOwed(tx: Tx, part: Part): Promise<boolean> {
  const rows = await tx.execute(
    sql`SELECT FROM pipeline.alerts WHERE kind = 'part_back' AND subject = ${part}`,
  );
  return rows.length > 0;
}

/** How sentences say for how long something was away. */
export function durationOf(ms: number): { hours: number; minutes: number } {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  return { hours: Math.floor(minutes / 60), minutes: minutes % 60 };
}

function verdict(state: string, down: string): boolean | null {
  if (state === down) return true;
  return state === "ok" ? false : null;
}
