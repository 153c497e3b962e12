import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { ALICE, BOB, GROUP, hasButton, startWorld, STRANGER, until, type World } from "./world.ts";

const ECHO: ClaudeScript = (_request, { lastUserText }) =>
  lastUserText.includes("slow")
    ? { text: `slow answer to ${lastUserText} `.repeat(40), chunkChars: 12, chunkMs: 100 }
    : { text: `Echo: ${lastUserText}` };

/** Alice makes an invite and `to` opens it. */
async function invite(world: World, to: number, role = ""): Promise<void> {
  const before = world.heard(ALICE).length;
  world.telegram.say({ from: ALICE, text: `/invite ${role}`.trim() });
  const made = await world.telegram.waitFor(() =>
    world
      .heard(ALICE)
      .slice(before)
      .find(({ text }) => text.includes("https://t.me/")),
  );
  world.telegram.say({ from: to, text: `/start ${/start=(\S+)/.exec(made.text)?.[1]}` });
  await world.hears(to, "Welcome to “");
}

/** Alice owns "Alice's team" and then "Lab", which she speaks to. */
async function twoTeams(world: World): Promise<void> {
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "/team" });
  await world.hears(ALICE, "You are in no other team");
  world.press(ALICE, "New team");
  await world.hears(ALICE, "What should the new team be called?");
  world.telegram.say({ from: ALICE, text: "Lab" });
  await world.hears(ALICE, "“Lab” is your new team");
}

async function switchTo(world: World, person: number, team: string): Promise<void> {
  world.telegram.say({ from: person, text: "/team" });
  await world.telegram.waitFor(() => world.heard(person).findLast((message) => hasButton(message, team)));
  world.press(person, team);
  await world.hears(person, `goes to “${team}” now`);
}

const asked = (world: World) => JSON.stringify(world.claude.requests.at(-1));

test("one person in two teams of one bot: each remembers its own, and the group's claim decides in the group", async () => {
  await using world = await startWorld(ECHO);
  const { telegram } = world;
  await world.claimTeam();
  await invite(world, BOB);
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to “Alice's team”");
  telegram.say({ from: BOB, text: "apples are for the first team" });
  await world.hears(BOB, "Echo: apples");

  telegram.say({ from: ALICE, text: "/team" });
  await world.hears(ALICE, "You are in no other team");
  world.press(ALICE, "New team");
  await world.hears(ALICE, "What should the new team be called?");
  telegram.say({ from: ALICE, text: "Lab" });
  await world.hears(ALICE, "“Lab” is your new team");
  await invite(world, BOB, "admin");
  telegram.say({ from: BOB, text: "pears are for the second" });
  await world.hears(BOB, "Echo: pears");
  expect(asked(world)).toContain("Lab");
  expect(asked(world)).not.toContain("apples");
  telegram.say({ from: BOB, chat: GROUP, text: "@blockbot_demo_bot in the group" });
  await world.hears(GROUP, "Echo: Bob: in the group");
  expect(asked(world)).toContain("Alice's team");
  expect(asked(world)).not.toContain("pears");

  await switchTo(world, BOB, "Alice's team");
  telegram.say({ from: BOB, text: "what did I say?" });
  await world.hears(BOB, "Echo: what did I say?");
  expect(asked(world)).toContain("apples");
  expect(asked(world)).not.toContain("pears");
  // Bob is an admin of Lab and a member here.
  telegram.say({ from: BOB, text: "/invite" });
  await world.hears(BOB, "Only an admin");
});

test("switching stops the answer that is being written and drops what waits, with one line", async () => {
  await using world = await startWorld(ECHO);
  const { telegram } = world;
  await twoTeams(world);
  telegram.say({ from: ALICE, text: "/team" });
  await world.telegram.waitFor(() =>
    world.heard(ALICE).findLast((message) => hasButton(message, "Alice's team")),
  );
  telegram.say({ from: ALICE, text: "slow" });
  await telegram.waitFor(() => world.heard(ALICE).find((message) => hasButton(message, "Stop")));
  telegram.say({ from: ALICE, text: "this one waits" });
  await until(() => world.claude.running === 1);
  world.press(ALICE, "Alice's team");
  await world.hears(ALICE, "goes to “Alice's team” now. I dropped one waiting message.");
  const stopped = world.heard(ALICE).filter(({ text }) => text.startsWith("slow answer"));
  expect(stopped.map(({ text }) => text.endsWith("Stopped."))).toEqual([true]);
  telegram.say({ from: ALICE, text: "here" });
  await world.hears(ALICE, "Echo: here");
  expect(asked(world)).not.toContain("this one waits");
  // What was asked in the other team is not asked again in this one.
  const retried = world.press(ALICE, "Retry");
  const answer = await telegram.waitFor(() => telegram.callbackAnswer(retried));
  expect(answer).toMatchObject({ text: expect.stringContaining("That button no longer works.") });
});

