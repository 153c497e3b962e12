import { createSql } from "../../db/client.ts";

/** Everything that a world's database holds, as text, and what it holds as bytes once more as if it were text. */
export async function dumpOf(world: { readonly adminDatabaseUrl: string }): Promise<string> {
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const columns = await sql`SELECT c.oid::regclass::text AS name, array_agg(quote_ident(a.attname)) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text IN ('app', 'auth', 'pipeline', 'pgboss') GROUP BY c.oid`;
  const texts: string[] = [];
  for (const { name, columns: names } of columns)
    for (const row of await sql.unsafe(`SELECT ${(names as string[]).join()} FROM ${name}`))
      for (const value of Object.values(row))
        texts.push(
          value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : JSON.stringify(value),
        );
  await sql.end();
  return texts.join("\n");
}
