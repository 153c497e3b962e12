import { DrizzleQueryError, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSql, type Database, type Sql } from "./client.ts";
import { inSystem } from "./tenant.ts";

const FOLDER = fileURLToPath(new URL("./migrations", import.meta.url));
const MIGRATION_LOCK = 5_230_011; // any constant of our own: two programs never migrate at once
const OWNER = "blockbot_owner";

/** A statement was refused; the message says why. */
export class MigrationError extends Error {
  constructor(reason: string, options: ErrorOptions) {
    super(`A migration failed, and nothing was changed: ${reason}`, options);
    this.name = "MigrationError";
  }
}

/**
 * Brings the schema up to date under an advisory lock. Safe to call at every
 * start and from several processes. `upTo` stops after so many migrations, for
 * the state of an older release; a database that is further already stays there.
 * All of it is one transaction: throws `MigrationError` with nothing changed.
 */
export async function migrate(options: { migrateUrl: string; upTo?: number }): Promise<void> {
  const client = createSql(asOwner(options.migrateUrl), { max: 1 });
  const folder = options.upTo === undefined ? FOLDER : firstMigrations(options.upTo);
  try {
    await client`SELECT pg_advisory_lock(${MIGRATION_LOCK})`;
    await refuseNewer(client);
    await applyAll(client, folder);
    await client`GRANT USAGE ON SCHEMA drizzle TO blockbot_app`;
    await client`GRANT SELECT ON drizzle.__drizzle_migrations TO blockbot_app`;
  } finally {
    await client.end();
    if (folder !== FOLDER) rmSync(folder, { recursive: true, force: true });
  }
}

async function applyAll(client: Sql, migrationsFolder: string): Promise<void> {
  try {
    await applyMigrations(drizzle(client), { migrationsFolder });
  } catch (err) {
    if (!(err instanceof DrizzleQueryError)) throw err;
    // Its own message is the whole statement; its cause says why.
    throw new MigrationError(err.cause?.message ?? "unknown", { cause: err });
  }
}

// drizzle applies all that a folder lists, so an older state is a folder that lists fewer.
function firstMigrations(count: number): string {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-migrations-"));
  cpSync(FOLDER, folder, { recursive: true });
  const entries = journalEntries();
  if (entries.length < count)
    throw new Error(
      `this version knows ${entries.length} migrations and ${count} are needed: use a newer one`,
    );
  const path = join(folder, "meta/_journal.json");
  const journal: object = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...journal, entries: entries.slice(0, count) }));
  return folder;
}

/** The same DSN, with every statement run as the role that owns the schemas. */
export function asOwner(migrateUrl: string): string {
  const url = new URL(migrateUrl);
  url.searchParams.set("options", `-c role=${OWNER}`);
  return url.toString();
}

// Going backwards would need to know what a later version did.
async function refuseNewer(client: Sql): Promise<void> {
  const [table] = await client`SELECT to_regclass('drizzle.__drizzle_migrations') IS NOT NULL AS present`;
  if (table?.["present"] !== true) return;
  const [applied] = await client`SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations`;
  const known = journalEntries().length;
  if (Number(applied?.["n"]) > known)
    throw new Error(
      `The database has ${applied?.["n"]} migrations and this version knows ${known}: it was used by a newer one. Run that, or restore a backup from before.`,
    );
}

/** How many migrations this build has that the database lacks. */
export async function missingMigrations(app: { readonly database: Database }): Promise<number> {
  const entries = journalEntries();
  return inSystem(app, async (tx) => {
    const [table] = await tx.execute(
      sql`SELECT to_regclass('drizzle.__drizzle_migrations') IS NOT NULL AS present`,
    );
    if (table?.["present"] !== true) return entries.length;
    const [applied] = await tx.execute(sql`SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations`);
    return Math.max(0, entries.length - Number(applied?.["n"] ?? 0));
  });
}

function journalEntries(): unknown[] {
  const journal: { entries: unknown[] } = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, "utf8"));
  return journal.entries;
}
