import { Database } from "bun:sqlite";
import { chmodSync } from "node:fs";
import { join } from "node:path";

type Lock = { release(): void };

const WAIT_MS_MAX = 180_000;
const POLL_MS = 20;

/**
 * Lets one process at a time start or stop the server of a folder. Locks are
 * SQLite's: the kernel drops them when their process dies, however it dies.
 * Throws after three minutes of waiting.
 */
export async function lockFolder(folder: string): Promise<Lock> {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const lock = tryExclusive(join(folder, "start.lock"));
    if (lock !== undefined) return lock;
    if (Date.now() > deadline) {
      throw new Error(
        `Another process has been starting or stopping the database in ${folder} for three minutes. End that process and start again.`,
      );
    }
    await Bun.sleep(POLL_MS);
  }
}

/** Marks this process as a user of the folder's server until released. Call it with the folder locked. */
export function useServer(folder: string): Lock {
  const database = open(join(folder, "users.lock"));
  database.run("BEGIN");
  database.query("SELECT count(*) FROM sqlite_master").get(); // the first read is what takes the shared lock
  return { release: () => database.close() };
}

/** Whether nobody holds `useServer`. Call it with the folder locked. */
export function isUnused(folder: string): boolean {
  const lock = tryExclusive(join(folder, "users.lock"));
  lock?.release();
  return lock !== undefined;
}

function tryExclusive(file: string): Lock | undefined {
  const database = open(file);
  try {
    database.run("BEGIN EXCLUSIVE");
    return { release: () => database.close() };
  } catch (err) {
    database.close();
    if (err instanceof Error && "code" in err && err.code === "SQLITE_BUSY") return undefined;
    throw cannotLock(file, err);
  }
}

function open(file: string): Database {
  try {
    const database = new Database(file);
    chmodSync(file, 0o600); // who may read the file may hold a lock on it
    return database;
  } catch (err) {
    throw cannotLock(file, err);
  }
}

function cannotLock(file: string, cause: unknown): Error {
  return new Error(
    `Cannot lock ${file}. The folder must be on a local disk, with space left, and writable by this user.`,
    { cause },
  );
}
