import { createTestDatabase } from "../../db/test-db.ts";
import { prepareDatabase } from "./prepare.ts";

/** A database of its own as `createTestDatabase` makes one, with the roles and their grants, but nothing migrated. For tests only. */
export async function createEmptyDatabase() {
  const database = await createTestDatabase();
  await database.drop();
  const server = new URL(database.adminUrl);
  const name = server.pathname.slice(1);
  const password = decodeURIComponent(server.password);
  server.pathname = "/postgres";
  const passwords = { app: password, migrate: password, backup: password };
  await prepareDatabase({ adminUrl: server.toString(), database: name, passwords });
  return database;
}
