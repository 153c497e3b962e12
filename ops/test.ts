import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateJobs } from "../core/jobs.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../db/embedded.ts";
import { migrate } from "../db/migrate.ts";
import { prepareDatabase } from "./postgres/prepare.ts";

type Counts = { passed: number; failed: number; skipped: number };

const TEST_TIMEOUT_MS = 30_000;
const TEMPLATE = "blockbot_template";
// More than Bun's default of 256: long polls of the simulated Telegram are held open on purpose.
const HTTP_REQUESTS_MAX = 4000;
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "CI"];
const SUMMARY_CHARACTERS = 20_000;
const KILL_AFTER_MS = 5_000;
const OUTPUT_AFTER_END_MS = 2_000;

/** `npm test`: one Postgres server for the run, then `bun test` with the arguments given. */
async function main(args: string[]): Promise<Counts> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.abort());
  const folder = mkdtempSync(join(tmpdir(), "blockbot-test-"));
  chmodSync(folder, 0o755); // started as root, the server runs as a user who must get in
  let server: EmbeddedPostgres | undefined;
  try {
    server = await startEmbeddedPostgres({ dataDir: folder, durable: false });
    const address = await makeTemplate(server);
    if (ending.signal.aborted) return { passed: 0, failed: 1, skipped: 0 };
    return await runTests(args, testEnvironment(address), ending.signal);
  } finally {
    await server?.stop();
    if (server !== undefined) rmSync(server.folder, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

async function makeTemplate(server: EmbeddedPostgres): Promise<string> {
  const address = new URL(server.adminUrl);
  const password = decodeURIComponent(address.password);
  await prepareDatabase({
    adminUrl: server.adminUrl,
    database: TEMPLATE,
    passwords: { app: password, migrate: password, backup: password },
  });
  const migrateUrl = server.url({ user: "blockbot_migrate", password }, TEMPLATE);
  await migrate({ migrateUrl });
  await migrateJobs(migrateUrl);
  address.searchParams.set("template", TEMPLATE);
  return address.toString();
}

function testEnvironment(address: string): Record<string, string> {
  const environment: Record<string, string> = {
    TEST_POSTGRES_URL: address,
    BUN_CONFIG_MAX_HTTP_REQUESTS: String(HTTP_REQUESTS_MAX),
  };
  for (const name of PASSED_ON) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  const redis = Bun.which("redis-server");
  if (redis !== null) environment["TEST_REDIS_SERVER"] = redis;
  return environment;
}

async function runTests(args: string[], env: Record<string, string>, signal: AbortSignal): Promise<Counts> {
  const command = ["--no-env-file", "test", `--timeout=${TEST_TIMEOUT_MS}`, ...args];
  const tests = spawn(process.execPath, command, { env, stdio: ["ignore", "inherit", "pipe"] });
  signal.addEventListener("abort", () => {
    tests.kill("SIGTERM");
    setTimeout(() => tests.kill("SIGKILL"), KILL_AFTER_MS).unref(); // a test may have taken SIGTERM for itself
  });
  let said = "";
  tests.stderr.on("data", (chunk: Buffer) => {
    process.stderr.write(chunk);
    said = (said + chunk.toString("utf8")).slice(-SUMMARY_CHARACTERS);
  });
  const code = await ended(tests);
  return countsOf(said, code);
}

function ended(child: ChildProcess): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", resolve); // after the last of its output; null when a signal ended it
  // A process that a test left behind may hold the output open for ever.
  child.once("exit", (code) => {
    setTimeout(() => {
      child.stderr?.destroy();
      resolve(code);
    }, OUTPUT_AFTER_END_MS).unref();
  });
  return promise;
}

// Only the summary knows of files that could not be loaded: the JUnit report leaves them out.
function countsOf(said: string, code: number | null): Counts {
  const summary = Bun.stripANSI(said).match(/(?:^ \d+ .+\n)+Ran \d+ tests? across .+\s*$/m)?.[0] ?? "";
  const count = (what: string) => Number(summary.match(new RegExp(`^ (\\d+) ${what}\\b`, "m"))?.[1] ?? 0);
  const failed = Math.max(count("fail"), count("errors?"));
  // Without a summary the run was cut short, whatever its exit code says.
  const whole = summary !== "" && code === 0;
  return {
    passed: count("pass"),
    failed: whole ? failed : Math.max(failed, 1),
    skipped: count("skip") + count("todo"),
  };
}

const counts = await main(process.argv.slice(2)).catch((err: unknown): Counts => {
  process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`);
  return { passed: 0, failed: 1, skipped: 0 };
});
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
