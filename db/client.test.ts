import { expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";
import { sql } from "drizzle-orm";
import { createDatabase, createSql, type Tx } from "./client.ts";
import { DatabaseError, inSystem, isAway, oneInSystem } from "./tenant.ts";
import { createTestDatabase } from "./test-db.ts";

const SESSION = sql`SELECT pg_backend_pid() AS pid`;

test("a connection that dies in a transaction fails that transaction, whenever it is noticed, and nothing else", async () => {
  await using database = await createTestDatabase();
  const admin = createSql(database.adminUrl, { max: 1 });
  const app = { database: createDatabase(database.databaseUrl, { max: 1 }) };
  const kill = async (tx: Tx): Promise<void> => {
    const [session] = await tx.execute<{ pid: number }>(SESSION);
    await admin`SELECT pg_terminate_backend(${session?.pid ?? 0}, 5000)`;
    await Bun.sleep(50); // the end of the connection has been read by then
  };
  const endings: [when: string, work: (tx: Tx) => Promise<unknown>][] = [
    ["at the commit", kill],
    ["by a statement", async (tx) => kill(tx).then(() => tx.execute(SESSION))],
    ["when something else fails", async (tx) => kill(tx).then(() => Promise.reject(new Error("else")))],
    [
      "during a statement",
      (tx) => tx.execute(sql`SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(10)`),
    ],
    [
      "by a statement that nobody minds",
      async (tx) => kill(tx).then(() => tx.execute(SESSION).catch(() => null)),
    ],
    ["in a savepoint", (tx) => tx.transaction((savepoint) => kill(savepoint))],
  ];
  for (const [when, work] of endings) {
    const err = await inSystem(app, work).catch((thrown: unknown) => thrown);
    expect([when, err instanceof DatabaseError, isAway(err)]).toEqual([when, true, true]);
    // The driver may say once more why the last connection ended.
    const again = () => inSystem(app, (tx) => tx.execute<{ pid: number }>(SESSION));
    const [session] = await again().catch(again);
    expect(session?.pid).toBeGreaterThan(0);
  }
  await app.database.close();
  await admin.end();
});

test("behind any number of statements, a transaction has its connection for itself", async () => {
  await using database = await createTestDatabase();
  const app = { database: createDatabase(database.databaseUrl, { max: 2 }) };
  const held = Promise.withResolvers<void>();
  const holding = inSystem(app, () => held.promise);
  for (let before = 99; before < 103; before += 1) {
    const statements = Array.from({ length: before }, () => oneInSystem(app, sql`SELECT pg_sleep(0.001)`));
    await new Promise(setImmediate); // they have been sent
    const transaction = inSystem(app, async (tx) => {
      const id = sql`SELECT pg_current_xact_id()::text AS id`;
      expect([...(await tx.execute(id))]).toEqual([...(await tx.execute(id))]);
    });
    await Promise.all([...statements, transaction]);
    // A transaction that was left open would hold what comes after it.
    const [next] = await oneInSystem(app, sql`SELECT pg_current_xact_id_if_assigned() AS id`);
    expect(next).toEqual({ id: null });
  }
  held.resolve();
  await holding;
  await app.database.close();
});

test("a server that ends a connection before it has been used ends nothing else", async () => {
  const said = (type: string, body: string): Buffer => {
    const message = Buffer.from(`${type}0000${body}`, "latin1");
    message.writeUInt32BE(message.length - 1, 1);
    return message;
  };
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      socket.once("data", () =>
        socket.end(said("E", "SFATAL\0VFATAL\0C57P01\0Mgoing away\0\0"), () => socket.destroy()),
      );
      socket.write(Buffer.concat([said("R", "\0\0\0\0"), said("Z", "I")]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const app = { database: createDatabase(`postgres://nobody@127.0.0.1:${port}/none`) };
  for (const ask of [() => oneInSystem(app, SESSION), () => inSystem(app, (tx) => tx.execute(SESSION))]) {
    const err = await ask().catch((thrown: unknown) => thrown);
    expect([err instanceof DatabaseError, isAway(err)]).toEqual([true, true]);
  }
  server.close(); // no connection is left to be closed
});
