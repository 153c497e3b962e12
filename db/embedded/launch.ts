import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { SERVER_ENVIRONMENT } from "./binaries.ts";
import { isPortTaken, startFailure } from "./failure.ts";
import type { Home } from "./home.ts";
import { readPostmaster, stopPostmaster, type Postmaster } from "./postmaster.ts";

export const HOST = "127.0.0.1";
// A crashed server replays its log before it is ready: at most a gigabyte of it, on a slow disk.
export const START_MS_MAX = 120_000;

type Outcome = { readonly ready: Postmaster } | { readonly problem: string };

const CONNECTIONS_MAX = 200;
const PORT_ATTEMPTS_MAX = 3;
const POLL_MS = 10;
const LOG_BYTES_MAX = 1_000_000;
const LOG_LINES_SHOWN = 15;

/**
 * Starts the server of a complete cluster, on the port of last time if that is
 * free, and resolves when it takes connections. Throws with the server's last
 * words and the fix.
 */
export async function launchServer(home: Home, durable: boolean): Promise<Postmaster> {
  const portFile = join(home.folder, "port");
  let wanted = existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) : 0;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await launch(home, await freePort(wanted), durable);
    if ("ready" in outcome) {
      writeFileSync(portFile, String(outcome.ready.port));
      return outcome.ready;
    }
    // Another program may take the port between our look and the server's.
    if (attempt === PORT_ATTEMPTS_MAX || !isPortTaken(outcome.problem)) {
      throw startFailure("Postgres did not start", outcome.problem);
    }
    wanted = 0;
  }
}

async function launch(home: Home, port: number, durable: boolean): Promise<Outcome> {
  const logFile = join(home.folder, "server.log");
  if (existsSync(logFile) && statSync(logFile).size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.old`);
  const descriptor = openSync(logFile, "a", 0o600);
  const offset = statSync(logFile).size;
  const server = spawn(
    join(home.binaries, "bin/postgres"),
    ["-D", home.cluster, ...settings(port, durable)],
    {
      ...home.runAs,
      cwd: "/",
      env: SERVER_ENVIRONMENT,
      detached: true, // a session of its own
      stdio: ["ignore", descriptor, descriptor],
    },
  );
  closeSync(descriptor);
  const outcome = await readyOrEnded(home, server);
  server.unref();
  return "ready" in outcome ? outcome : { problem: `${outcome.problem}\n${logTail(logFile, offset)}` };
}

async function readyOrEnded(home: Home, server: ChildProcess): Promise<Outcome> {
  const end: { problem?: string } = {};
  server.once("error", (err) => (end.problem = err.message));
  server.once("exit", (code, signal) => (end.problem = `It ended with ${signal ?? `exit code ${code}`}.`));
  const deadline = Date.now() + START_MS_MAX;
  while (Date.now() < deadline) {
    if (end.problem !== undefined) return { problem: end.problem };
    const found = readPostmaster(home.cluster);
    if (found?.pid === server.pid && found?.status === "ready") return { ready: found };
    await Bun.sleep(POLL_MS);
  }
  if (server.pid !== undefined) await stopPostmaster(home.cluster, server.pid);
  return { problem: `It was not ready after ${START_MS_MAX / 1000} seconds.` };
}

function settings(port: number, durable: boolean): string[] {
  const values: Record<string, string | number> = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: "",
    max_connections: CONNECTIONS_MAX,
    timezone: "UTC",
    log_timezone: "UTC",
    log_checkpoints: "off",
    // Failed statements and the values in their details are people's data, which this log must not hold.
    log_min_error_statement: "panic",
    log_error_verbosity: "terse",
    ...(durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function freePort(wanted: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.once("error", reject);
  probe.listen({ host: HOST, port: wanted, exclusive: true }, () => {
    const address = probe.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    probe.close(() => resolve(port));
  });
  return promise.catch((err: unknown) => {
    if (wanted === 0) throw err;
    return freePort(0); // the port of last time is taken
  });
}

function logTail(logFile: string, offset: number): string {
  const text = readFileSync(logFile).subarray(offset).toString("utf8");
  return text.trimEnd().split("\n").slice(-LOG_LINES_SHOWN).join("\n");
}
