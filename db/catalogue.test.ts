import { expect, test } from "bun:test";
import { is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { createSql } from "./client.ts";
import * as chat from "./schema/chat.ts";
import * as teams from "./schema/teams.ts";
import * as vault from "./schema/vault.ts";
import { createTestDatabase } from "./test-db.ts";

// Unique across teams on purpose: a token is looked up before its team is known, and a group belongs to one team.
const UNIQUE_ACROSS_TEAMS = [
  "invites_token_hash_key",
  "invites_mail_token_hash_key",
  "chats_claimed_group",
  "organizations_pkey",
];
const NO_WALL = ["instance", "instance_quotas"];

test("TN-07: every team's table stands behind the wall, and no index, key, function or grant opens it", async () => {
  await using database = await createTestDatabase();
  const sql = createSql(database.adminUrl, { max: 1 });
  try {
    const openTables =
      await sql`SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p')
      AND c.relname <> ALL (${NO_WALL}) AND (NOT (c.relrowsecurity AND c.relforcerowsecurity) OR NOT EXISTS (
        SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd = '*' AND p.polroles = ARRAY['blockbot_app'::regrole::oid]
        AND pg_get_expr(p.polqual, p.polrelid) LIKE '%( SELECT app.org()%' AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%( SELECT app.org()%'))`;
    expect([...openTables]).toEqual([]);

    const uniqueAcrossTeams =
      await sql`SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
      WHERE c.relnamespace = 'app'::regnamespace AND i.indisunique AND a.attname <> 'org_id' AND c.relname <> ALL (${NO_WALL})`;
    expect(uniqueAcrossTeams.map((row) => String(row["name"]).replace("app.", "")).sort()).toEqual(
      [...UNIQUE_ACROSS_TEAMS].sort(),
    );

    const foreignWithoutTeam =
      await sql`SELECT k.conname FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
      WHERE k.contype = 'f' AND k.connamespace = 'app'::regnamespace AND f.relnamespace = 'app'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = 'org_id')`;
    expect([...foreignWithoutTeam]).toEqual([]);

    const looseFunctions =
      await sql`SELECT p.proname FROM pg_proc p WHERE p.pronamespace IN ('app'::regnamespace, 'auth'::regnamespace)
      AND ((p.prosecdef AND NOT coalesce(array_to_string(p.proconfig, ',') LIKE '%search_path=%', false))
        OR EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g WHERE g.grantee = 0))`;
    expect([...looseFunctions]).toEqual([]);

    const grants = await sql`SELECT c.relname, g.privilege_type FROM pg_class c, aclexplode(c.relacl) g
      WHERE c.relnamespace IN ('app'::regnamespace, 'auth'::regnamespace, 'pipeline'::regnamespace) AND g.grantee = 'blockbot_app'::regrole
      AND (g.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER') OR c.relnamespace = 'auth'::regnamespace
        OR (c.relname LIKE 'audit%' AND g.privilege_type <> 'SELECT'))`;
    expect([...grants]).toEqual([]);

    const owned = await sql`SELECT relname FROM pg_class WHERE relowner = 'blockbot_app'::regrole
      UNION ALL SELECT nspname FROM pg_namespace WHERE nspowner = 'blockbot_app'::regrole`;
    expect([...owned]).toEqual([]);
    const views =
      await sql`SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND (relkind = 'm' OR relispartition
      OR (relkind = 'v' AND NOT coalesce(array_to_string(reloptions, ',') LIKE '%security_invoker=true%', false)))`;
    expect([...views]).toEqual([]);
    const [role] =
      await sql`SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles WHERE rolname = 'blockbot_app'`;
    expect(role).toEqual({
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolinherit: false,
    });
  } finally {
    await sql.end();
  }
});

test("the typed schema says what the migrations made", async () => {
  await using database = await createTestDatabase();
  const sql = createSql(database.adminUrl, { max: 1 });
  const exported: unknown[] = [...Object.values(chat), ...Object.values(teams), ...Object.values(vault)];
  const tables = exported.filter((value) => is(value, PgTable));
  expect(tables.length).toBeGreaterThan(8);
  for (const table of tables) {
    const { name, schema, columns } = getTableConfig(table);
    const actual =
      await sql`SELECT column_name AS name, data_type AS type, is_nullable = 'NO' AS required FROM information_schema.columns
      WHERE table_schema = ${schema ?? "public"} AND table_name = ${name} ORDER BY column_name`;
    const declared = columns
      .map((column) => ({
        name: column.name,
        type: column.getSQLType(),
        required: column.notNull || column.primary,
      }))
      .sort((a, b) => a.name.localeCompare(b.name));
    expect({
      name,
      columns: declared.map((column) => ({
        ...column,
        type: column.type.replace("timestamp (3)", "timestamp").replace(/^.*\[\]$/, "ARRAY"),
      })),
    }).toEqual({ name, columns: [...actual] as never });
  }
  await sql.end();
});
