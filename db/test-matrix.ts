import { createSql, type Sql } from "./client.ts";
import type { SeededTeam } from "./test-teams.ts";

// Of the instance, not of a team.
const NO_TEAM = ["instance", "instance_quotas"];
const REFUSED = "42501";
const GARBAGE = "22P02";
const NO_SUCH_ROW = "23503";

/** Whose context a statement about the first team's row runs in. */
const CONTEXTS = ["own", "other", "none", "empty", "garbage"] as const;
type Context = (typeof CONTEXTS)[number];
const OPERATIONS = ["select", "insert", "update", "delete", "upsert", "move"] as const;
type Operation = (typeof OPERATIONS)[number];
/** How many rows were seen or changed, or the SQLSTATE. */
type Outcome = number | string;

type Table = {
  readonly name: string;
  readonly wall: string;
  readonly key: readonly string[];
  readonly columns: readonly string[];
  readonly grants: ReadonlySet<string>;
  readonly updatable: readonly string[];
  readonly foreignKeys: readonly {
    readonly columns: readonly string[];
    readonly to: string;
    readonly keys: readonly string[];
  }[];
};

/** What came of the matrix: which tables it met, how many cells it looked at, and those that did not do what they should. */
type Matrix = {
  readonly tables: readonly string[];
  readonly checked: number;
  readonly wrong: readonly object[];
};

/**
 * Tries every table × operation × context, and every key that could point into
 * the other team, as the runtime role. Changes nothing. Both teams must have
 * been seeded. For tests only.
 */
export async function tryMatrix(adminUrl: string, teams: readonly [SeededTeam, SeededTeam]): Promise<Matrix> {
  const it = openMatrix(adminUrl, teams);
  try {
    const wrong: object[] = [];
    let checked = 0;
    const compare = (cell: object, expected: Outcome, actual: Outcome): void => {
      checked += 1;
      if (actual !== expected) wrong.push({ ...cell, expected, actual });
    };
    const tables = await it.tables();
    for (const table of tables) {
      for (const operation of OPERATIONS)
        for (const context of CONTEXTS)
          compare(
            { table: table.name, operation, context },
            expectedOf(table, operation, context),
            await it.run(table, operation, context),
          );
      for (const key of table.foreignKeys) {
        const mayChange = key.columns.every((column) => table.updatable.includes(column));
        const expected = mayChange || table.grants.has("INSERT") ? NO_SUCH_ROW : REFUSED;
        compare({ table: table.name, key }, expected, await it.pointAtOther(table, key, mayChange));
      }
    }
    return { tables: tables.map(({ name }) => name), checked, wrong };
  } finally {
    await it.close();
  }
}

// What the design says, from the grants alone: a wall answers with nothing, or with a refusal when a row would cross it.
function expectedOf(table: Table, operation: Operation, context: Context): Outcome {
  const { grants, updatable, wall } = table;
  const granted: Record<Operation, boolean> = {
    select: grants.has("SELECT"),
    insert: grants.has("INSERT"),
    update: updatable.length > 0,
    delete: grants.has("DELETE"),
    upsert: grants.has("INSERT") && updatable.length > 0,
    move: updatable.includes(wall),
  };
  if (!granted[operation]) return REFUSED;
  if (context === "garbage") return GARBAGE;
  const isWrite = operation === "insert" || operation === "upsert";
  if (context === "own") return operation === "move" ? REFUSED : 1;
  return isWrite ? REFUSED : 0;
}

function openMatrix(adminUrl: string, teams: readonly [SeededTeam, SeededTeam]) {
  const admin = createSql(adminUrl, { max: 1 });
  const [mine, theirs] = teams;
  const contexts: Record<Context, string | null> = {
    own: mine.orgId,
    other: theirs.orgId,
    none: null,
    empty: "",
    garbage: "not-a-uuid",
  };
  const rowOf = async (table: Table, team: SeededTeam): Promise<Record<string, unknown>> => {
    const [row] =
      await admin`SELECT to_jsonb(t) AS row FROM ${admin(`app.${table.name}`)} t WHERE ${admin(table.wall)} = ${team.orgId}`;
    // safe: every table was seeded for every team
    return row?.["row"] as Record<string, unknown>;
  };
  // Without its foreign keys looked at: only this one row goes.
  const withoutRow = (table: Table) => async (tx: Sql) => {
    await tx`SET LOCAL session_replication_role = replica`;
    await tx`DELETE FROM ${tx(`app.${table.name}`)} WHERE ${tx(table.wall)} = ${mine.orgId}`;
    await tx`SET LOCAL session_replication_role = origin`;
  };
  return {
    tables: () => tablesOf(admin),
    async run(table: Table, operation: Operation, context: Context): Promise<Outcome> {
      const row = await rowOf(table, mine);
      const statement = statementsOf(table, { row, teams, isOwn: context === "own" })[operation];
      const prepare = operation === "insert" ? withoutRow(table) : undefined;
      return attempt(admin, { context: contexts[context], statement, prepare });
    },
    /** Lets the own row point at the other team's row instead, by a change or by a new row. */
    async pointAtOther(table: Table, key: Table["foreignKeys"][number], byChange: boolean): Promise<Outcome> {
      const target = await rowOf(
        { ...table, name: key.to, wall: key.to === "organizations" ? "id" : "org_id" },
        theirs,
      );
      const foreign = Object.fromEntries(key.columns.map((column, i) => [column, target[key.keys[i] ?? ""]]));
      const row = { ...(await rowOf(table, mine)), ...foreign };
      return attempt(admin, {
        context: mine.orgId,
        statement: byChange
          ? (tx) => tx`UPDATE ${tx(`app.${table.name}`)} SET ${tx(foreign)} RETURNING 1`
          : (tx) => tx`${insertion(tx, table, row)} RETURNING 1`,
        prepare: byChange ? undefined : withoutRow(table),
      });
    },
    close: () => admin.end(),
  };
}

