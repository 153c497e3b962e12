import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import { ALICE, GROUP, startWorld, STRANGER, until } from "./world.ts";

const AT = "@blockbot_demo_bot";

test("a stranger is refused once a day wherever they write, their words are kept nowhere, and the operator is told of them at once and once", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, chat: GROUP, text: `/claim${AT}` });
  await world.hears(GROUP, "now belongs to");
  telegram.say({ from: STRANGER, text: "canary: let me in" });
  await world.hears(STRANGER, "I only talk with the members of a team");
  const told = await world.hears(ALICE, "wrote to me and is in no team");
  expect(told.text).toContain(`Sam (Telegram id ${STRANGER})`);
  expect(told.text).not.toContain("canary");

  for (const text of ["canary: please", "/status", "/audit", "/connect slack"])
    telegram.say({ from: STRANGER, text });
  telegram.say({ from: STRANGER, chat: GROUP, text: `${AT} canary` });
  telegram.say({ from: ALICE, text: "and I?" });
  await world.hears(ALICE, "Hello from Claude.");
  await until(() => world.log.filter(({ msg }) => msg === "update").length === 9);
  expect(world.heard(STRANGER)).toHaveLength(1);
  expect(world.heard(ALICE).filter(({ text }) => text.includes("is in no team"))).toHaveLength(1);
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const kept = await sql`SELECT payload FROM pipeline.updates WHERE payload IS NOT NULL`;
  await sql.end();
  expect(JSON.stringify([world.log, world.claude.requests, kept])).not.toContain("canary");
});
