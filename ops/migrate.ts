import { loadConfig } from "../core/config.ts";
import { migrateJobs } from "../core/jobs.ts";
import { migrate } from "../db/migrate.ts";

/** `npm run migrate`: brings the database of DATABASE_MIGRATE_URL up to date. */
async function main(): Promise<void> {
  const migrateUrl = loadConfig(process.env).database?.migrateUrl;
  if (migrateUrl == null) {
    throw new Error(
      "Set DATABASE_URL and DATABASE_MIGRATE_URL. The embedded Postgres migrates itself at every start.",
    );
  }
  await migrate({ migrateUrl });
  await migrateJobs(migrateUrl);
  process.stdout.write("The database is up to date.\n");
}

main().catch((err: unknown) => {
  process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`);
  process.exit(1);
});
