import { spawn, type ChildProcess } from "node:child_process";
import { startScratchServer, type ScratchServer } from "./postgres/scratch.ts";

type Counts = { passed: number; failed: number; skipped: number };

const TEST_TIMEOUT_MS = 30_000;
// Most tests wait, for a deadline or for what Telegram allows in a second, so that two files keep one core busy.
const FILES_AT_ONCE = 2;
const SUMMARY_CHARACTERS = 20_000;
const KILL_AFTER_MS = 5_000;
const OUTPUT_AFTER_END_MS = 2_000;

/** `npm test`: one Postgres server for the run, then `bun test` with the arguments given. */
async function main(args: string[]): Promise<Counts> {
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.abort());
  let server: ScratchServer | undefined;
  try {
    server = await startScratchServer(process.env, { durable: false });
    if (ending.signal.aborted) return { passed: 0, failed: 1, skipped: 0 };
    return await runTests(args, server.environment, ending.signal);
  } finally {
    await server?.stop();
  }
}

async function runTests(args: string[], env: Record<string, string>, signal: AbortSignal): Promise<Counts> {
  const command = [
    "--no-env-file",
    "test",
    `--timeout=${TEST_TIMEOUT_MS}`,
    `--parallel=${FILES_AT_ONCE}`,
    ...args,
  ];
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
