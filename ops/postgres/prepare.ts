import { fileURLToPath } from "node:url";
import { createSql, type Sql } from "../../db/client.ts";

type RolePasswords = { readonly app: string; readonly migrate: string; readonly backup: string };

const ROLES_FILE = fileURLToPath(new URL("./roles.sql", import.meta.url));
const PREPARE_LOCK = 5_230_012; // any constant of our own: roles belong to the whole server, two programs never change them at once

/**
 * Makes the database if it is missing, then its roles, grants and passwords.
 * `adminUrl` names an existing database, such as `postgres`. Safe to call at
 * every start and from several processes; running sessions are not disturbed.
 */
export async function prepareDatabase(options: {
  adminUrl: string;
  database: string;
  passwords: RolePasswords;
}): Promise<void> {
  const admin = createSql(options.adminUrl, { max: 1 });
  try {
    await admin`SELECT pg_advisory_lock(${PREPARE_LOCK})`; // held until this connection closes
    const [existing] = await admin`SELECT FROM pg_database WHERE datname = ${options.database}`;
    if (existing === undefined) await admin`CREATE DATABASE ${admin(options.database)}`;
    await setRoles(databaseUrl(options.adminUrl, options.database), options.passwords);
  } finally {
    await admin.end();
  }
}

async function setRoles(url: string, passwords: RolePasswords): Promise<void> {
  const sql = createSql(url, { max: 1 });
  try {
    await sql.file(ROLES_FILE);
    await setPassword(sql, "blockbot_app", passwords.app);
    await setPassword(sql, "blockbot_migrate", passwords.migrate);
    await setPassword(sql, "blockbot_backup", passwords.backup);
  } finally {
    await sql.end();
  }
}

// ALTER ROLE takes no parameters; through a setting of this transaction the password stays one.
async function setPassword(sql: Sql, role: string, password: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`SELECT set_config('blockbot.role', ${role}, true), set_config('blockbot.password', ${password}, true)`;
    await tx`DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = current_setting('blockbot.role')) THEN
        EXECUTE format('ALTER ROLE %I PASSWORD %L', current_setting('blockbot.role'), current_setting('blockbot.password'));
      END IF;
    END $$`;
  });
}

function databaseUrl(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.toString();
}
