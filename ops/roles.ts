import { prepareDatabase } from "./postgres/prepare.ts";

const USAGE = `Makes the roles that BlockBot needs on a Postgres of yours, and the database if it is missing.

  ADMIN_DATABASE_URL    a login that may create roles, such as postgres://postgres:…@localhost/postgres
  DATABASE_URL          the login of blockbot_app, with the password it shall get
  DATABASE_MIGRATE_URL  the login of blockbot_migrate, with the password it shall get
  DATABASE_BACKUP_URL   optional: the login of blockbot_backup, with the password it shall get

Without such a login, give ops/postgres/roles.sql to whoever has one.`;

/** `npm run roles`: safe to repeat; passwords are set to those of the DSNs. */
async function main(): Promise<void> {
  const {
    ADMIN_DATABASE_URL: adminUrl,
    DATABASE_URL: app,
    DATABASE_MIGRATE_URL: migrate,
    DATABASE_BACKUP_URL: backup,
  } = process.env;
  if (adminUrl === undefined || app === undefined || migrate === undefined) throw new Error(USAGE);
  const database = new URL(app).pathname.slice(1);
  const passwords = {
    app: passwordOf(app),
    migrate: passwordOf(migrate),
    backup: backup === undefined || backup === "" ? crypto.randomUUID() : passwordOf(backup),
  };
  await prepareDatabase({ adminUrl, database, passwords });
  process.stdout.write(`The roles stand, and so does the database ${database}. Next: npm run migrate\n`);
}

function passwordOf(dsn: string): string {
  const { username, password } = new URL(dsn);
  if (password === "") throw new Error(`The DSN of ${username} has no password.`);
  return decodeURIComponent(password);
}

main().catch((err: unknown) => {
  process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`);
  process.exit(1);
});
