import { join } from "node:path";
import type { Config } from "../core/config.ts";
import { migrateJobs } from "../core/jobs.ts";
import { startEmbeddedPostgres } from "../db/embedded.ts";
import { migrate, MigrationError } from "../db/migrate.ts";
import { localSecrets } from "./local-secrets.ts";
import { prepareDatabase } from "./postgres/prepare.ts";

const DATABASE = "blockbot";

/** Where the data of this instance live; the demo's are apart. */
export function dataFolderOf(config: Config): string {
  return config.telegram === null ? join(config.dataDir, "demo") : config.dataDir;
}

/**
 * The DSN of the runtime role, after bringing up and migrating what this start
 * may. The embedded Postgres of `folder` may be another process's: then that
 * one's is used, and `close` leaves it running.
 */
export async function openDatabase(
  config: Config,
  folder: string,
): Promise<{ url: string; close: () => Promise<void> }> {
  if (config.database !== null) {
    const { url, migrateUrl } = config.database;
    if (migrateUrl !== null && !config.production) {
      await migrateAll(migrateUrl).catch((err: unknown) => {
        if (err instanceof MigrationError) throw err;
        const reason = err instanceof Error ? err.message : String(err);
        throw new Error(
          `DATABASE_MIGRATE_URL could not be used (${reason}). It must be the login of blockbot_migrate on a Postgres that runs; ops/postgres/roles.sql makes the roles.`,
          { cause: err },
        );
      });
    }
    return { url, close: async () => undefined };
  }
  const { passwords } = localSecrets(folder);
  const postgres = await startEmbeddedPostgres({ dataDir: folder });
  try {
    await prepareDatabase({ adminUrl: postgres.adminUrl, database: DATABASE, passwords });
    await migrateAll(postgres.url({ user: "blockbot_migrate", password: passwords.migrate }, DATABASE));
  } catch (err) {
    await postgres.stop();
    throw err;
  }
  return {
    url: postgres.url({ user: "blockbot_app", password: passwords.app }, DATABASE),
    close: postgres.stop,
  };
}

/**
 * The DSNs of the logins that back up and migrate, null for one that was not
 * given. Migrates nothing. The embedded Postgres of `folder` may be another
 * process's: then that one's is used, and `close` leaves it running.
 */
export async function openForBackup(
  config: Config,
  folder: string,
): Promise<{ backupUrl: string | null; migrateUrl: string | null; close: () => Promise<void> }> {
  if (config.database !== null) return { ...config.database, close: async () => undefined };
  const { passwords } = localSecrets(folder);
  const postgres = await startEmbeddedPostgres({ dataDir: folder });
  try {
    await prepareDatabase({ adminUrl: postgres.adminUrl, database: DATABASE, passwords });
  } catch (err) {
    await postgres.stop();
    throw err;
  }
  const login = (user: string, password: string) => postgres.url({ user, password }, DATABASE);
  return {
    backupUrl: login("blockbot_backup", passwords.backup),
    migrateUrl: login("blockbot_migrate", passwords.migrate),
    close: postgres.stop,
  };
}

async function migrateAll(migrateUrl: string): Promise<void> {
  await migrate({ migrateUrl });
  await migrateJobs(migrateUrl);
}
