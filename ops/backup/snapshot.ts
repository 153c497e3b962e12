import { createSql, type Sql } from "../../db/client.ts";

/** What a backup says of itself, in its first line. */
export type Manifest = {
  readonly format: 1;
  readonly version: string;
  readonly takenAt: string;
  /** How many migrations its database had. */
  readonly migrations: number;
  /** Rows per table, in the order in which they can be put back. */
  readonly tables: Readonly<Record<string, number>>;
};

const SCHEMAS = ["app", "auth", "pipeline"];
const ROWS_PER_FETCH = 500;

/**
 * Every row of every team as lines, from one moment: a manifest, then per table
 * a line with its name and a line of JSON for each row. `url` is the login that
 * may read around the walls. Jobs of the job engine are left out: what is due
 * by the clock comes back by itself.
 */
export async function* snapshotOf(url: string, version: string): AsyncGenerator<string> {
  const sql = createSql(url, { max: 1 });
  try {
    await sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`;
    const tables = await inOrder(sql);
    const counts: [string, number][] = [];
    for (const table of tables) {
      const [row] = await sql`SELECT count(*)::int AS rows FROM ${sql(table)}`;
      counts.push([table, Number(row?.["rows"])]);
    }
    const manifest: Manifest = {
      format: 1,
      version,
      takenAt: new Date().toISOString(),
      migrations: await migrationsOf(sql),
      tables: Object.fromEntries(counts),
    };
    yield JSON.stringify(manifest);
    for (const table of tables) {
      yield JSON.stringify({ table });
      const rows = sql`SELECT to_jsonb(t)::text AS row FROM ${sql(table)} t`.cursor(ROWS_PER_FETCH);
      for await (const batch of rows) for (const { row } of batch) yield String(row);
    }
  } finally {
    await sql.end();
  }
}

async function migrationsOf(sql: Sql): Promise<number> {
  const [row] = await sql`SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations`;
  return Number(row?.["n"]);
}

/** The tables, each after those that it refers to. */
async function inOrder(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string; needs: string[] }[]>`
    SELECT c.oid::regclass::text AS name,
      array(SELECT DISTINCT k.confrelid::regclass::text FROM pg_constraint k
            WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid) AS needs
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname = ANY (${SCHEMAS}) ORDER BY 1`;
  const placed: string[] = [];
  let waiting = [...rows];
  while (waiting.length > 0) {
    const free = waiting.filter(({ needs }) => needs.every((need) => placed.includes(need)));
    if (free.length === 0)
      throw new Error(
        `tables refer to each other in a circle: ${waiting.map(({ name }) => name).join(", ")}`,
      );
    placed.push(...free.map(({ name }) => name));
    waiting = waiting.filter((table) => !free.includes(table));
  }
  return placed;
}
