import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSql, type Sql } from "../../db/client.ts";
import { startEmbeddedPostgres } from "../../db/embedded.ts";
import { prepareDatabase } from "./prepare.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PASSWORDS = { app: 'app\'s "own"', migrate: "migrate", backup: "backup" };

test("a database is prepared once or many times at once, and each role may do its part and no more", async () => {
  await using server = await startServer();
  const options = { adminUrl: server.adminUrl, database: "team_data", passwords: PASSWORDS };
  await Promise.all([prepareDatabase(options), prepareDatabase(options), prepareDatabase(options)]);

  await server.as("blockbot_migrate", PASSWORDS.migrate, options.database, async (sql) => {
    expect(await outcome(sql`CREATE TABLE public.stray ()`)).toContain("permission denied");
    await sql.begin(async (tx) => {
      await tx`SET LOCAL ROLE blockbot_owner`;
      await tx`CREATE SCHEMA auth`;
      await tx`GRANT CREATE, USAGE ON SCHEMA auth TO blockbot_authn`;
      await tx`GRANT USAGE ON SCHEMA auth TO blockbot_app`;
      await tx`CREATE TABLE auth.accounts (id int)`;
      await tx`CREATE FUNCTION auth.given() RETURNS int LANGUAGE sql AS 'SELECT 1'`;
      await tx`ALTER FUNCTION auth.given() OWNER TO blockbot_authn`;
      await tx`SET LOCAL ROLE blockbot_authn`;
      await tx`CREATE FUNCTION auth.made() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'`;
    });
    expect(await outcome(sql`SELECT auth.given()`)).toContain("permission denied");
  });

  await server.as("blockbot_app", PASSWORDS.app, options.database, async (sql) => {
    expect([...(await sql`SELECT auth.made() AS made`)]).toEqual([{ made: 2 }]);
    expect([...(await sql`SHOW statement_timeout`)]).toEqual([{ statement_timeout: "15s" }]);
    expect([...(await sql`SHOW lock_timeout`)]).toEqual([{ lock_timeout: "5s" }]);
    expect([...(await sql`SHOW idle_in_transaction_session_timeout`)]).toEqual([
      { idle_in_transaction_session_timeout: "30s" },
    ]);
    expect(await outcome(sql`SELECT FROM auth.accounts`)).toContain("permission denied");
    expect(await outcome(sql`SET ROLE blockbot_owner`)).toContain("permission denied");
    expect(await outcome(sql`CREATE TABLE public.mine ()`)).toContain("permission denied");
    expect(await outcome(sql`CREATE TEMPORARY TABLE mine ()`)).toContain("permission denied");
  });

  await server.as("blockbot_backup", PASSWORDS.backup, options.database, async (sql) => {
    expect([...(await sql`SELECT FROM auth.accounts`)]).toEqual([]);
    expect(await outcome(sql`INSERT INTO auth.accounts VALUES (1)`)).toContain("permission denied");
  });
});

test("a runtime role that somebody gave too much loses it at the next start", async () => {
  await using server = await startServer();
  const options = { adminUrl: server.adminUrl, database: "blockbot", passwords: PASSWORDS };
  await prepareDatabase(options);
  const admin = createSql(server.adminUrl, { max: 1 });
  await admin`ALTER ROLE blockbot_app SUPERUSER BYPASSRLS INHERIT`;
  await prepareDatabase(options);
  expect([
    ...(await admin`SELECT rolsuper, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = 'blockbot_app'`),
  ]).toEqual([{ rolsuper: false, rolbypassrls: false, rolinherit: false }]);
  await admin.end();
});

test("a login with CREATEROLE that is not superuser prepares all but the backup role", async () => {
  await using server = await startServer();
  const admin = createSql(server.adminUrl, { max: 1 });
  await admin`CREATE ROLE manager LOGIN CREATEROLE CREATEDB PASSWORD 'manager'`;
  const adminUrl = server.url({ user: "manager", password: "manager" }, "postgres");
  const options = { adminUrl, database: "blockbot", passwords: PASSWORDS };
  await prepareDatabase(options);
  await prepareDatabase(options);
  expect([
    ...(await admin`SELECT rolname FROM pg_roles WHERE rolname LIKE 'blockbot%' ORDER BY rolname`),
  ]).toEqual(
    ["blockbot_app", "blockbot_authn", "blockbot_migrate", "blockbot_owner"].map((rolname) => ({ rolname })),
  );
  await server.as("blockbot_migrate", PASSWORDS.migrate, "blockbot", async (sql) => {
    await sql`SET ROLE blockbot_owner`;
    await sql`CREATE SCHEMA app`;
  });
  await admin.end();
});

test("npm run roles makes the database and gives the roles the passwords of their DSNs, and may be repeated", async () => {
  await using server = await startServer();
  const dsn = (user: keyof typeof PASSWORDS) =>
    server.url({ user: `blockbot_${user}`, password: PASSWORDS[user] }, "blockbot");
  const env = {
    ADMIN_DATABASE_URL: server.adminUrl,
    DATABASE_URL: dsn("app"),
    DATABASE_MIGRATE_URL: dsn("migrate"),
    DATABASE_BACKUP_URL: dsn("backup"),
  };
  const { PATH = "" } = process.env;
  for (const given of [env, env, {}]) {
    const program = Bun.spawn([process.execPath, "--no-env-file", "ops/roles.ts"], {
      cwd: ROOT,
      env: { PATH, ...given },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = await Promise.all([
      new Response(program.stdout).text(),
      new Response(program.stderr).text(),
    ]);
    const expected = given === env ? [0, "The roles stand"] : [1, "ADMIN_DATABASE_URL    a login that may"];
    expect([await program.exited, said.join("")]).toEqual([
      expected[0],
      expect.stringContaining(`${expected[1]}`),
    ]);
  }
  for (const user of ["app", "migrate", "backup"] as const)
    await server.as(`blockbot_${user}`, PASSWORDS[user], "blockbot", async (sql) => {
      expect(await outcome(sql`SELECT 1`)).toBe("done");
    });
});

async function outcome(query: PromiseLike<unknown>): Promise<string> {
  return query.then(() => "done", String);
}

async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-prepare-"));
  chmodSync(folder, 0o755);
  const server = await startEmbeddedPostgres({ dataDir: folder, durable: false });
  return {
    adminUrl: server.adminUrl,
    url: server.url,
    async as(
      user: string,
      password: string,
      database: string,
      work: (sql: Sql) => Promise<void>,
    ): Promise<void> {
      const sql = createSql(server.url({ user, password }, database), { max: 1 });
      try {
        await work(sql);
      } finally {
        await sql.end();
      }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
