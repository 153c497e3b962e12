import { expect, test } from "bun:test";
import { ALICE, BOB, GROUP, hasButton, startWorld, type World } from "./world.ts";

const echo = (_request: unknown, { lastUserText }: { lastUserText: string }) => ({
  text: `Echo: ${lastUserText}`,
});

const PRIVATE = { id: ALICE, type: "private", first_name: "Alice" };
const FROM_ALICE = { id: ALICE, is_bot: false, first_name: "Alice", language_code: "en" };

function asked(world: World): string[] {
  return world.claude.requests.map((request) =>
    JSON.stringify(request.messages.findLast((message) => message.role === "user")),
  );
}

test("messages sent in one go are one question; two people's are two", async () => {
  await using world = await startWorld(echo);
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "one" });
  telegram.say({ from: ALICE, text: "two" });
  telegram.say({ from: ALICE, text: "three" });
  await world.hears(ALICE, "Echo: one\ntwo\nthree");
  const half = "words ".repeat(680).trim();
  telegram.say({ from: ALICE, text: half });
  telegram.say({ from: ALICE, text: "and the rest of the paste" });
  await telegram.waitFor(
    () =>
      world.claude.requests.length === 2 &&
      world.heard(ALICE).every((message) => !hasButton(message, "Stop")),
  );
  await world.hears(ALICE, "and the rest of the paste");
  expect(asked(world)[1]).toContain("words");

  telegram.say({ from: ALICE, text: "/invite" });
  const invite = await world.hears(ALICE, "https://t.me/");
  telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(invite.text)?.[1]}` });
  await world.hears(BOB, "You are a member");
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  telegram.say({ from: ALICE, chat: GROUP, text: "@blockbot_demo_bot from Alice" });
  telegram.say({ from: BOB, chat: GROUP, text: "@blockbot_demo_bot from Bob" });
  await world.hears(GROUP, "Echo: Alice: from Alice");
  await world.hears(GROUP, "Echo: Bob: from Bob");
  expect(world.claude.requests).toHaveLength(4);
});

test("a question that waited for more than ten minutes is offered, not answered", async () => {
  await using world = await startWorld(echo);
  const { telegram } = world;
  await world.claimTeam();
  const longAgo = Math.floor(Date.now() / 1000) - 3600;
  telegram.inject({
    message: {
      message_id: 900_010,
      date: longAgo,
      chat: PRIVATE,
      from: FROM_ALICE,
      text: "is anybody there?",
    },
  });
  const offer = await world.hears(ALICE, "Do you still want an answer?");
  expect(world.claude.requests).toHaveLength(0);
  expect(hasButton(offer, "Answer it now")).toBe(true);
  world.press(ALICE, "Answer it now");
  await world.hears(ALICE, "Echo: is anybody there?");
});

test("an edited question is offered once more, an edited remark is not", async () => {
  await using world = await startWorld(echo);
  const { telegram } = world;
  await world.claimTeam();
  const question = telegram.say({ from: ALICE, text: "what is 2 + 2?" });
  await world.hears(ALICE, "Echo: what is 2 + 2?");
  telegram.edit({ from: ALICE, messageId: question, text: "what is 3 + 3?" });
  await world.hears(ALICE, "You have edited your question");
  const command = telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "Claude answers");
  telegram.edit({ from: ALICE, messageId: command, text: "just a remark" });
  world.press(ALICE, "Answer the edited question");
  await world.hears(ALICE, "Echo: what is 3 + 3?");
  expect(world.claude.requests).toHaveLength(2);
  expect(world.heard(ALICE).filter((message) => message.text.includes("edited your question"))).toHaveLength(
    1,
  );
});

test("what a message replies to comes along as its context", async () => {
  await using world = await startWorld(echo);
  await world.claimTeam();
  const old = world.telegram.say({ from: ALICE, text: "the budget is 40 k" });
  await world.hears(ALICE, "Echo: the budget");
  world.telegram.say({ from: ALICE, text: "/new" });
  await world.hears(ALICE, "I have forgotten");
  world.telegram.say({ from: ALICE, text: "is that enough?", replyTo: old });
  await world.hears(ALICE, "is that enough?");
  expect(asked(world).at(-1)).toContain("> the budget is 40 k");
});

test("a group that becomes a supergroup keeps its claim; one that the bot leaves can be claimed again", async () => {
  await using world = await startWorld(echo);
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  const moved = -1_001_000_000_777;
  telegram.addGroup({ id: moved, title: "Team room", members: [ALICE, BOB], botIsMember: true });
  telegram.inject({
    message: {
      message_id: 900_020,
      date: Math.floor(Date.now() / 1000),
      chat: { id: GROUP, type: "group", title: "Team room" },
      from: FROM_ALICE,
      migrate_to_chat_id: moved,
    },
  });
  telegram.say({ from: ALICE, chat: moved, text: "@blockbot_demo_bot after the move" });
  await world.hears(moved, "Echo: Alice: after the move");

  telegram.setBotMember(moved, false);
  telegram.setBotMember(moved, true);
  telegram.say({ from: ALICE, chat: moved, text: "/claim@blockbot_demo_bot" });
  await world.hears(moved, "now belongs to");
  telegram.say({ from: ALICE, chat: moved, text: "@blockbot_demo_bot and again" });
  await world.hears(moved, "Echo: Alice: and again");
});
