import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import type { MessagesRequest } from "./claude/request.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { ALICE, BOB, FORUM, GROUP, hasButton, startWorld, STRANGER, until, type World } from "./world.ts";

const ME = "@blockbot_demo_bot";
const CHANNEL = { id: -1_009_999, title: "News" };
const QUICK = { rateLimits: false } as const;

const echo = (_request: unknown, { lastUserText }: { lastUserText: string }) => ({
  text: `Echo: ${lastUserText}`,
});

/** What is called slow is answered only after this. */
const slowUntil =
  (gate: Promise<void>): ClaudeScript =>
  (_request, { lastUserText }) => ({
    text: `Echo: ${lastUserText}`,
    ...(lastUserText.includes("slow") && { after: gate }),
  });

const answersIn = (request: MessagesRequest | undefined) =>
  request?.messages.filter(({ role }) => role === "assistant").length;

async function claim(world: World, chat = GROUP): Promise<void> {
  world.telegram.say({ from: ALICE, chat, text: `/claim${ME}` });
  await world.hears(chat, "now belongs to");
}

async function join(world: World, person: number): Promise<void> {
  world.telegram.say({ from: ALICE, text: "/invite" });
  const invite = await world.hears(ALICE, "https://t.me/");
  world.telegram.say({ from: person, text: `/start ${/start=(\S+)/.exec(invite.text)?.[1]}` });
  await world.hears(person, "You are a member");
}

/** Waits until every update so far has been handled. */
async function settled(world: World): Promise<void> {
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  try {
    for (let open = 1; open > 0;) {
      await Bun.sleep(20);
      const [row] = await sql`SELECT count(*)::int AS open FROM pipeline.updates WHERE state = 'ready'`;
      open = (row?.["open"] as number) + world.telegram.pendingUpdates();
    }
  } finally {
    await sql.end();
  }
}

async function rowsOf(world: World, query: string): Promise<Record<string, unknown>[]> {
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  try {
    return [...(await sql.unsafe(query))];
  } finally {
    await sql.end();
  }
}

/** Waits until the database says so. */
async function becomes(read: () => Promise<unknown>, wanted: unknown): Promise<void> {
  for (let tries = 0; tries < 200 && !Bun.deepEquals(await read(), wanted); tries += 1) await Bun.sleep(20);
  expect(await read()).toEqual(wanted);
}

const chatStates = (world: World) =>
  rowsOf(world, "SELECT telegram_chat_id::float8 AS chat, status FROM app.chats ORDER BY 1");
const audited = async (world: World) =>
  (await rowsOf(world, "SELECT action FROM app.audit_log WHERE action ~ '^(chat|group)' ORDER BY seq")).map(
    ({ action }) => action,
  );

test("whoever hides behind a group or a channel gets nothing done, and is told why, once", async () => {
  await using world = await startWorld(echo, QUICK);
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, chat: GROUP, text: `/claim${ME}`, as: "group" });
  await world.hears(GROUP, "I cannot see who is writing");
  await claim(world);
  telegram.say({ from: ALICE, chat: GROUP, text: `${ME} as the group`, as: "group" });
  telegram.say({ from: ALICE, chat: GROUP, text: `/forget${ME}`, as: "group" });
  telegram.say({ from: BOB, chat: GROUP, text: `${ME} as a channel`, as: CHANNEL });
  telegram.postInChannel(GROUP, CHANNEL, `${ME} a post of the linked channel`);
  await settled(world);
  await world.telegram.waitFor(
    () => world.heard(GROUP).filter(({ text }) => text.includes("I cannot see who")).length === 2,
  );
  telegram.say({ from: ALICE, chat: GROUP, text: `${ME} as myself` });
  await world.hears(GROUP, "Echo: Alice: as myself");
  expect(world.claude.requests).toHaveLength(1);
  expect(world.heard(GROUP)).toHaveLength(4); // two words about faces, the claim, the answer
});