type Statement = (tx: Sql) => PromiseLike<readonly unknown[]>;

/** Every operation on the first team's row. In one's own team without a WHERE: what is not one's own must not be met. */
function statementsOf(
  table: Table,
  given: { row: object; teams: readonly [SeededTeam, SeededTeam]; isOwn: boolean },
): Record<Operation, Statement> {
  const [mine, theirs] = given.teams;
  const name = `app.${table.name}`;
  const column = table.updatable[0] ?? table.columns.at(-1) ?? "";
  const isMine = (tx: Sql) => tx`${tx(table.wall)} = ${mine.orgId}`;
  const where = (tx: Sql) => (given.isOwn ? tx`` : tx`WHERE ${isMine(tx)}`);
  return {
    select: (tx) => tx`SELECT 1 FROM ${tx(name)} ${where(tx)}`,
    insert: (tx) => tx`${insertion(tx, table, given.row)} RETURNING 1`,
    update: (tx) => tx`UPDATE ${tx(name)} SET ${tx(column)} = ${tx(column)} ${where(tx)} RETURNING 1`,
    delete: (tx) => tx`DELETE FROM ${tx(name)} ${where(tx)} RETURNING 1`,
    upsert: (tx) => tx`${insertion(tx, table, given.row)} ON CONFLICT (${tx([...table.key])})
      DO UPDATE SET ${tx(column)} = excluded.${tx(column)} RETURNING 1`,
    move: (tx) =>
      tx`UPDATE ${tx(name)} SET ${tx(table.wall)} = ${theirs.orgId} WHERE ${isMine(tx)} RETURNING 1`,
  };
}

function insertion(tx: Sql, table: Table, row: object) {
  return tx`INSERT INTO ${tx(`app.${table.name}`)} (${tx([...table.columns])})
    SELECT ${tx([...table.columns])} FROM jsonb_populate_record(NULL::${tx(`app.${table.name}`)}, ${JSON.stringify(row)}::text::jsonb)`;
}

/** Runs one statement as the runtime role in a context, after what `prepare` does as the superuser, and undoes all of it. */
async function attempt(
  admin: Sql,
  given: {
    context: string | null;
    statement: Statement;
    prepare: ((tx: Sql) => Promise<unknown>) | undefined;
  },
): Promise<Outcome> {
  const undone = new Error("undone");
  let outcome: Outcome = "nothing";
  await admin
    .begin(async (transaction) => {
      const tx = transaction as unknown as Sql; // safe: only the tagged template is used
      await given.prepare?.(tx);
      await tx`SET LOCAL ROLE blockbot_app`;
      if (given.context !== null) await tx`SELECT set_config('app.current_org_id', ${given.context}, true)`;
      outcome = (await given.statement(tx)).length;
      throw undone;
    })
    .catch((err: unknown) => {
      if (err !== undone) outcome = err instanceof Error && "code" in err ? String(err.code) : String(err);
    });
  return outcome;
}

async function tablesOf(admin: Sql): Promise<Table[]> {
  const rows = await admin`SELECT c.relname AS name,
      CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'org_id' END AS wall,
      (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
      (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND has_column_privilege('blockbot_app', c.oid, a.attnum, 'UPDATE')) AS updatable,
      (SELECT array_agg(a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
      (SELECT array_agg(p) FROM unnest(ARRAY['SELECT', 'INSERT', 'DELETE']) p WHERE has_table_privilege('blockbot_app', c.oid, p)) AS grants,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('to', f.relname,
          'columns', (SELECT jsonb_agg(a.attname) FROM unnest(k.conkey, k.confkey) AS u (own, far) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own AND a.attname <> 'org_id'),
          'keys', (SELECT jsonb_agg(b.attname) FROM unnest(k.conkey, k.confkey) AS u (own, far)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own AND a.attname <> 'org_id'
            JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.far))), '[]')
        FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND f.relnamespace = 'app'::regnamespace AND f.relname <> 'organizations') AS "foreignKeys"
    FROM pg_class c WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> ALL (${NO_TEAM}) ORDER BY c.relname`;
  return rows.map((row) => ({
    // safe: the query above names and shapes these columns
    ...(row as unknown as Table),
    grants: new Set((row["grants"] as string[] | null) ?? []),
    updatable: (row["updatable"] as string[] | null) ?? [],
  }));
}
