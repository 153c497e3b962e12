import { sql } from "drizzle-orm";
import { existsSync, statSync } from "node:fs";
import type { App } from "../../core/app.ts";
import type { Config } from "../../core/config.ts";
import { DISK_FREE_BYTES_MIN, freeBytesAt } from "../../core/disk.ts";
import { inSystem } from "../../db/tenant.ts";
import { lookAt, type Finding } from "./finding.ts";

type Found = Omit<Finding, "part">;

const CLOCK_SECONDS_MAX = 5;
const ASK_TIMEOUT_MS = 5_000;
const OTHERS = 0o077;

/** What the machine itself must give: room, the right time, and files that others cannot read. */
export async function machineFindings(
  app: App,
  config: Config,
  options: { secretFiles: readonly string[]; hasDatabase: boolean },
): Promise<Finding[]> {
  return [
    await lookAt("Disk", async () => diskFinding(config.dataDir, await freeBytesAt(config.dataDir))),
    await lookAt("Clock", async () => clockFinding(await clockOffsets(app, config, options.hasDatabase))),
    await lookAt("Secret files", async () => filesFinding(options.secretFiles)),
  ];
}

/** Too little room fails before there is none: Postgres stops when its disk is full. */
export function diskFinding(folder: string, freeBytes: number): Found {
  const free = `${(freeBytes / 1e9).toFixed(1)} GB free for ${folder}`;
  if (freeBytes >= DISK_FREE_BYTES_MIN) return { state: "ok", text: free };
  return {
    state: "wrong",
    text: free,
    fix: "Make room, or move DATA_DIR: Postgres stops when its disk is full",
  };
}

/** `offsets`: by how many seconds this clock is ahead of others, by their names. */
export function clockFinding(offsets: Readonly<Record<string, number>>): Found {
  const known = Object.entries(offsets);
  if (known.length === 0) return { state: "off", text: "nothing to compare it with" };
  const wrong = known.filter(([, seconds]) => Math.abs(seconds) > CLOCK_SECONDS_MAX);
  if (wrong.length === 0)
    return { state: "ok", text: `agrees with ${known.map(([name]) => name).join(" and ")}` };
  return {
    state: "wrong",
    text: wrong
      .map(
        ([name, seconds]) =>
          `${Math.abs(seconds).toFixed(0)} s ${seconds > 0 ? "ahead of" : "behind"} ${name}`,
      )
      .join(", "),
    fix: "Set it: timedatectl set-ntp true. Links, sign-ins and budgets go by it.",
  };
}

function filesFinding(paths: readonly string[]): Found {
  const there = paths.filter((path) => existsSync(path));
  const open = there.filter((path) => (statSync(path).mode & OTHERS) !== 0);
  if (open.length > 0)
    return {
      state: "wrong",
      text: `others on this machine may read ${open.join(" and ")}`,
      fix: `Run: chmod 600 ${open.join(" ")}`,
    };
  return there.length === 0
    ? { state: "off", text: "there are none" }
    : { state: "ok", text: `only their owner reads ${there.join(" and ")}` };
}

async function clockOffsets(app: App, config: Config, hasDatabase: boolean): Promise<Record<string, number>> {
  const offsets: Record<string, number> = {};
  if (hasDatabase && config.database !== null) {
    const before = Date.now();
    const [row] = await inSystem(app, (tx) =>
      tx.execute<{ at: number }>(sql`SELECT extract(epoch FROM clock_timestamp())::float8 AS at`),
    );
    if (row !== undefined) offsets["Postgres"] = (before + Date.now()) / 2_000 - row.at;
  }
  if (config.telegram !== null) {
    const seconds = await offsetOf(config.telegram.apiRoot);
    if (seconds !== null) offsets["Telegram"] = seconds;
  }
  return offsets;
}

/** By how many seconds this clock is ahead of a server's, by the date that it answers with; null when it gives none. */
export async function offsetOf(url: string): Promise<number | null> {
  const before = Date.now();
  const response = await fetch(url, {
    method: "HEAD",
    redirect: "manual",
    signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
  }).catch(() => null); // whether it can be reached is said elsewhere
  const at = Date.parse(response?.headers.get("date") ?? "");
  return Number.isNaN(at) ? null : ((before + Date.now()) / 2 - at) / 1_000;
}
