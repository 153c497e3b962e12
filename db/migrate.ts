import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate as applyMigrations } from "drizzle-orm/postgres-js/migrator";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createSql, type Database } from "./client.ts";
import { inSystem } from "./tenant.ts";

const FOLDER = fileURLToPath(new URL("./migrations", import.meta.url));
const MIGRATION_LOCK = 5_230_011; // any constant of our own: two programs never migrate at once
const OWNER = "blockbot_owner";

/** Brings the schema up to date under an advisory lock. Safe to call at every start and from several processes. */
export async function migrate(options: { migrateUrl: string }): Promise<void> {
  const client = createSql(asOwner(options.migrateUrl), { max: 1 });
  try {
    await client`SELECT pg_advisory_lock(${MIGRATION_LOCK})`;
    await applyMigrations(drizzle(client), { migrationsFolder: FOLDER });
    await client`GRANT USAGE ON SCHEMA drizzle TO blockbot_app`;
    await client`GRANT SELECT ON drizzle.__drizzle_migrations TO blockbot_app`;
  } finally {
    await client.end();
  }
}

/** The same DSN, with every statement run as the role that owns the schemas. */
export function asOwner(migrateUrl: string): string {
  const url = new URL(migrateUrl);
  url.searchParams.set("options", `-c role=${OWNER}`);
  return url.toString();
}

/** How many migrations this build has that the database lacks. */
export async function missingMigrations(app: { readonly database: Database }): Promise<number> {
  const journal: { entries: unknown[] } = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, "utf8"));
  return inSystem(app, async (tx) => {
    const [table] = await tx.execute(
      sql`SELECT to_regclass('drizzle.__drizzle_migrations') IS NOT NULL AS present`,
    );
    if (table?.["present"] !== true) return journal.entries.length;
    const [applied] = await tx.execute(sql`SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations`);
    return Math.max(0, journal.entries.length - Number(applied?.["n"] ?? 0));
  });
}
