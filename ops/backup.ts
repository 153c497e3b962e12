import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { loadConfig } from "../core/config.ts";
import packageFile from "../package.json" with { type: "json" };
import { backupsOf, backUp, nameOfBackup } from "./backup/files.ts";
import { dataFolderOf, openForBackup } from "./database.ts";
import { explain } from "./failure.ts";

/** `npm run backup [-- FILE]`: everything that the database holds, encrypted, beside the running product or without it. */
async function main(args: readonly string[]): Promise<void> {
  const config = loadConfig(process.env);
  const passphrase = config.backupPassphrase;
  if (passphrase === null)
    throw new Error(
      "Set BACKUP_PASSPHRASE (openssl rand -base64 24), and keep it where the backups are not.",
    );
  const folder = dataFolderOf(config);
  const database = await openForBackup(config, folder);
  try {
    if (database.backupUrl === null)
      throw new Error("Set DATABASE_BACKUP_URL, the login of blockbot_backup: npm run roles makes it.");
    const path = args[0] ?? nameOfBackup(backupsOf(folder), new Date());
    mkdirSync(dirname(path), { recursive: true });
    const manifest = await backUp(path, {
      url: database.backupUrl,
      passphrase,
      version: packageFile.version,
    });
    const rows = Object.values(manifest.tables).reduce((sum, count) => sum + count, 0);
    process.stdout.write(`${path}: ${rows} rows of ${Object.keys(manifest.tables).length} tables.\n`);
    process.stdout.write(
      "Not in it: MASTER_KEY or secrets.json, without which credentials cannot be opened, and .env.\n",
    );
  } finally {
    await database.close();
  }
}

main(process.argv.slice(2)).catch((err: unknown) => {
  process.stderr.write(`${explain(err)}\n`);
  process.exitCode = 1;
});
