import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import { ALICE, BOB, GROUP, hasButton, startWorld, type World } from "./world.ts";

const SECRET = "my cat is called Zerberus";

async function inviteBob(world: World): Promise<void> {
  world.telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "https://t.me/");
  world.telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(text)?.[1] ?? ""}` });
  await world.hears(BOB, "You are a member");
}

async function fileNamed(world: World, chat: number, name: string): Promise<string> {
  const sent = await world.telegram.waitFor(() =>
    world.heard(chat).findLast(({ file }) => file?.name === name),
  );
  return (await fetch(`${world.telegram.url}${sent.file?.url ?? ""}`)).text();
}

/** Tables of the database in which this text stands. */
async function tablesWith(world: World, text: string): Promise<string[]> {
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const tables =
    await sql`SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('app', 'auth', 'pipeline', 'pgboss')`;
  const found: string[] = [];
  for (const { name } of tables) {
    const [row] = await sql.unsafe(
      `SELECT count(*)::int AS n FROM ${String(name)} t WHERE position($1 IN t::text) > 0`,
      [text],
    );
    if (row?.["n"] !== 0) found.push(String(name));
  }
  await sql.end();
  return found;
}

test("everybody gets what is kept about them as two files, has what they said deleted, and then themselves, and the log still holds", async () => {
  await using world = await startWorld(
    (_request, { lastUserText }) => ({ text: `You said: ${lastUserText}` }),
    { rateLimits: false },
  );
  const { telegram } = world;
  await world.claimTeam();
  await inviteBob(world);
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  telegram.say({ from: BOB, text: SECRET });
  await world.hears(BOB, `You said: ${SECRET}`);
  telegram.say({ from: BOB, chat: GROUP, text: `@blockbot_demo_bot in the room, ${SECRET}` });
  await world.hears(GROUP, SECRET);
  telegram.say({ from: ALICE, text: "Something of Alice's" });
  await world.hears(ALICE, "Something of Alice's");

  telegram.say({ from: BOB, text: "/mydata" });
  await world.hears(BOB, "I keep about you");
  world.press(BOB, "Send me everything");
  const json = JSON.parse(await fileNamed(world, BOB, "my-data.json"));
  expect(json.account).toMatchObject({ name: "Bob", telegramId: BOB, language: "en" });
  expect(json.teams).toHaveLength(1);
  expect(json.teams[0].questions.map(({ group }: { group: string | null }) => group)).toEqual([
    "Team room",
    null,
  ]);
  expect(json.teams[0].log.map(({ action }: { action: string }) => action)).toEqual([
    "turn.answer",
    "turn.answer",
    "member.join",
  ]);
  const text = await fileNamed(world, BOB, "my-data.txt");
  expect(text).toContain(`> ${SECRET}\nYou said: ${SECRET}`);
  expect(text + JSON.stringify(json)).not.toContain("Something of Alice's");

  world.press(BOB, "Delete what I said");
  await world.hears(BOB, "You stay where you are");
  world.press(BOB, "Delete for good");
  await world.hears(BOB, "2 questions went with their answers");
  expect(await tablesWith(world, "Zerberus")).toEqual([]);
  expect(await tablesWith(world, "Something of Alice's")).toEqual(["app.turns"]);

  telegram.say({ from: BOB, text: "Still here" });
  await world.hears(BOB, "You said: Still here");
  telegram.say({ from: BOB, text: "/mydata" });
  await telegram.waitFor(
    () => world.heard(BOB).filter((message) => hasButton(message, "Delete me altogether")).length > 0,
  );
  world.press(BOB, "Delete me altogether");
  await world.hears(BOB, "You leave every team");
  world.press(BOB, "Delete for good");
  await world.hears(BOB, "You are deleted. One question went");
  expect(await tablesWith(world, "Bob")).toEqual([]);
  expect((await tablesWith(world, String(BOB))).filter((name) => !name.startsWith("pipeline."))).toEqual([]);
  telegram.say({ from: BOB, text: "Who am I?" });
  await world.hears(BOB, "I only talk with the members of a team");

  telegram.say({ from: ALICE, text: "/audit verify" });
  await world.hears(ALICE, "rows are as they were written");
  telegram.say({ from: ALICE, text: "/audit account" });
  expect((await world.hears(ALICE, "account.erase")).text).toContain("(whole)");
  // Whoever comes back is somebody new.
  await inviteBob(world);
});

test("the only owner of a team is not deleted before they have handed it over", async () => {
  await using world = await startWorld();
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "/mydata" });
  await world.hears(ALICE, "I keep about you");
  world.press(ALICE, "Delete me altogether");
  await world.hears(ALICE, "You leave every team");
  world.press(ALICE, "Delete for good");
  await world.hears(ALICE, "You are the only owner of Alice's team");
  world.telegram.say({ from: ALICE, text: "Hello?" });
  await world.hears(ALICE, "Hello from Claude.");
});
