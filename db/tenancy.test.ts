import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { createDatabase, createSql, type Tx } from "./client.ts";
import { users } from "./schema/teams.ts";
import { DatabaseError, inSystem, inTenant } from "./tenant.ts";
import { createTestDatabase } from "./test-db.ts";
import { seedTeam } from "./test-teams.ts";

const REFUSED = "42501";
const OPERATIONS = 200;
const RUNS = 4;

test("the runtime role reaches nothing around the walls, and a refusal names none of another team's values", async () => {
  await using it = await start(2);
  const [mine, theirs] = it.teams;
  const refusal = async (statement: ReturnType<typeof sql>) => {
    const err = await inTenant(mine, (tx) => tx.execute(statement)).catch((thrown: unknown) => thrown);
    if (!(err instanceof DatabaseError)) throw new Error("it was not refused", { cause: err });
    // Neither an id nor a name of the other team.
    expect(err.message).not.toContain(theirs.orgId);
    expect(err.message).not.toContain("team 2");
    return err.code;
  };
  const groups = sql`INSERT INTO app.groups (org_id, id, name)`;
  expect(await refusal(sql`${groups} VALUES (${theirs.orgId}, gen_random_uuid(), 'planted')`)).toBe(REFUSED);
  expect(await refusal(sql`UPDATE app.groups SET org_id = ${theirs.orgId}`)).toBe(REFUSED);
  expect(await refusal(sql`SELECT * FROM auth.accounts`)).toBe(REFUSED);
  expect(await refusal(sql`INSERT INTO app.audit_log SELECT * FROM app.audit_log`)).toBe(REFUSED);
  expect(await refusal(sql`TRUNCATE app.turns`)).toBe(REFUSED);
  expect(await refusal(sql`SET ROLE blockbot_owner`)).toBe(REFUSED);
});

// How long a refusal takes is left alone: a look into one index is far below what a network hides, and ids are random.
test("TN-11: neither errors, nor ids, nor numbers that were skipped tell one team of another's rows", async () => {
  await using it = await start(2);
  const [mine, theirs] = it.teams;
  const attempt = (statement: ReturnType<typeof sql>) =>
    inTenant(mine, (tx) => tx.execute(statement)).catch((thrown: unknown) => thrown);
  // A row that another team has and one that nobody has are refused in the same words.
  const member = (group: string) =>
    attempt(sql`INSERT INTO app.group_members (org_id, group_id, user_id)
      SELECT ${mine.orgId}::uuid, ${group}::uuid, id FROM app.users`);
  const [foreign, random] = [await member(theirs.id("groups")), await member(crypto.randomUUID())];
  expect(foreign).toBeInstanceOf(DatabaseError);
  expect(foreign).toEqual(random);
  // Nor is an id taken because another team has it.
  const copied = await attempt(
    sql`INSERT INTO app.groups (org_id, id, name) VALUES (${mine.orgId}, ${theirs.id("groups")}, 'mine') RETURNING name`,
  );
  expect(copied).toMatchObject([{ name: "mine" }]);
  // A group in Telegram belongs to one team, and that is all that another one learns of it.
  await inTenant(theirs, (tx) => tx.execute(sql`UPDATE app.chats SET kind = 'group', telegram_chat_id = -7`));
  const taken = await attempt(sql`UPDATE app.chats SET kind = 'group', telegram_chat_id = -7`);
  expect(taken).toMatchObject({ code: "23505", constraint: "chats_claimed_group" });
  expect(JSON.stringify(taken) + String(taken)).not.toMatch(new RegExp(`${theirs.orgId}|-7|team 2`));
  // Nothing of a team is numbered from a sequence that all of them share.
  const admin = createSql(it.adminUrl, { max: 1 });
  const sequences = await admin`SELECT c.relname FROM pg_class c
    WHERE c.relkind = 'S' AND c.relnamespace = 'app'::regnamespace`;
  await admin.end();
  expect([...sequences]).toEqual([]);
});

