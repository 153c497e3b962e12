import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";

export type DiskSettings = { readonly folder: string; readonly freeBytesMin?: number };

/** With less than this, there is trouble soon: Postgres stops when its disk is full. */
export const DISK_FREE_BYTES_MIN = 1e9;

/** What the disk of a folder has left for us; of the folder above it while it does not exist. */
export async function freeBytesAt(folder: string): Promise<number> {
  let existing = resolve(folder);
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}
