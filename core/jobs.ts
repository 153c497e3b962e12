import { sql } from "drizzle-orm";
import { fromDrizzle, PgBoss } from "pg-boss";
import { z } from "zod";
import type { Tx } from "../db/client.ts";
import { asOwner } from "../db/migrate.ts";
import type { Log } from "./log.ts";

const SCHEMA = "pgboss";
const JOB_SECONDS_MAX = 300;
const STOP_TIMEOUT_MS = 10_000;
const POLL_SECONDS = 2;
// A worker that was killed says nothing more: after this its job is tried again, by whoever looks next.
const HEARTBEAT_SECONDS = 30;
const SUPERVISE_SECONDS = 10;
const DAY_SECONDS = 86_400;

/** Every kind of background work: how it is tried again (seconds, with backoff), and how many run at once in one process. */
const QUEUES = {
  retention: { retryLimit: 5, retryDelay: 5, retryDelayMax: 300, keptSeconds: 7 * DAY_SECONDS, workers: 1 },
  sign_in: { retryLimit: 3, retryDelay: 30, retryDelayMax: 300, keptSeconds: DAY_SECONDS, workers: 1 },
  report: { retryLimit: 5, retryDelay: 30, retryDelayMax: 600, keptSeconds: 7 * DAY_SECONDS, workers: 1 },
  backup: { retryLimit: 3, retryDelay: 60, retryDelayMax: 600, keptSeconds: 7 * DAY_SECONDS, workers: 1 },
  // Waits out an outage of Claude; tomorrow is another day.
  model: { retryLimit: 6, retryDelay: 300, retryDelayMax: 3_600, keptSeconds: DAY_SECONDS, workers: 1 },
  // The next minute's is its retry.
  refresh: { retryLimit: 0, retryDelay: 5, retryDelayMax: 60, keptSeconds: DAY_SECONDS, workers: 1 },
  // All attempts together end before a sign-in link does.
  mail: { retryLimit: 7, retryDelay: 5, retryDelayMax: 120, keptSeconds: DAY_SECONDS, workers: 3 },
} as const;

export type JobName = keyof typeof QUEUES;

const JOB_NAMES = Object.keys(QUEUES) as JobName[]; // safe: its keys are the names

/** One attempt at a job. */
export type Job = {
  /** The same for every attempt. */
  readonly id: string;
  readonly data: unknown;
  /** What led to it; the job's own id when a schedule asked for it. */
  readonly correlationId: string;
  /** Whether nobody tries again when this attempt fails. */
  readonly isLast: boolean;
};

/** A job as it is asked for, and what asks for it. */
type Asked = { readonly correlationId: string; readonly data?: object };

const storedAsked = z.object({ correlationId: z.string(), data: z.unknown().optional() });

/** What the worker does for each job, and how often by itself (cron, UTC) if it does. */
export type JobTable = Readonly<
  Record<JobName, { readonly cron?: string; readonly run: (job: Job) => Promise<void> }>
>;

/** The job engine under the runtime role: plain reads and writes in a schema that `migrateJobs` made. */
export function createJobs(options: { databaseUrl: string; log: Log }) {
  const { log } = options;
  let boss: PgBoss | null = null;

  async function work(engine: PgBoss, name: JobName, run: (job: Job) => Promise<void>): Promise<void> {
    const settings = {
      pollingIntervalSeconds: POLL_SECONDS,
      notifyPollingIntervalSeconds: POLL_SECONDS,
      localConcurrency: QUEUES[name].workers,
      includeMetadata: true,
    } as const;
    await engine.work(name, settings, async ([job]) => {
      if (job === undefined) return;
      const startedAt = performance.now();
      const { correlationId, data } = askedIn(job.data) ?? { correlationId: job.id, data: null };
      const line = { job: name, jobId: job.id, correlationId };
      try {
        await run({ id: job.id, data, correlationId, isLast: job.retryCount >= job.retryLimit });
        log.info({ ...line, outcome: "ok", ms: Math.round(performance.now() - startedAt) }, "job");
      } catch (err) {
        log.error({ ...line, outcome: "failed", attempt: job.retryCount + 1, err }, "job");
        throw err;
      }
    });
  }

  return {
    /**
     * Asks for a job in the transaction of the change that needs it: both commit
     * or neither does. `data` is stored as it is: seal what must not be read.
     */
    async enqueue(tx: Tx, name: JobName, asked: Asked): Promise<void> {
      if (boss === null) throw new Error("the job engine has not been started");
      await boss.send(name, asked, { db: fromDrizzle(tx, sql) });
    },

    /** Starts the engine; with a table it also works the queues and keeps their schedules. */
    async start(table: JobTable | null): Promise<void> {
      boss = new PgBoss({
        connectionString: options.databaseUrl,
        schema: SCHEMA,
        migrate: false,
        createSchema: false,
        supervise: table !== null,
        schedule: table !== null,
        useListenNotify: table !== null,
        superviseIntervalSeconds: SUPERVISE_SECONDS,
        monitorIntervalSeconds: SUPERVISE_SECONDS,
        max: 4,
      });
      boss.on("error", (err) => log.error({ err }, "job engine"));
      await boss.start();
      if (table === null) return;
      for (const name of JOB_NAMES) {
        const { cron, run } = table[name];
        if (cron !== undefined) await boss.schedule(name, cron);
        await work(boss, name, run);
      }
    },

    /** Lets running jobs finish, at most ten seconds. */
    async stop(): Promise<void> {
      await boss?.stop({ graceful: true, timeout: STOP_TIMEOUT_MS });
      boss = null;
    },
  };
}

export type Jobs = ReturnType<typeof createJobs>;

// Null when a schedule asked, which says nothing.
function askedIn(stored: unknown): { correlationId: string; data: unknown } | null {
  const asked = storedAsked.safeParse(stored);
  return asked.success ? { data: null, ...asked.data } : null;
}

/** Makes or upgrades the engine's schema and queues, under the migrate login. Safe to call at every start. */
export async function migrateJobs(migrateUrl: string): Promise<void> {
  const boss = new PgBoss({
    connectionString: asOwner(migrateUrl),
    schema: SCHEMA,
    supervise: false,
    schedule: false,
    max: 1,
  });
  await boss.start();
  try {
    for (const name of JOB_NAMES) {
      const { retryLimit, retryDelay, retryDelayMax, keptSeconds } = QUEUES[name];
      const settings = {
        retryLimit,
        retryDelay,
        retryBackoff: true,
        retryDelayMax,
        expireInSeconds: JOB_SECONDS_MAX,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        deleteAfterSeconds: keptSeconds,
        notify: true,
      };
      await boss.createQueue(name, settings);
      await boss.updateQueue(name, settings); // of a queue that an earlier version made
    }
  } finally {
    await boss.stop({ graceful: false });
  }
}
