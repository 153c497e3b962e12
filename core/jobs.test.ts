import { expect, test } from "bun:test";
import { inSystem } from "../db/tenant.ts";
import type { Job, JobTable } from "./jobs.ts";
import { createTestApp, type TestApp } from "./test-app.ts";

const YEARLY = "0 0 1 1 *"; // not while a test runs

async function jobsIn(it: TestApp): Promise<{ name: string; state: string }[]> {
  const rows =
    await it.admin`SELECT name, state::text FROM pgboss.job WHERE name = 'retention' ORDER BY created_on`;
  return rows.map((row) => ({ name: String(row["name"]), state: String(row["state"]) }));
}

/** Looks until a job of this state is there; the run's own time limit ends a wait in vain. */
async function untilState(it: TestApp, state: string): Promise<void> {
  while (!(await jobsIn(it)).some((job) => job.state === state)) await Bun.sleep(50);
}

function working(run: (job: Job) => Promise<void>): JobTable {
  return {
    retention: { cron: YEARLY, run },
    sign_in: { run },
    report: { run },
    backup: { run },
    model: { run },
    refresh: { run },
    mail: { run },
  };
}

test("a job is asked for in the transaction of its change: it commits with it or not at all", async () => {
  await using it = await createTestApp();
  const { app } = it;
  await expect(
    inSystem(app, (tx) => app.jobs.enqueue(tx, "retention", { correlationId: "a-reference" })),
  ).rejects.toThrow("not been started");
  await app.jobs.start(null);
  const undone = inSystem(app, async (tx) => {
    await app.jobs.enqueue(tx, "retention", { correlationId: "a-reference" });
    throw new Error("changed my mind");
  });
  await expect(undone).rejects.toThrow("changed my mind");
  expect(await jobsIn(it)).toEqual([]);
  await inSystem(app, async (tx) => {
    await app.jobs.enqueue(tx, "retention", { correlationId: "a-reference" });
    expect(await jobsIn(it)).toEqual([]); // nobody else sees it before the commit
  });
  expect(await jobsIn(it)).toEqual([{ name: "retention", state: "created" }]);
});

test("a job runs under the runtime role, and one that fails waits to be tried again", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const ran = Promise.withResolvers<void>();
  let runs = 0;
  await app.jobs.start(
    working(async ({ data, correlationId }) => {
      expect([data, correlationId]).toEqual([null, "a-reference"]);
      runs += 1;
      if (runs === 1) throw new Error("the first time fails");
      ran.resolve();
    }),
  );
  await inSystem(app, (tx) => app.jobs.enqueue(tx, "retention", { correlationId: "a-reference" }));
  await untilState(it, "retry");
  const roles = await it.admin`SELECT DISTINCT usename::text AS name FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename <> current_user`;
  expect([...roles]).toEqual([{ name: "blockbot_app" }]);
  await it.admin`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`;
  await ran.promise;
  await untilState(it, "completed");
  expect(runs).toBe(2);
  const schedules = await it.admin`SELECT name, cron FROM pgboss.schedule`;
  expect([...schedules]).toEqual([{ name: "retention", cron: YEARLY }]);
});

test("stopping lets a running job finish", async () => {
  await using it = await createTestApp();
  const { app } = it;
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let finished = false;
  await app.jobs.start(
    working(async () => {
      started.resolve();
      await release.promise;
      finished = true;
    }),
  );
  await inSystem(app, (tx) => app.jobs.enqueue(tx, "retention", { correlationId: "a-reference" }));
  await started.promise;
  const stopped = app.jobs.stop();
  release.resolve();
  await stopped;
  expect(finished).toBe(true);
  expect(await jobsIn(it)).toEqual([{ name: "retention", state: "completed" }]);
});

test("of several workers at once each job is done by one", async () => {
  await using it = await createTestApp();
  const others = [it.another(), it.another()];
  const done: string[] = [];
  const workers = new Set<number>();
  for (const [worker, app] of [it.app, ...others].entries())
    await app.jobs.start(
      working(async ({ data }) => {
        workers.add(worker);
        done.push(JSON.stringify(data));
        await Bun.sleep(20);
      }),
    );
  const wanted = Array.from({ length: 20 }, (_, index) => ({ index }));
  await inSystem(it.app, async (tx) => {
    for (const data of wanted) await it.app.jobs.enqueue(tx, "mail", { correlationId: "a-reference", data });
  });
  while (done.length < wanted.length) await Bun.sleep(20);
  await Promise.all([it.app, ...others].map((app) => app.jobs.stop()));
  expect(done.toSorted()).toEqual(wanted.map((data) => JSON.stringify(data)).toSorted());
  expect(workers.size).toBeGreaterThan(1);
  for (const app of others) await app.close();
});
