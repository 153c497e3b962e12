import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { createDatabase, createSql, type Database } from "./client.ts";
import { organizations, users } from "./schema/teams.ts";
import { DatabaseError, inSystem, inTenant } from "./tenant.ts";
import { createTestDatabase } from "./test-db.ts";

const MINE = "11111111-1111-4111-8111-111111111111";
const THEIRS = "22222222-2222-4222-8222-222222222222";

async function twoTeams(adminUrl: string): Promise<void> {
  const admin = createSql(adminUrl, { max: 1 });
  for (const [orgId, telegramId] of [
    [MINE, 1],
    [THEIRS, 2],
  ] as const) {
    await admin`INSERT INTO app.organizations (id, name) VALUES (${orgId}, ${`team ${telegramId}`})`;
    const [account] =
      await admin`INSERT INTO auth.accounts (telegram_user_id) VALUES (${telegramId}) RETURNING id`;
    const [user] =
      await admin`INSERT INTO app.users (org_id, account_id) VALUES (${orgId}, ${account?.["id"]}) RETURNING id`;
    const [chat] =
      await admin`INSERT INTO app.chats (org_id, bot_id, telegram_chat_id, kind) VALUES (${orgId}, 1, ${telegramId}, 'private') RETURNING id`;
    const [conversation] =
      await admin`INSERT INTO app.conversations (org_id, chat_id) VALUES (${orgId}, ${chat?.["id"]}) RETURNING id`;
    await admin`INSERT INTO app.turns (org_id, conversation_id, bot_id, update_id, lane, telegram_chat_id, asker_id, question, correlation_id)
      VALUES (${orgId}, ${conversation?.["id"]}, 1, ${telegramId}, 'lane', ${telegramId}, ${user?.["id"]}, 'secret of team', 'c')`;
    const [connection] =
      await admin`INSERT INTO app.cloud_connections (org_id, provider) VALUES (${orgId}, 'x') RETURNING id`;
    await admin`INSERT INTO app.credentials (org_id, connection_id, name, kind, kid, envelope)
      VALUES (${orgId}, ${connection?.["id"]}, 'x', 'api_key', 1, ${Buffer.alloc(40, 1)})`;
    await admin`INSERT INTO app.groups (org_id, name) VALUES (${orgId}, 'group')`;
  }
  await admin.end();
}

async function asApp<T>(databaseUrl: string, work: (app: { database: Database }) => Promise<T>): Promise<T> {
  const database = createDatabase(databaseUrl, { max: 3 });
  try {
    return await work({ database });
  } finally {
    await database.close();
  }
}

test("one team cannot see, change, take over or point at another's rows, even with no WHERE", async () => {
  await using database = await createTestDatabase();
  await twoTeams(database.adminUrl);
  await asApp(database.databaseUrl, async (app) => {
    const mine = { app, orgId: MINE };
    for (const table of [
      "organizations",
      "users",
      "chats",
      "conversations",
      "turns",
      "credentials",
      "groups",
    ]) {
      const column = table === "organizations" ? "id" : "org_id";
      const seen = await inTenant(mine, (tx) =>
        tx.execute<{ org: string }>(
          sql`SELECT ${sql.identifier(column)} AS org FROM ${sql.identifier("app")}.${sql.identifier(table)}`,
        ),
      );
      expect([table, ...seen.map((row) => row.org)]).toEqual([table, MINE]);
    }
    const renamed = await inTenant(mine, (tx) =>
      tx.update(organizations).set({ name: "taken" }).returning({ id: organizations.id }),
    );
    expect(renamed).toEqual([{ id: MINE }]);
    const deleted = await inTenant(mine, (tx) =>
      tx.execute(sql`DELETE FROM app.credentials WHERE org_id = ${THEIRS} RETURNING id`),
    );
    expect([...deleted]).toEqual([]);
    const refused = async (statement: ReturnType<typeof sql>) => {
      const err = await inTenant(mine, (tx) => tx.execute(statement)).catch((thrown: unknown) => thrown);
      return err instanceof DatabaseError ? err.code : "no error";
    };
    expect(await refused(sql`INSERT INTO app.groups (org_id, name) VALUES (${THEIRS}, 'planted')`)).toBe(
      "42501",
    );
    expect(await refused(sql`UPDATE app.groups SET org_id = ${THEIRS}`)).toBe("42501");
    expect(await refused(sql`SELECT * FROM auth.accounts`)).toBe("42501");
    expect(await refused(sql`INSERT INTO app.audit_log SELECT * FROM app.audit_log`)).toBe("42501");
    expect(await refused(sql`TRUNCATE app.turns`)).toBe("42501");
    expect(await refused(sql`SET ROLE blockbot_owner`)).toBe("42501");
    expect(
      await refused(sql`INSERT INTO app.conversations (org_id, chat_id) VALUES (${MINE}, gen_random_uuid())`),
    ).toBe("23503");
  });
});

test("without a team nothing is visible, and a transaction of one team cannot become another's", async () => {
  await using database = await createTestDatabase();
  await twoTeams(database.adminUrl);
  await asApp(database.databaseUrl, async (app) => {
    expect(await inSystem(app, (tx) => tx.select().from(users))).toEqual([]);
    await expect(
      inTenant({ app, orgId: MINE }, () => inTenant({ app, orgId: THEIRS }, (tx) => tx.select().from(users))),
    ).rejects.toThrow("another");
    const joined = await inSystem(app, () =>
      inTenant({ app, orgId: MINE }, (tx) => tx.select({ orgId: users.orgId }).from(users)),
    );
    expect(joined).toEqual([{ orgId: MINE }]);
    await expect(inTenant({ app, orgId: "not-a-uuid" }, (tx) => tx.select().from(users))).rejects.toThrow(
      DatabaseError,
    );
    // The connection went back to the pool without a team.
    for (let i = 0; i < 5; i++) expect(await inSystem(app, (tx) => tx.select().from(users))).toEqual([]);
  });
});

test("work that outlives its transaction does not run inside it", async () => {
  await using database = await createTestDatabase();
  await twoTeams(database.adminUrl);
  await asApp(database.databaseUrl, async (app) => {
    const release = Promise.withResolvers<void>();
    let late: Promise<unknown> = Promise.resolve();
    await inTenant({ app, orgId: MINE }, async () => {
      late = release.promise.then(() =>
        inTenant({ app, orgId: THEIRS }, (tx) => tx.select({ orgId: users.orgId }).from(users)),
      );
    });
    release.resolve();
    expect(await late).toEqual([{ orgId: THEIRS }]);
  });
});

test("what Postgres refused is reported without the values of the query", async () => {
  await using database = await createTestDatabase();
  await asApp(database.databaseUrl, async (app) => {
    const err = await inTenant({ app, orgId: MINE }, (tx) =>
      tx.execute(sql`SELECT ${"the-secret-value"}::text, 1 / 0`),
    ).catch((thrown: unknown) => thrown);
    expect(err).toBeInstanceOf(DatabaseError);
    expect(JSON.stringify(err) + String(err)).not.toContain("the-secret-value");
  });
});
