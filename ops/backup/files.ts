import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeSealed } from "./sealed.ts";
import { snapshotOf, type Manifest } from "./snapshot.ts";

/** How many of its own backups the worker keeps. */
export const BACKUPS_KEPT = 14;
const ENDING = ".blockbot.age";

export type BackupSource = { readonly url: string; readonly passphrase: string; readonly version: string };

/** Where the worker puts its backups. */
export function backupsOf(dataFolder: string): string {
  return join(dataFolder, "backups");
}

/** A file of this moment in UTC, to the second, so that names sort by age. */
export function nameOfBackup(folder: string, at: Date): string {
  return join(folder, `${at.toISOString().slice(0, 19).replaceAll(":", "")}Z${ENDING}`);
}

/** Makes one backup. The file appears under its name when it is whole; what stands there is replaced. */
export async function backUp(path: string, { url, passphrase, version }: BackupSource): Promise<Manifest> {
  const draft = `${path}.${crypto.randomUUID()}`;
  let first: string | null = null;
  async function* lines(): AsyncGenerator<string> {
    for await (const line of snapshotOf(url, version)) {
      first ??= line;
      yield line;
    }
  }
  try {
    await writeSealed(draft, passphrase, lines());
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return JSON.parse(first ?? "") as Manifest; // safe: `snapshotOf` begins with it
}

/** Removes all but the newest backups of a folder, and touches nothing else in it. Returns how many were removed. */
export function pruneBackups(folder: string): number {
  const own = readdirSync(folder).filter((name) => name.endsWith(ENDING));
  const old = own.toSorted().slice(0, Math.max(0, own.length - BACKUPS_KEPT));
  for (const name of old) rmSync(join(folder, name));
  return old.length;
}