test("TN-02: whatever teams do at the same time, each sees exactly what it has written itself", async () => {
  const operation = fc.record({
    team: fc.nat(4),
    kind: fc.constantFrom("put", "put", "rename", "remove", "clear", "fail"),
    key: fc.nat(5),
  });
  await using it = await start(5);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 5 }),
      fc.array(operation, { minLength: OPERATIONS, maxLength: OPERATIONS }),
      async (count, operations) => {
        const teams = it.teams.slice(0, count);
        const of = (index: number) => operations.filter(({ team }) => team % count === index);
        await Promise.all(teams.map((team, index) => follow(team, of(index))));
      },
    ),
    { numRuns: RUNS },
  );
}, 60_000);

test("TN-05: without a team nothing is visible, and a transaction of one team cannot become another's", async () => {
  await using it = await start(2);
  const [mine, theirs] = it.teams;
  const seen = async (tx: Tx) => tx.select({ orgId: users.orgId }).from(users);
  expect(await inSystem(it.app, seen)).toEqual([]);
  await expect(inTenant(mine, () => inTenant(theirs, seen))).rejects.toThrow("another");
  // It comes to the same inside a savepoint, after a failure, and when two teams ask to join at once.
  await expect(inTenant(mine, (tx) => tx.transaction(() => inTenant(theirs, seen)))).rejects.toThrow(
    "another",
  );
  const caught = inTenant(mine, async (tx) => {
    await tx.transaction((savepoint) => savepoint.execute(sql`SELECT 1 / 0`)).catch(() => undefined);
    return [...(await seen(tx)), ...(await inTenant(theirs, seen).catch(() => []))];
  });
  expect(await caught).toEqual([{ orgId: mine.orgId }]);
  const both = inSystem(it.app, () => Promise.allSettled([inTenant(mine, seen), inTenant(theirs, seen)]));
  expect(await both).toMatchObject([
    { status: "fulfilled", value: [{ orgId: mine.orgId }] },
    { status: "rejected" },
  ]);
  expect(await inSystem(it.app, () => inTenant(mine, seen))).toEqual([{ orgId: mine.orgId }]);
  await expect(inTenant({ ...mine, orgId: "not-a-uuid" }, seen)).rejects.toThrow(DatabaseError);
  // The connections went back to the pool without a team.
  for (let i = 0; i < 5; i++) expect(await inSystem(it.app, seen)).toEqual([]);
});

test("TN-05: the pool's own handle sees nothing, not even inside a team's transaction", async () => {
  await using it = await start(2);
  const [mine] = it.teams;
  const { db } = it.app.database;
  const inside = inTenant(mine, () => db.select().from(users));
  expect(await inside).toEqual([]);
  await expect(
    inTenant(mine, () => db.execute(sql`INSERT INTO app.groups (org_id, name) VALUES (${mine.orgId}, 'x')`)),
  ).rejects.toThrow();
});

test("TN-05: work that outlives its transaction runs in one of its own, and a handle that does runs nowhere", async () => {
  await using it = await start(2, 1); // one connection: the next transaction has the very same
  const [mine, theirs] = it.teams;
  const seen = async (tx: Tx) => tx.select({ orgId: users.orgId }).from(users);
  const cleared = async (tx: Tx) => tx.execute(sql`DELETE FROM app.group_members`);
  const release = Promise.withResolvers<void>();
  let late: Promise<unknown> = Promise.resolve();
  const kept = await inTenant(mine, async (tx) => {
    late = release.promise.then(() => inTenant(theirs, seen));
    return { tx, savepoint: await tx.transaction(async (savepoint) => savepoint) };
  });
  release.resolve();
  expect(await late).toEqual([{ orgId: theirs.orgId }]);

  await inTenant(theirs, async (tx) => {
    for (const handle of [kept.tx, kept.savepoint]) {
      await expect(seen(handle)).rejects.toThrow();
      await expect(cleared(handle)).rejects.toThrow();
      await expect(handle.transaction(seen)).rejects.toThrow();
    }
    const [members] = await tx.execute(sql`SELECT count(*)::int AS n FROM app.group_members`);
    expect(members).toEqual({ n: 1 });
  });
  // A savepoint that was undone leaves the transaction usable, and its own handle not.
  await inTenant(mine, async (tx) => {
    let inner: Tx = tx;
    await tx
      .transaction(async (savepoint) => {
        inner = savepoint;
        throw new Error("undone");
      })
      .catch(() => undefined);
    await expect(seen(inner)).rejects.toThrow();
    expect(await seen(tx)).toEqual([{ orgId: mine.orgId }]);
  });
});