test("who is removed is stopped in the middle of an answer and a stranger from the next message on", async () => {
  await using world = await startWorld(ECHO);
  const { telegram } = world;
  await world.claimTeam();
  await invite(world, BOB);
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  telegram.say({ from: BOB, chat: GROUP, text: "@blockbot_demo_bot slow" });
  await telegram.waitFor(() => world.heard(GROUP).find((message) => hasButton(message, "Stop")));

  telegram.say({ from: ALICE, text: "/remove" });
  await world.hears(ALICE, "Bob: member");
  world.press(ALICE, "Bob");
  await world.hears(ALICE, "Bob is a member of");
  world.press(ALICE, "Remove from the team");
  await world.hears(ALICE, "Remove Bob from");
  world.press(ALICE, "Cancel");
  await world.hears(ALICE, "Bob is a member of");
  world.press(ALICE, "Remove from the team");
  await world.hears(ALICE, "Remove Bob from");
  world.press(ALICE, "Remove from the team");
  await world.hears(ALICE, "Bob is no longer in");
  await world.hears(BOB, "You are no longer a member of “Alice's team”.");
  await world.hears(GROUP, "Stopped.");
  await until(() => world.claude.running === 0);
  telegram.say({ from: BOB, text: "still me?" });
  await world.hears(BOB, "I only talk with the members of a team");
  telegram.say({ from: BOB, chat: GROUP, text: "@blockbot_demo_bot and here?" });
  await until(() =>
    world.log.some((line) => line["outcome"] === "refused" && line["updateId"] !== undefined),
  );
  expect(world.claude.requests).toHaveLength(1);
  await invite(world, BOB);
  telegram.say({ from: BOB, text: "back again" });
  await world.hears(BOB, "Echo: back again");
});

test("roles are given, a team is handed over, and its last owner cannot leave it", async () => {
  await using world = await startWorld(ECHO);
  const { telegram } = world;
  await world.claimTeam();
  await invite(world, BOB);
  await invite(world, STRANGER);
  const leave = async (person: number) => {
    telegram.say({ from: person, text: "/team" });
    await telegram.waitFor(() => world.heard(person).findLast((message) => hasButton(message, "Leave")));
    world.press(person, "Leave");
    await world.hears(person, "you would need a new invite");
    return world.press(person, "Leave");
  };
  const refused = await leave(ALICE);
  const answer = await telegram.waitFor(() => telegram.callbackAnswer(refused));
  expect(answer).toMatchObject({ text: expect.stringContaining("The team needs an owner") });

  telegram.say({ from: ALICE, text: "/members" });
  await world.hears(ALICE, "Sam: member");
  world.press(ALICE, "Bob");
  await world.hears(ALICE, "Bob is a member");
  world.press(ALICE, "Make admin");
  await world.hears(ALICE, "Bob is an admin");
  await world.hears(BOB, "You are an admin of “Alice's team” now.");
  world.press(ALICE, "Hand over the team");
  await world.hears(ALICE, "Hand “Alice's team” over to Bob?");
  world.press(ALICE, "Hand over the team");
  await world.hears(ALICE, "Bob is the owner of “Alice's team” now. You are an admin.");
  await world.hears(BOB, "You are the owner of “Alice's team” now.");
  await leave(ALICE);
  await world.hears(ALICE, "are in no team now");
  telegram.say({ from: ALICE, text: "hello" });
  await world.hears(ALICE, "I only talk with the members of a team");

  // Members see who is there, and nothing to press.
  telegram.say({ from: STRANGER, text: "/members" });
  const list = await world.hears(STRANGER, "The people of “Alice's team”");
  expect(list.text).toEndWith("Bob: owner\nSam: member");
  expect(list.buttons).toEqual([]);
  telegram.say({ from: BOB, text: "/members" });
  await world.hears(BOB, "The people of");
  world.press(BOB, "Open invites");
  await world.hears(BOB, "No invite to “Alice's team” waits");
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const rows = await sql`SELECT DISTINCT action FROM app.audit_log ORDER BY action`;
  await sql.end();
  expect(rows.map((row) => row["action"])).toEqual([
    "invite.create",
    "member.join",
    "member.leave",
    "member.role",
    "owner.transfer",
    "team.create",
  ]);
});

