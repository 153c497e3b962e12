import { sql } from "drizzle-orm";
import type { App } from "../../core/app.ts";
import type { Tx } from "../../db/client.ts";
import { DatabaseError, inSystem, inTenant } from "../../db/tenant.ts";

type Table = { name: string; wall: string; walled: boolean };

const TEAMS_TRIED = 3;
const REFUSED = "42501";

/**
 * Tries to see other teams' rows from real teams, from one that does not exist
 * and from none, in every table that the runtime role may read, and to write
 * for another team. Says where that worked. Keeps nothing of what it tries.
 */
export async function holesInWalls(app: App): Promise<{ tables: number; teams: number; holes: string[] }> {
  const tables = await inSystem(app, tablesOf);
  const known = await inSystem(app, (tx) =>
    tx.execute<{ org_id: string }>(sql`SELECT org_id FROM auth.org_ids() LIMIT ${TEAMS_TRIED}`),
  );
  const teams = [...known.map((row) => row.org_id), crypto.randomUUID()];
  const holes = tables.filter(({ walled }) => !walled).map(({ name }) => `${name} has no wall`);
  const seen = await inSystem(app, (tx) => foreignTables(tx, tables, null));
  holes.push(...seen.map((name) => `${name} is open without a team`));
  for (const orgId of teams) {
    const foreign = await inTenant({ app, orgId }, (tx) => foreignTables(tx, tables, orgId));
    holes.push(...foreign.map((name) => `team ${orgId} sees others' rows in ${name}`));
    if (await canWriteForOthers(app, orgId)) holes.push(`team ${orgId} may write for others`);
  }
  return { tables: tables.length, teams: known.length, holes };
}

async function tablesOf(tx: Tx): Promise<Table[]> {
  const rows = await tx.execute<Table>(sql`SELECT c.relname AS name, a.attname AS wall,
      c.relrowsecurity AND c.relforcerowsecurity AS walled
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'org_id' END
    WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY c.relname`);
  return [...rows];
}

async function foreignTables(tx: Tx, tables: readonly Table[], orgId: string | null): Promise<string[]> {
  const foreign: string[] = [];
  for (const { name, wall } of tables) {
    const [row] = await tx.execute<{ found: boolean }>(
      sql`SELECT EXISTS (SELECT FROM app.${sql.identifier(name)} WHERE ${sql.identifier(wall)} IS DISTINCT FROM ${orgId}::uuid) AS found`,
    );
    if (row?.found === true) foreign.push(name);
  }
  return foreign;
}

// For a team that does not exist: without the wall its foreign key would still refuse the row, with another word.
async function canWriteForOthers(app: App, orgId: string): Promise<boolean> {
  const write = inTenant({ app, orgId }, (tx) =>
    tx.execute(sql`INSERT INTO app.groups (org_id, name) VALUES (${crypto.randomUUID()}, 'doctor')`),
  );
  const err = await write.catch((thrown: unknown) => thrown);
  return !(err instanceof DatabaseError && err.code === REFUSED);
}
