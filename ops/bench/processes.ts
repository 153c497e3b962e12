import { readdirSync, readFileSync } from "node:fs";
import type { Sql } from "../../db/client.ts";

export type Cpu = { readonly botMs: number; readonly postgresMs: number };

// USER_HZ of Linux, the unit of /proc/PID/stat, on every architecture that Bun runs on.
const TICK_MS = 10;
const KB_PER_MB = 1024;

/** User and system time of these processes and of their children that have ended, in ms, in steps of 10. */
export function cpuMsOf(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = statOf(pid);
    return fields === null ? 0 : fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  });
  return ticks.reduce((sum, count) => sum + count, 0) * TICK_MS;
}

/** Resident memory of a process in MB. Throws when it has ended. */
export function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kb) / KB_PER_MB;
}

/** The Postgres server's main process and its children. */
export async function postgresProcesses(sql: Sql): Promise<number[]> {
  const [row] = await sql`SELECT pg_read_file('postmaster.pid') AS file`;
  const main = Number(String(row?.["file"]).split("\n")[0]);
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(statOf(pid)?.[1]) === main);
  return [main, ...children];
}

// The fields after the name, which may contain spaces: state, parent, …
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null; // it has ended
  }
}