test("only owners of the first team make teams, unless the operator opens it", async () => {
  await using world = await startWorld(ECHO);
  await world.claimTeam();
  await invite(world, BOB, "admin");
  world.telegram.say({ from: BOB, text: "/team" });
  const list = await world.hears(BOB, "You are in no other team");
  expect(hasButton(list, "New team")).toBe(false);
  expect(hasButton(list, "Rename")).toBe(true);
  await using open = await startWorld(ECHO, { teamCreation: "anyone" });
  await open.claimTeam();
  await invite(open, BOB);
  open.telegram.say({ from: BOB, text: "/team" });
  await open.hears(BOB, "You are in no other team");
  open.press(BOB, "New team");
  await open.hears(BOB, "What should the new team be called?");
  open.telegram.say({ from: BOB, text: "x".repeat(81) });
  await open.hears(BOB, "has 1 to 80 characters");
  open.telegram.say({ from: BOB, text: "Bob's own" });
  await open.hears(BOB, "“Bob's own” is your new team");
});

test("an invite goes by mail, joins whoever opens it first, and floods no address", async () => {
  await using world = await startWorld(ECHO, { limits: { LIMIT_MAGIC_LINK_PER_MINUTE: "2" } });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/invite admin bob@blockbot" });
  await world.hears(ALICE, "That is not an e-mail address");
  telegram.say({ from: ALICE, text: "/invite Admin Bob@Company.example" });
  const told = await world.hears(ALICE, "I am sending the invite to “Alice's team” to bob@company.example");
  expect(told.text).not.toContain("start=");
  await until(() => world.mail.mails().length === 1);
  const [letter] = world.mail.mails();
  expect(letter).toMatchObject({
    to: ["bob@company.example"],
    subject: "Alice invites you to “Alice's team”",
  });
  expect(letter?.text).toContain("as an admin");
  const parameter = /https:\/\/t\.me\/blockbot_demo_bot\?start=(i_[\w-]+)/.exec(letter?.text ?? "")?.[1];
  expect(letter?.html).toContain(`start=${parameter}`);
  telegram.say({ from: ALICE, text: "/members" });
  await world.hears(ALICE, "The people of");
  world.press(ALICE, "Open invites");
  await world.hears(ALICE, "1. for an admin, by Alice, until");
  expect(world.heard(ALICE).at(-1)?.text).toEndWith(", sent to bob@company.example");
  telegram.say({ from: BOB, text: `/start ${parameter}` });
  await world.hears(BOB, "Welcome to “");
  await world.hears(ALICE, "Bob has used your invite");
  telegram.say({ from: STRANGER, text: `/start ${parameter}` });
  await world.hears(STRANGER, "That invite link has been used");

  // One admin may not invite another, and an address is not flooded whoever asks.
  telegram.say({ from: BOB, text: "/invite admin sam@company.example" });
  await world.hears(BOB, "Only the owner of the team");
  telegram.say({ from: BOB, text: "/invite bob@company.example" });
  await until(() => world.mail.mails().length === 2);
  telegram.say({ from: BOB, text: "/invite bob@company.example" });
  await world.hears(BOB, "A mail went to that address a moment ago");
  expect(world.mail.mails()).toHaveLength(2);
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const rows = await sql`SELECT actor_id, outcome FROM app.audit_log WHERE action = 'invite.mail'`;
  await sql.end();
  expect([...rows]).toEqual([
    { actor_id: "mail", outcome: "ok" },
    { actor_id: "mail", outcome: "ok" },
  ]);
  const written = JSON.stringify(world.log);
  expect(written).not.toContain("bob@company.example");
  expect(written).not.toContain(parameter);
});