test("what Postgres refused is reported without the values of the query", async () => {
  await using it = await start(2);
  const secret = "the-secret-value";
  const other = crypto.randomUUID();
  for (const [statement, reason] of [
    [sql`SELECT ${secret}::text, 1 / 0`, "22012 division by zero"],
    [sql`SELECT ${secret}::text::uuid`, "22P02 invalid input syntax for type uuid"],
    [sql`SELECT ${`{"a": ${secret}`}::text::jsonb`, "22P02 invalid input syntax for type json"],
    [
      sql`SELECT ${secret}::text::timestamptz`,
      "22007 invalid input syntax for type timestamp with time zone",
    ],
    [sql`SELECT to_date(${secret}::text, 'YYYY')`, "22007 invalid value"],
    [sql`INSERT INTO app.groups (org_id, name) VALUES (${other}, ${secret})`, "42501"],
  ] as const) {
    const err = await inTenant(it.teams[0], (tx) => tx.execute(statement)).catch((thrown: unknown) => thrown);
    expect(err).toBeInstanceOf(DatabaseError);
    expect(String(err)).toContain(`database refused: ${reason}`);
    expect(JSON.stringify(err) + String(err) + (err as Error).stack).not.toContain(secret);
  }
});

type Team = Awaited<ReturnType<typeof start>>["teams"][number];
type Operation = { kind: "put" | "rename" | "remove" | "clear" | "fail"; key: number };

/** Does a team's operations one after the other, none of them with a WHERE on the team, and compares after each. */
async function follow(team: Team, operations: readonly Operation[]): Promise<void> {
  const model = new Map<string, string>();
  await inTenant(team, (tx) => tx.execute(sql`DELETE FROM app.groups`));
  for (const [n, { kind, key }] of operations.entries()) {
    // The same ids in every team.
    const id = `00000000-0000-4000-8000-00000000000${key}`;
    const name = `${team.orgId} ${n}`;
    const put = sql`INSERT INTO app.groups (org_id, id, name) VALUES (${team.orgId}, ${id}, ${name})
      ON CONFLICT (org_id, id) DO UPDATE SET name = excluded.name`;
    await inTenant(team, async (tx) => {
      if (kind === "put" || kind === "fail") await tx.execute(put);
      if (kind === "rename") await tx.execute(sql`UPDATE app.groups SET name = ${name}`);
      if (kind === "remove") await tx.execute(sql`DELETE FROM app.groups WHERE id = ${id}`);
      if (kind === "clear") await tx.execute(sql`DELETE FROM app.groups`);
      if (kind === "fail") throw new Error("undone");
    }).catch((err: unknown) => {
      if (kind !== "fail") throw err;
    });
    if (kind === "put") model.set(id, name);
    if (kind === "rename") for (const known of model.keys()) model.set(known, name);
    if (kind === "remove") model.delete(id);
    if (kind === "clear") model.clear();
    const rows = await inTenant(team, (tx) =>
      tx.execute<{ id: string; name: string }>(sql`SELECT id, name FROM app.groups`),
    );
    expect(new Map(rows.map((row) => [row.id, row.name]))).toEqual(model);
  }
}

/** Teams with one row in every table, and the runtime role's pool. */
async function start(count: number, max = 3) {
  const database = await createTestDatabase();
  const admin = createSql(database.adminUrl, { max: 1 });
  const app = { database: createDatabase(database.databaseUrl, { max }) };
  const team = async (number: number) => ({ app, ...(await seedTeam(admin, number)) });
  const [first, second] = [await team(1), await team(2)];
  const teams: [typeof first, typeof second, ...(typeof first)[]] = [first, second];
  for (let number = 3; number <= count; number += 1) teams.push(await team(number));
  await admin.end();
  return {
    app,
    teams,
    adminUrl: database.adminUrl,
    async [Symbol.asyncDispose](): Promise<void> {
      await app.database.close();
      await database.drop();
    },
  };
}