test("forwarded words ask nothing and command nothing in a group; in private they are a question", async () => {
  await using world = await startWorld(echo, QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await claim(world);
  const forward = { type: "user", person: STRANGER } as const;
  telegram.say({ from: ALICE, chat: GROUP, text: `${ME} forwarded`, forward });
  telegram.say({ from: ALICE, chat: GROUP, text: `/new${ME}`, forward });
  telegram.say({ from: ALICE, text: "/invite", forward: { type: "hidden_user", name: "Somebody" } });
  await world.hears(ALICE, "Echo: /invite");
  await settled(world);
  expect(world.claude.requests).toHaveLength(1);
  expect(world.heard(GROUP)).toHaveLength(1);
  expect(world.heard(ALICE).some(({ text }) => text.includes("https://t.me/"))).toBe(false);
});

test("each topic is a conversation of its own, General too; an answer stays in the topic of its question", async () => {
  await using world = await startWorld(echo, QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await claim(world, FORUM);
  const [design = 0, website = 0] = telegram.topics(FORUM).map(({ threadId }) => threadId);
  telegram.say({ from: ALICE, chat: FORUM, text: `${ME} in general` });
  telegram.say({ from: ALICE, chat: FORUM, thread: design, text: `${ME} in design` });
  telegram.say({ from: ALICE, chat: FORUM, thread: website, text: `${ME} in website` });
  const general = await world.hears(FORUM, "Echo: Alice: in general");
  expect(general.thread).toBeNull();
  expect((await world.hears(FORUM, "Echo: Alice: in design")).thread).toBe(design);
  expect((await world.hears(FORUM, "Echo: Alice: in website")).thread).toBe(website);
  expect(world.claude.requests.map(answersIn)).toEqual([0, 0, 0]);
  // Some clients and servers name the General topic by the id that sending to it refuses.
  telegram.inject({
    message: {
      message_id: 900_100,
      date: Math.floor(Date.now() / 1000),
      chat: { id: FORUM, type: "supergroup", title: "Project hub", is_forum: true },
      from: { id: ALICE, is_bot: false, first_name: "Alice" },
      message_thread_id: 1,
      is_topic_message: true,
      text: `${ME} still in general`,
      entities: [{ type: "mention", offset: 0, length: ME.length }],
    },
  });
  expect((await world.hears(FORUM, "Echo: Alice: still in general")).thread).toBeNull();
  expect(answersIn(world.claude.requests.at(-1))).toBe(1);
});

test("an answer whose topic was deleted goes to the group; one whose topic was closed is given up quietly", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await startWorld(slowUntil(gate.promise), QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await claim(world, FORUM);
  const [design = 0, website = 0] = telegram.topics(FORUM).map(({ threadId }) => threadId);
  telegram.say({ from: ALICE, chat: FORUM, thread: design, text: `${ME} slow one` });
  telegram.say({ from: ALICE, chat: FORUM, thread: website, text: `${ME} slow two` });
  await until(() => world.claude.requests.length === 2);
  telegram.deleteTopic(FORUM, design);
  telegram.closeTopic(FORUM, website);
  gate.resolve();
  expect((await world.hears(FORUM, "Echo: Alice: slow one")).thread).toBeNull();
  await until(() =>
    world.log.some(({ msg, error }) => msg === "a message was given up" && error === "muted"),
  );
  telegram.say({ from: ALICE, chat: FORUM, text: `${ME} and on` });
  await world.hears(FORUM, "Echo: Alice: and on");
  expect(telegram.messages(FORUM, website).filter(({ fromBot }) => fromBot)).toEqual([]);
  const refused = telegram.calls.filter(({ description }) => description?.includes("TOPIC_CLOSED") === true);
  expect(refused.filter(({ method }) => method === "sendMessage").length).toBeLessThanOrEqual(2);
  expect(await chatStates(world)).toContainEqual({ chat: FORUM, status: "active" });
});

test("/status in a group says what Telegram hides from the bot, as long as it does", async () => {
  await using world = await startWorld(echo, QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await claim(world);
  const statusOf = async () => {
    const before = world.heard(GROUP).length;
    telegram.say({ from: ALICE, chat: GROUP, text: `/status${ME}` });
    return (await telegram.waitFor(() => world.heard(GROUP)[before])).text;
  };
  expect(await statusOf()).toContain("/setprivacy");
  telegram.setBotStanding(GROUP, "administrator");
  expect(await statusOf()).not.toContain("/setprivacy");
  telegram.setBotStanding(GROUP, "member");
  telegram.setHearsAll(true);
  expect(await statusOf()).not.toContain("/setprivacy");
  telegram.say({ from: ALICE, text: "/status" });
  expect((await world.hears(ALICE, "Claude is connected")).text).not.toContain("/setprivacy");
});

test("a group that is upgraded while it waits for an answer gets it in the supergroup, with what was said before", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await startWorld(slowUntil(gate.promise), QUICK);
  const { telegram } = world;
  await world.claimTeam();
  const [old, upgraded] = [-4711, -1_004_711];
  telegram.addGroup({ id: old, title: "Friends", members: [ALICE, BOB], basic: true });
  await claim(world, old);
  telegram.say({ from: ALICE, chat: old, text: `${ME} slow one` });
  await until(() => world.claude.requests.length === 1);
  telegram.say({ from: ALICE, chat: old, text: `${ME} the next one` });
  await until(() => telegram.pendingUpdates() === 0);
  telegram.upgradeGroup(old, upgraded);
  await settled(world);
  gate.resolve();
  await world.hears(upgraded, "Echo: Alice: slow one");
  await world.hears(upgraded, "Echo: Alice: the next one");
  telegram.say({ from: ALICE, chat: upgraded, text: `${ME} and on` });
  await world.hears(upgraded, "Echo: Alice: and on");
  expect(answersIn(world.claude.requests.at(-1))).toBe(2);
  expect(await audited(world)).toEqual(["group.claim", "group.move"]);
});

test("a bot that was removed owes the group nothing; it is the team's again when an admin of it brings it back", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await startWorld(slowUntil(gate.promise), QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await claim(world);
  telegram.say({ from: ALICE, chat: GROUP, text: `${ME} slow one` });
  await until(() => world.claude.requests.length === 1);
  telegram.say({ from: ALICE, chat: GROUP, text: `${ME} never asked` });
  await until(() => telegram.pendingUpdates() === 0);
  telegram.setBotMember(GROUP, false);
  await settled(world);
  gate.resolve();
  expect(await chatStates(world)).toContainEqual({ chat: GROUP, status: "inactive" });
  expect(world.claude.requests).toHaveLength(1);

  telegram.setBotMember(GROUP, true);
  await world.telegram.waitFor(
    () => world.heard(GROUP).filter(({ text }) => text.includes("now belongs to")).length === 2,
  );
  telegram.say({ from: ALICE, chat: GROUP, text: `${ME} back` });
  await world.hears(GROUP, "Echo: Alice: back");
  expect(await audited(world)).toEqual(["group.claim", "chat.leave", "chat.return"]);
});

test("a bot that may not write tries once and keeps the group; with its rights it goes on", async () => {
  await using world = await startWorld(echo, QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await claim(world);
  telegram.setBotStanding(GROUP, "restricted");
  telegram.say({ from: ALICE, chat: GROUP, text: `/status${ME}` });
  await until(() =>
    world.log.some(({ msg, error }) => msg === "a message was given up" && error === "muted"),
  );
  expect(await chatStates(world)).toContainEqual({ chat: GROUP, status: "active" });
  telegram.setBotStanding(GROUP, "member");
  telegram.say({ from: ALICE, chat: GROUP, text: `${ME} now` });
  await world.hears(GROUP, "Echo: Alice: now");
  const refused = telegram.calls.filter(({ errorCode }) => errorCode === 400);
  expect(refused.filter(({ method }) => method === "sendMessage")).toHaveLength(1);
});

test("to who has blocked the bot nothing is said and nothing is asked for them; who comes back goes on where they were", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await startWorld(slowUntil(gate.promise), QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await join(world, BOB);
  telegram.say({ from: BOB, text: "before" });
  await world.hears(BOB, "Echo: before");
  telegram.say({ from: BOB, text: "slow one" });
  await until(() => world.claude.requests.length === 2);
  telegram.say({ from: BOB, text: "never asked" });
  await until(() => telegram.pendingUpdates() === 0);
  telegram.setBlocked(BOB, true);
  await settled(world);
  gate.resolve();
  expect(await chatStates(world)).toContainEqual({ chat: BOB, status: "inactive" });
  telegram.setBlocked(BOB, false);
  telegram.say({ from: BOB, text: "after" });
  await world.hears(BOB, "Echo: after");
  expect(await chatStates(world)).toContainEqual({ chat: BOB, status: "active" });
  expect(JSON.stringify(world.claude.requests)).not.toContain("never asked");

  expect(await audited(world)).toEqual(["chat.leave", "chat.return"]);
});

test("an account that is gone, and a group that was deleted without a word, are tried once and left", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await startWorld(slowUntil(gate.promise), QUICK);
  const { telegram } = world;
  await world.claimTeam();
  await join(world, BOB);
  const friends = -4711;
  telegram.addGroup({ id: friends, title: "Friends", members: [ALICE, BOB], basic: true });
  await claim(world, friends);
  telegram.say({ from: BOB, text: "slow one" });
  telegram.say({ from: ALICE, chat: friends, text: `${ME} slow two` });
  await until(() => world.claude.requests.length === 2);
  telegram.setDeactivated(BOB, true);
  telegram.deleteGroup(friends);
  gate.resolve();
  await until(() => world.log.filter(({ msg }) => msg === "a message was given up").length >= 2);
  telegram.say({ from: ALICE, text: "still there?" });
  await world.hears(ALICE, "Echo: still there?");
  await becomes(
    () => chatStates(world),
    [
      { chat: friends, status: "inactive" },
      { chat: ALICE, status: "active" },
      { chat: BOB, status: "inactive" },
    ],
  );
  await becomes(() => audited(world), ["group.claim", "chat.leave", "chat.leave"]);
  await becomes(() => rowsOf(world, "SELECT id FROM pipeline.outbox WHERE state = 'queued'"), []);
});

test("an edit that only leaves something out is offered; one of a question that still waits is asked as it reads now", async () => {
  const gate = Promise.withResolvers<void>();
  await using world = await startWorld(slowUntil(gate.promise), QUICK);
  const { telegram } = world;
  await world.claimTeam();
  const question = telegram.say({ from: ALICE, text: "salt and pepper" });
  await world.hears(ALICE, "Echo: salt and pepper");
  telegram.edit({ from: ALICE, messageId: question, text: "salt" });
  const offer = await world.hears(ALICE, "You have edited your question");
  expect(hasButton(offer, "Answer the edited question")).toBe(true);
  expect(world.claude.requests).toHaveLength(1);
  world.press(ALICE, "Answer the edited question");
  await telegram.waitFor(() => world.heard(ALICE).some(({ text }) => text === "Echo: salt"));

  telegram.say({ from: ALICE, text: "slow one" });
  await until(() => world.claude.requests.length === 3);
  const waiting = telegram.say({ from: ALICE, text: "with a typo" });
  await until(() => telegram.pendingUpdates() === 0);
  telegram.edit({ from: ALICE, messageId: waiting, text: "without one" });
  await until(() => telegram.pendingUpdates() === 0);
  await until(() => world.log.some(({ what }) => what === "edit"));
  gate.resolve();
  await world.hears(ALICE, "Echo: without one");
  expect(JSON.stringify(world.claude.requests)).not.toContain("with a typo");
});
