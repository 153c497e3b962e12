import { expect, test } from "bun:test";
import { createSql } from "./client.ts";
import { createTestDatabase } from "./test-db.ts";
import { tryMatrix } from "./test-matrix.ts";
import { SEEDED_TABLES, seedTeam } from "./test-teams.ts";

test("TN-01: every table × operation × context does what its wall and its grants say, and a new table needs a seed", async () => {
  const database = await createTestDatabase();
  const admin = createSql(database.adminUrl, { max: 1 });
  const teams = [await seedTeam(admin, 1), await seedTeam(admin, 2)] as const;
  await admin.end();
  const { tables, checked, wrong } = await tryMatrix(database.adminUrl, teams);
  expect(tables.toSorted()).toEqual([...SEEDED_TABLES].toSorted());
  expect(wrong).toEqual([]);
  expect(checked).toBeGreaterThan(SEEDED_TABLES.length * 30);
  await database.drop();
});
