import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inSystem } from "../db/tenant.ts";
import { createTestApp } from "../core/test-app.ts";
import { launchProgram } from "./sim/program.ts";

test("a worker that is killed in the middle of a job leaves it to another one, which does it once", async () => {
  await using it = await createTestApp();
  const folder = mkdtempSync(join(tmpdir(), "blockbot-workers-"));
  const env = {
    DATA_DIR: folder,
    DATABASE_URL: it.urls.databaseUrl,
    TELEGRAM_BOT_TOKEN: "7000000009:SIMULATED_TELEGRAM_TOKEN_of_workers",
    TELEGRAM_API_ROOT: "http://127.0.0.1:1",
    ANTHROPIC_API_KEY: "a-key-that-nobody-uses",
    ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
  };
  await it.app.jobs.start(null);
  const job = async () => {
    const [row] =
      await it.admin`SELECT state::text, retry_count::int AS retries FROM pgboss.job WHERE name = 'retention'`;
    return row;
  };
  const reaches = async (state: string) => {
    while ((await job())?.["state"] !== state) await Bun.sleep(50);
  };
  await using first = launchProgram(env, ["--role", "worker"]);
  await first.ready;

  // The job waits for this lock, and is killed while it does.
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const lock = it.admin.begin(async (tx) => {
    await tx`LOCK TABLE pipeline.claude_outages IN ACCESS EXCLUSIVE MODE`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  await inSystem(it.app, (tx) => it.app.jobs.enqueue(tx, "retention", { correlationId: "a-reference" }));
  await reaches("active");
  await first.end("SIGKILL");
  release.resolve();
  await lock;
  expect(await job()).toEqual({ state: "active", retries: 0 });

  await using second = launchProgram(env, ["--role", "worker"]);
  await using third = launchProgram(env, ["--role", "worker"]);
  await Promise.all([second.ready, third.ready]);
  // What half a minute of silence does.
  await it.admin`UPDATE pgboss.job SET heartbeat_on = heartbeat_on - interval '1 minute' WHERE state = 'active'`;
  await reaches("retry");
  await it.admin`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`;
  await reaches("completed");
  expect(await job()).toEqual({ state: "completed", retries: 1 });
  const lines = (program: { output(): string }) =>
    program
      .output()
      .split("\n")
      .filter((line) => line.includes('"job":"retention"'));
  expect(
    [...lines(first), ...lines(second), ...lines(third)].map((line) => {
      const { outcome, correlationId } = JSON.parse(line);
      return { outcome, correlationId };
    }),
  ).toEqual([{ outcome: "ok", correlationId: "a-reference" }]);
  for (const worker of [second, third]) expect(await worker.end("SIGINT")).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});
