import { createSql, type SqlTransaction } from "../../db/client.ts";
import { asOwner, migrate } from "../../db/migrate.ts";
import { migrateJobs } from "../../core/jobs.ts";
import type { Manifest } from "./snapshot.ts";

const ROWS_PER_INSERT = 200;

/**
 * Puts a snapshot into an empty database: migrates it to the snapshot's state,
 * inserts every row in one transaction and counts them, then migrates on to
 * this version. `migrateUrl` is the login of blockbot_migrate. Throws, with no
 * row left in it, when anything is missing or the database is in use.
 */
export async function replay(lines: AsyncIterable<string>, migrateUrl: string): Promise<Manifest> {
  const source = lines[Symbol.asyncIterator]();
  const manifest = manifestOf((await source.next()).value);
  await migrate({ migrateUrl, upTo: manifest.migrations });
  const sql = createSql(asOwner(migrateUrl), { max: 1 });
  try {
    await sql.begin(async (tx) => {
      await refuseUsed(tx);
      const walls = await lowerWalls(tx);
      const counts = await insertAll(tx, source);
      for (const [table, rows] of Object.entries(manifest.tables))
        if (counts.get(table) !== rows)
          throw new Error(
            `${table} has ${counts.get(table) ?? 0} rows in the file and should have ${rows}. Nothing was restored.`,
          );
      await moveSequences(tx);
      await raiseWalls(tx, walls);
    });
  } finally {
    await sql.end();
  }
  await migrate({ migrateUrl });
  await migrateJobs(migrateUrl);
  return manifest;
}

function manifestOf(line: unknown): Manifest {
  // safe: what has the format's number was written by `snapshotOf`, and nobody else has the passphrase
  const manifest = JSON.parse(String(line)) as Manifest;
  if (manifest.format !== 1)
    throw new Error("This file was written by a newer version of BlockBot. Restore with that one.");
  return manifest;
}

async function refuseUsed(tx: SqlTransaction): Promise<void> {
  const [row] = await tx`SELECT count(*)::int AS n FROM app.instance`;
  if (row?.["n"] !== 0) throw new Error("This database is in use. Restore into an empty one.");
}

async function insertAll(tx: SqlTransaction, lines: AsyncIterator<string>): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let table = "";
  let rows: string[] = [];
  const flush = async (): Promise<void> => {
    if (table === "") return;
    if (rows.length > 0) await insert(tx, table, rows);
    counts.set(table, (counts.get(table) ?? 0) + rows.length);
    rows = [];
  };
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    const name = /^\{"table":"([a-z_.]+)"\}$/.exec(next.value)?.[1];
    if (name === undefined) rows.push(next.value);
    if (name !== undefined || rows.length === ROWS_PER_INSERT) await flush();
    if (name === undefined) continue;
    table = name;
  }
  await flush();
  return counts;
}

async function insert(tx: SqlTransaction, table: string, rows: readonly string[]): Promise<void> {
  // Tables of schema auth belong to another role than the rest.
  await tx`SELECT set_config('role', ${table.startsWith("auth.") ? "blockbot_authn" : "blockbot_owner"}, true)`;
  await tx`INSERT INTO ${tx(table)} OVERRIDING SYSTEM VALUE
    SELECT * FROM jsonb_populate_recordset(NULL::${tx(table)}, ${`[${rows.join(",")}]`}::text::jsonb)`;
}

/** Lets the tables' owner past their walls, in this transaction; returns the tables, for `raiseWalls`. */
async function lowerWalls(tx: SqlTransaction): Promise<string[]> {
  const forced = await tx<{ name: string }[]>`
    SELECT oid::regclass::text AS name FROM pg_class WHERE relforcerowsecurity AND relnamespace = 'app'::regnamespace`;
  for (const { name } of forced) await tx`ALTER TABLE ${tx(name)} NO FORCE ROW LEVEL SECURITY`;
  return forced.map(({ name }) => name);
}

async function raiseWalls(tx: SqlTransaction, tables: readonly string[]): Promise<void> {
  await tx`SELECT set_config('role', 'blockbot_owner', true)`;
  for (const name of tables) await tx`ALTER TABLE ${tx(name)} FORCE ROW LEVEL SECURITY`;
}

// Rows bring their numbers along; the next new one must not meet them.
async function moveSequences(tx: SqlTransaction): Promise<void> {
  await tx`SELECT set_config('role', 'blockbot_owner', true)`;
  const counted = await tx<{ name: string; column: string; sequence: string }[]>`
    SELECT c.oid::regclass::text AS name, a.attname AS column, pg_get_serial_sequence(c.oid::regclass::text, a.attname) AS sequence
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace IN ('app'::regnamespace, 'pipeline'::regnamespace)
      AND pg_get_serial_sequence(c.oid::regclass::text, a.attname) IS NOT NULL`;
  for (const { name, column, sequence } of counted)
    await tx`SELECT setval(${sequence}::regclass, (SELECT coalesce(max(${tx(column)}), 0) + 1 FROM ${tx(name)}), false)`;
}
