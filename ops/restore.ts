import { loadConfig } from "../core/config.ts";
import { replay } from "./backup/replay.ts";
import { readSealed } from "./backup/sealed.ts";
import { dataFolderOf, openForBackup } from "./database.ts";
import { explain } from "./failure.ts";

/** `npm run restore -- FILE`: puts a backup into an empty database, while the product is stopped. */
async function main(args: readonly string[]): Promise<void> {
  const [path] = args;
  if (path === undefined) throw new Error("Name the file: npm run restore -- FILE");
  const config = loadConfig(process.env);
  const passphrase = config.backupPassphrase;
  if (passphrase === null) throw new Error("Set BACKUP_PASSPHRASE to the one that the backup was made with.");
  const database = await openForBackup(config, dataFolderOf(config));
  try {
    if (database.migrateUrl === null)
      throw new Error("Set DATABASE_MIGRATE_URL, the login of blockbot_migrate on an empty database.");
    const manifest = await replay(readSealed(path, passphrase), database.migrateUrl);
    for (const [table, rows] of Object.entries(manifest.tables))
      if (rows > 0) process.stdout.write(`${table}: ${rows}\n`);
    process.stdout.write(
      `Restored as of ${manifest.takenAt}, version ${manifest.version}. Next: npm run doctor\n`,
    );
  } finally {
    await database.close();
  }
}

main(process.argv.slice(2)).catch((err: unknown) => {
  process.stderr.write(`${explain(err)}\n`);
  process.exitCode = 1;
});
