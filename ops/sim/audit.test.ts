import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import { ALICE, BOB, hasButton, startWorld, type World } from "./world.ts";

async function inviteBob(world: World): Promise<void> {
  world.telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "https://t.me/");
  world.telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(text)?.[1] ?? ""}` });
  await world.hears(BOB, "You are a member");
}

/** Presses a button and waits until its message says so. */
async function turnTo(world: World, label: string, part: string): Promise<string> {
  world.press(ALICE, label);
  return (await world.hears(ALICE, part)).text;
}

test("an admin looks through the log by kind and person, page by page, takes it as a file and has it checked", async () => {
  await using world = await startWorld(() => ({ text: "Forty-two." }), { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  await inviteBob(world);
  for (let question = 1; question <= 9; question++) {
    telegram.say({ from: BOB, text: `Question ${question}` });
    await telegram.waitFor(
      () =>
        world.heard(BOB).filter((message) => message.text === "Forty-two." && !hasButton(message, "Stop"))
          .length === question,
    );
  }
  telegram.say({ from: ALICE, text: "/audit" });
  const newest = await world.hears(ALICE, "What happened in “Alice's team”");
  expect(newest.text.match(/\d\d\/\d\d, \d\d:\d\d Bob: turn\.answer [0-9a-f]{8}/g)).toHaveLength(9);
  expect(newest.text).not.toContain("Forty-two");
  expect(hasButton(newest, "Newest")).toBe(false);
  expect(await turnTo(world, "Older", "Alice: team.create")).not.toContain("turn.answer");
  await turnTo(world, "By kind", "Which kind of event");
  expect(await turnTo(world, "Invites", "the newest first: Invites")).toMatch(
    /^.*\n\n.* Alice: invite\.create \S+$/,
  );
  await turnTo(world, "By person", "Behind each name");
  expect(await turnTo(world, "Bob (10)", "Bob: turn.answer")).not.toContain("Alice:");
  expect(await turnTo(world, "Check it", "all 12 rows are as they were written")).toMatch(
    /Anchor, to keep outside: 12 [0-9a-f]{32}$/,
  );

  world.press(ALICE, "As a file");
  await world.hears(ALICE, "12 rows of the log");
  const sent = await telegram.waitFor(() => world.heard(ALICE).find(({ file }) => file !== undefined));
  expect(sent.file?.name).toMatch(/^audit-\d{4}-\d\d-\d\d\.csv$/);

  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  await sql`UPDATE app.audit_log SET actor_id = 'nobody' WHERE seq = 2`;
  await sql.end();
  telegram.say({ from: ALICE, text: "/audit verify" });
  expect((await world.hears(ALICE, "was changed by somebody")).text).toContain(
    "Row 2 is not as it was written.",
  );
  telegram.say({ from: ALICE, text: "/audit verify my anchor" });
  await world.hears(ALICE, "That is no anchor.");
});

test("the log can be asked for in words, and by admins alone", async () => {
  await using world = await startWorld();
  const { telegram } = world;
  await world.claimTeam();
  await inviteBob(world);
  telegram.say({ from: ALICE, text: "/audit bob" });
  expect((await world.hears(ALICE, "What happened")).text).toMatch(/^.*\n\n.* Bob: member\.join \S+$/);
  telegram.say({ from: ALICE, text: "/audit credential" });
  await world.hears(ALICE, "Nothing of that stands in the log");
  telegram.say({ from: ALICE, text: "/audit Carol" });
  await world.hears(ALICE, "Nobody of that name");
  telegram.say({ from: ALICE, text: "/audit export" });
  await world.hears(ALICE, "rows of the log, with their hashes");
  for (const text of ["/audit", "/audit verify", "/audit export"]) {
    const before = world.heard(BOB).length;
    telegram.say({ from: BOB, text });
    await telegram.waitFor(() => world.heard(BOB).length > before);
    expect(world.heard(BOB).at(-1)?.text).toContain("Only an admin");
  }
});
