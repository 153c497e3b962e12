import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import { ALICE, GROUP, hasButton, startWorld } from "./world.ts";

test("/settings changes a person's language at once, in the same message, and in what is said afterwards", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "/settings" });
  const shown = await world.hears(ALICE, "Language: English");
  expect(shown.buttons.map((row) => row.map(({ text }) => text))).toEqual([
    ["English", "Deutsch", "Русский"],
    ["Time zone"],
    ["Stop telling me of outages"],
    ["How I answer “Alice's team”"],
  ]);
  world.press(ALICE, "Stop telling me of outages");
  const muted = () => world.heard(ALICE).some((message) => hasButton(message, "Tell me of outages"));
  await world.telegram.waitFor(muted);
  world.press(ALICE, "Tell me of outages");
  await world.telegram.waitFor(() => !muted());
  const press = world.press(ALICE, "Deutsch");
  const changed = await world.hears(ALICE, "Sprache: Deutsch");
  expect(changed.messageId).toBe(shown.messageId);
  await world.telegram.waitFor(() => world.telegram.callbackAnswer(press));
  world.telegram.say({ from: ALICE, text: "/stop" });
  await world.hears(ALICE, "Hier wird gerade nichts beantwortet.");
  world.press(ALICE, "Русский");
  await world.hears(ALICE, "Язык: Русский");
  world.telegram.say({ from: ALICE, text: "/help" });
  await world.hears(ALICE, "ваш язык и часовой пояс");
});

test("a time zone is chosen by a button or by the name of a city, and Claude is told the time in it", async () => {
  await using world = await startWorld(() => ({ text: "Noted." }), { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  const ask = async () => {
    const before = world.heard(ALICE).length;
    telegram.say({ from: ALICE, text: "/settings" });
    await telegram.waitFor(() => world.heard(ALICE)[before]);
    world.press(ALICE, "Time zone");
    await telegram.waitFor(() => world.heard(ALICE)[before]?.text.includes("Which time zone"));
  };
  await ask();
  world.press(ALICE, "Europe/London");
  await world.hears(ALICE, "Time zone: Europe/London (it is ");
  await ask();
  telegram.say({ from: ALICE, text: "são paulo" });
  await world.hears(ALICE, "Time zone: America/Sao_Paulo");
  await ask();
  telegram.say({ from: ALICE, text: "san" });
  await world.hears(ALICE, "Several places are called that");
  telegram.say({ from: ALICE, text: "Santo Domingo" });
  await world.hears(ALICE, "Time zone: America/Santo_Domingo");
  expect(world.claude.requests).toHaveLength(0);

  await ask();
  telegram.say({ from: ALICE, text: "where is the printer?" });
  await world.hears(ALICE, "I do not know a time zone of that name");
  telegram.say({ from: ALICE, text: "where is the printer?" });
  await world.hears(ALICE, "Noted.");
  expect(JSON.stringify(world.claude.requests[0])).toContain("America/Santo_Domingo");

  await ask();
  world.press(ALICE, "Back");
  await telegram.waitFor(() => world.heard(ALICE).at(-1)?.text.includes("Time zone: America/Santo_Domingo"));
  telegram.say({ from: ALICE, text: "Berlin" });
  await telegram.waitFor(() => world.claude.requests.length === 2); // nobody waits for a city any more
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const rows =
    await sql`SELECT detail->>'to' AS zone FROM app.audit_log WHERE action = 'account.time_zone' ORDER BY seq`;
  await sql.end();
  expect(rows.map((row) => row["zone"])).toEqual([
    "Europe/London",
    "America/Sao_Paulo",
    "America/Santo_Domingo",
  ]);
});

test("in a group /settings points to the private chat", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  await world.claimTeam();
  world.telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  world.telegram.say({ from: ALICE, chat: GROUP, text: "/settings@blockbot_demo_bot" });
  await world.hears(GROUP, "That works in our private chat only");
  expect(world.heard(GROUP).every(({ buttons }) => buttons.length === 0)).toBe(true);
});
