import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";

/** What the server wrote about itself: `status` is `starting`, `ready` or `stopping`. */
export type Postmaster = { readonly pid: number; readonly port: number; readonly status: string };

const FAST_STOP_MS_MAX = 60_000;
const IMMEDIATE_STOP_MS_MAX = 15_000;
const POLL_MS = 10;
// Lines of postmaster.pid, fixed by Postgres since version 10.
const PID_LINE = 0;
const PORT_LINE = 3;
const STATUS_LINE = 7;

/** Reads the pid file of a data folder; undefined when there is none, or none that names a process yet. */
export function readPostmaster(cluster: string): Postmaster | undefined {
  const lines = textOf(pidFile(cluster)).split("\n");
  const pid = Number.parseInt(lines[PID_LINE] ?? "", 10);
  if (!(pid > 0)) return undefined;
  return { pid, port: Number(lines[PORT_LINE]), status: (lines[STATUS_LINE] ?? "starting").trim() };
}

export function pidFile(cluster: string): string {
  return join(cluster, "postmaster.pid");
}

/**
 * Whether this process is a running Postgres server of exactly this folder. A
 * pid file outlives a crash and pids are given out again, so nothing is
 * signalled without it.
 */
export function isServerOf(cluster: string, pid: number): boolean {
  if (!existsSync("/proc/self/cwd")) {
    const found = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return found.status === 0 && found.stdout.includes(`postgres -D ${cluster} `);
  }
  try {
    const command = textOf(`/proc/${pid}/cmdline`).split("\0")[0] ?? "";
    return basename(command) === "postgres" && readlinkSync(`/proc/${pid}/cwd`) === cluster;
  } catch (err) {
    if (hasCode(err, "ENOENT", "ESRCH", "EACCES", "EPERM")) return false;
    throw err;
  }
}

/** Whether any process has this pid, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (err) {
    return !hasCode(err, "ESRCH");
  }
}

/**
 * Fast shutdown: sessions are ended, their transactions rolled back, a
 * checkpoint written. After a minute an immediate one, which loses nothing
 * either but makes the next start replay the log. Resolves when the process is gone.
 */
export async function stopPostmaster(cluster: string, pid: number): Promise<void> {
  if (await signalled({ cluster, pid, signal: "SIGINT", waitMs: FAST_STOP_MS_MAX })) return;
  if (await signalled({ cluster, pid, signal: "SIGQUIT", waitMs: IMMEDIATE_STOP_MS_MAX })) return;
  throw new Error(
    `The database server of ${cluster} (process ${pid}) does not stop. Look at the disk it writes to.`,
  );
}

async function signalled(server: {
  cluster: string;
  pid: number;
  signal: NodeJS.Signals;
  waitMs: number;
}): Promise<boolean> {
  if (!isServerOf(server.cluster, server.pid)) return true;
  process.kill(server.pid, server.signal);
  const deadline = Date.now() + server.waitMs;
  while (isServerOf(server.cluster, server.pid)) {
    if (Date.now() > deadline) return false;
    await Bun.sleep(POLL_MS);
  }
  return true;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (err) {
    if (hasCode(err, "ENOENT", "ESRCH")) return "";
    throw err;
  }
}

function hasCode(err: unknown, ...codes: string[]): boolean {
  return err instanceof Error && "code" in err && codes.includes(String(err.code));
}
