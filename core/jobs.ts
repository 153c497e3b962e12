import { sql } from "drizzle-orm";
import { fromDrizzle, PgBoss } from "pg-boss";
import type { Tx } from "../db/client.ts";
import { asOwner } from "../db/migrate.ts";
import type { Log } from "./log.ts";

const SCHEMA = "pgboss";
const RETRIES_MAX = 5;
const RETRY_DELAY_SECONDS = 5;
const RETRY_DELAY_SECONDS_MAX = 300;
const JOB_SECONDS_MAX = 300;
const STOP_TIMEOUT_MS = 10_000;
const POLL_SECONDS = 2;

/** Every kind of background work. A queue of the same name is made by `migrateJobs`. */
const JOB_NAMES = ["retention"] as const;
export type JobName = (typeof JOB_NAMES)[number];

/** What the worker does for each job, and how often by itself (cron, UTC). */
export type JobTable = Readonly<Record<JobName, { cron: string; run: () => Promise<void> }>>;

/** The job engine under the runtime role: plain reads and writes in a schema that `migrateJobs` made. */
export function createJobs(options: { databaseUrl: string; log: Log }) {
  const { log } = options;
  let boss: PgBoss | null = null;

  return {
    /** Asks for a job in the transaction of the change that needs it: both commit or neither does. */
    async enqueue(tx: Tx, name: JobName): Promise<void> {
      if (boss === null) throw new Error("the job engine has not been started");
      await boss.send(name, {}, { db: fromDrizzle(tx, sql) });
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
        max: 4,
      });
      boss.on("error", (err) => log.error({ err }, "job engine"));
      await boss.start();
      if (table === null) return;
      for (const name of JOB_NAMES) {
        await boss.schedule(name, table[name].cron);
        await boss.work(name, { pollingIntervalSeconds: POLL_SECONDS }, async ([job]) => {
          const startedAt = performance.now();
          try {
            await table[name].run();
            log.info(
              { job: name, jobId: job?.id, outcome: "ok", ms: Math.round(performance.now() - startedAt) },
              "job",
            );
          } catch (err) {
            log.error({ job: name, jobId: job?.id, outcome: "failed", err }, "job");
            throw err;
          }
        });
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
      await boss.createQueue(name, {
        retryLimit: RETRIES_MAX,
        retryDelay: RETRY_DELAY_SECONDS,
        retryBackoff: true,
        retryDelayMax: RETRY_DELAY_SECONDS_MAX,
        expireInSeconds: JOB_SECONDS_MAX,
      });
    }
  } finally {
    await boss.stop({ graceful: false });
  }
}
