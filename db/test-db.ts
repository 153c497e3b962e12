import { randomBytes } from "node:crypto";
import { createSql, type Sql } from "./client.ts";

type TestDatabase = {
  /** Signs in as blockbot_app. */
  readonly databaseUrl: string;
  /** Signs in as blockbot_migrate. */
  readonly migrateUrl: string;
  /** Signs in as the server's superuser, to this database. */
  readonly adminUrl: string;
  /** Ends the sessions of this database and removes it. */
  drop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * A database of its own for one test, migrated, with no rows in it. For tests
 * only: `npm test` starts the server and says where it is in TEST_POSTGRES_URL,
 * the superuser's DSN with `?template=NAME`. There every role has the
 * superuser's password.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = testServer();
  const template = server.searchParams.get("template") ?? "";
  server.search = "";
  const name = `test_${randomBytes(8).toString("hex")}`;
  await asAdmin(server, async (sql) => {
    await sql`CREATE DATABASE ${sql(name)} TEMPLATE ${sql(template)}`;
    await copyGrants(sql, template, name);
  });
  const drop = () =>
    asAdmin(server, async (sql) => {
      await sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`;
    });
  return {
    databaseUrl: signIn(server, "blockbot_app", name),
    migrateUrl: signIn(server, "blockbot_migrate", name),
    adminUrl: signIn(server, server.username, name),
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

function testServer(): URL {
  const address = process.env["TEST_POSTGRES_URL"];
  if (address === undefined) {
    throw new Error("This test needs the database server of a test run. Run: npm test -- <file>");
  }
  return new URL(address);
}

async function asAdmin(server: URL, work: (sql: Sql) => Promise<void>): Promise<void> {
  const sql = createSql(server.toString(), { max: 1 });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}

// A clone has the template's tables and their grants, but not the grants on the database itself.
async function copyGrants(sql: Sql, template: string, name: string): Promise<void> {
  await sql`SELECT set_config('test.template', ${template}, false), set_config('test.name', ${name}, false)`;
  await sql`DO $$ DECLARE given record; BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_setting('test.name'));
    FOR given IN
      SELECT privilege_type, grantee::regrole AS role
      FROM pg_database, aclexplode(datacl)
      WHERE datname = current_setting('test.template') AND grantee <> 0
    LOOP
      EXECUTE format('GRANT %s ON DATABASE %I TO %s', given.privilege_type, current_setting('test.name'), given.role);
    END LOOP;
  END $$`;
}

function signIn(server: URL, user: string, database: string): string {
  const url = new URL(server);
  url.username = user;
  url.pathname = `/${database}`;
  return url.toString();
}
