import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import {
  ALICE,
  BOB,
  FORUM,
  GROUP,
  hasButton,
  startWorld,
  until,
  type World,
  type WorldSettings,
} from "./world.ts";

/** Everything that takes minutes in life, in tenths of seconds. */
const FAST: WorldSettings = {
  rateLimits: false,
  claude: {
    breaker: { windowMs: 4_000, waitMs: 300, waitMaxMs: 600, pausedMs: 400, limitedMs: 300 },
  },
  monitor: {
    tickMs: 20,
    probeMs: 60,
    doubtMs: 60,
    blipMs: 100,
    longMs: 600,
    repeatMs: 1,
    offerMs: 20,
    graceMs: 100,
  },
};
const ECHO = (_request: unknown, { lastUserText }: { lastUserText: string }) => ({
  text: `Echo: ${lastUserText}`,
});

async function health(world: World): Promise<Record<string, unknown>> {
  const response = await fetch(`${world.adminUrl}/health`);
  const { components } = (await response.json()) as { components: { claude: Record<string, unknown> } };
  return components.claude;
}

test("an outage is told once down and once back, with how long and how many; nobody asks Claude meanwhile", async () => {
  await using world = await startWorld(() => ({ text: "Here I am." }), FAST);
  await world.claimTeam();
  await world.claude.goOffline();
  for (const [already, text] of ["one", "two", "three"].entries()) {
    world.telegram.say({ from: ALICE, text });
    await world.telegram.waitFor(
      () => world.heard(ALICE).filter((message) => hasButton(message, "Retry")).length > already,
    );
  }
  const alert = await world.hears(ALICE, "Claude does not answer right now: it cannot be reached");
  expect(alert.text).toMatch(/message(s have| has) been affected so far/);
  expect(await health(world)).toMatchObject({ state: "unavailable", kind: "unreachable" });
  world.telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "Claude cannot be used right now; it stopped working at");

  await world.claude.goOnline();
  const back = await world.hears(ALICE, "Claude answers again, after less than a minute.");
  expect(back.text).toContain("3 messages were affected.");
  expect(await health(world)).toMatchObject({ state: "ok", breaker: "closed" });
  expect(world.claude.requests).toHaveLength(0);
  const alerts = world.heard(ALICE).filter((message) => /does not answer|answers again/.test(message.text));
  expect(alerts).toHaveLength(2);
});

async function invite(world: World, person: number, welcome: string): Promise<void> {
  world.telegram.say({ from: ALICE, text: "/invite" });
  const link = /start=(\S+)/;
  const { text } = await world.telegram.waitFor(() =>
    world.heard(ALICE).findLast((message) => link.test(message.text)),
  );
  world.telegram.say({ from: person, text: `/start ${link.exec(text)?.[1] ?? ""}` });
  await world.hears(person, welcome);
}

/** Does something, and waits for the friendly sentence about it. */
async function inVain(world: World, who: number, act: () => void): Promise<void> {
  const sorry = () =>
    world.heard(who).filter((message) => message.text.includes("Your question is kept")).length;
  const before = sorry();
  act();
  await world.telegram.waitFor(() => sorry() > before);
}

const askInVain = (world: World, who: number, text: string) =>
  inVain(world, who, () => void world.telegram.say({ from: who, text }));

const offersIn = (world: World, chat: number, thread?: number) =>
  world.heard(chat, thread).filter((message) => message.text.startsWith("Claude is back."));

test("when Claude is back each chat is asked once whether to answer what it kept, and gets that in order", async () => {
  await using world = await startWorld(ECHO, FAST);
  await world.claimTeam();
  await invite(world, BOB, "You are a member");
  await world.claude.goOffline();
  for (const text of ["first", "second", "third"]) await askInVain(world, ALICE, text);
  await askInVain(world, BOB, "of Bob's");
  world.telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "3 questions of this chat wait for it");
  await world.hears(BOB, "I will also ask you here when Claude is back.");

  await world.claude.goOnline();
  await world.hears(ALICE, "Claude is back. 3 questions here are still without an answer.");
  await world.hears(BOB, "Claude is back. One question here is still without an answer.");
  expect(world.claude.requests).toHaveLength(0); // nothing is asked unasked
  world.press(ALICE, "Answer now");
  await world.hears(ALICE, "Echo: third");
  const answers = world.heard(ALICE).filter((message) => message.text.startsWith("Echo:"));
  expect(answers.map(({ text }) => text)).toEqual(["Echo: first", "Echo: second", "Echo: third"]);
  expect(offersIn(world, ALICE)).toHaveLength(1);
  expect(offersIn(world, ALICE).some((offer) => hasButton(offer, "Answer now"))).toBe(false);
  world.press(BOB, "Answer now");
  await world.hears(BOB, "Echo: of Bob's");
  expect(world.claude.requests).toHaveLength(4);
  expect(JSON.stringify(world.claude.requests[2]?.messages)).toContain("Echo: second"); // each knows those before it
});

test("what was asked again, forgotten or is a day old is not offered; a stale offer says so", async () => {
  await using world = await startWorld(ECHO, FAST);
  await world.claimTeam();
  await world.claude.goOffline();
  await askInVain(world, ALICE, "once");
  world.telegram.say({ from: ALICE, text: "/new" });
  await world.hears(ALICE, "I have forgotten");
  await askInVain(world, ALICE, "again and again");
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  await sql`UPDATE app.turns SET ended_at = now() - interval '23 hours' WHERE question = 'again and again'`;
  // It fails as well: the old one is not kept any more, the new one is.
  await inVain(world, ALICE, () => void world.press(ALICE, "Retry"));
  await world.claude.goOnline();
  await world.hears(ALICE, "Claude is back. One question here is still without an answer.");
  await sql`UPDATE app.turns SET ended_at = now() - interval '25 hours' WHERE kept = 'offered'`;
  const pressed = world.press(ALICE, "Answer now");
  const answer = await world.telegram.waitFor(() => world.telegram.callbackAnswer(pressed));
  expect(answer.text).toStartWith("Nothing is waiting here any more");
  await sql.end();
});

test("who asked the same once more and was answered is not asked whether to answer it", async () => {
  await using world = await startWorld(ECHO, { ...FAST, monitor: { ...FAST.monitor, graceMs: 1_500 } });
  await world.claimTeam();
  await world.claude.goOffline();
  await askInVain(world, ALICE, "what time is it?");
  await askInVain(world, ALICE, "and where?");
  await world.claude.goOnline();
  world.telegram.say({ from: ALICE, text: "what time is it?" });
  await world.hears(ALICE, "Echo: what time is it?");
  await world.hears(ALICE, "Claude is back. One question here is still without an answer.");
  world.telegram.say({ from: ALICE, text: "and where?" });
  await world.hears(ALICE, "Echo: and where?");
  const pressed = world.press(ALICE, "Answer now");
  const answer = await world.telegram.waitFor(() => world.telegram.callbackAnswer(pressed));
  expect(answer.text).toStartWith("Nothing is waiting here any more");
});

test("a group is told of an outage once, each topic for itself, and is offered its questions there", async () => {
  await using world = await startWorld(ECHO, FAST);
  const { telegram } = world;
  await world.claimTeam();
  for (const chat of [GROUP, FORUM]) {
    telegram.say({ from: ALICE, chat, text: "/claim@blockbot_demo_bot" });
    await world.hears(chat, "now belongs to");
  }
  const [design = 0, website = 0] = telegram.topics(FORUM).map((topic) => topic.threadId);
  await world.claude.goOffline();
  const ask = (chat: number, text: string, thread?: number) =>
    telegram.say({
      from: ALICE,
      chat,
      text: `@blockbot_demo_bot ${text}`,
      ...(thread !== undefined && { thread }),
    });
  const ended = (count: number) =>
    until(() => world.log.filter((line) => line["outcome"] === "failed: unreachable").length === count);
  ask(GROUP, "one");
  await world.hears(GROUP, "Claude cannot be reached");
  for (const [already, text] of ["two", "three"].entries()) {
    ask(GROUP, text);
    await ended(2 + already);
  }
  ask(FORUM, "about colours", design);
  await world.hears(FORUM, "Claude cannot be reached", design);
  ask(FORUM, "about links", website);
  await world.hears(FORUM, "Claude cannot be reached", website);
  const sorry = world.heard(GROUP).filter((message) => message.text.includes("Claude cannot be reached"));
  expect(sorry).toHaveLength(1);
  world.press(ALICE, "Retry", GROUP); // whoever asks for it is told again
  await telegram.waitFor(
    () =>
      world.heard(GROUP).filter((message) => message.text.includes("Claude cannot be reached")).length === 2,
  );

  await world.claude.goOnline();
  await world.hears(GROUP, "Claude is back. 3 questions here");
  await world.hears(FORUM, "Claude is back. One question here", design);
  await world.hears(FORUM, "Claude is back. One question here", website);
  world.press(ALICE, "Answer now", GROUP);
  await world.hears(GROUP, "Echo: Alice: one");
  await world.hears(GROUP, "Echo: Alice: two");
  const last = await world.hears(GROUP, "Echo: Alice: three");
  const question = telegram
    .messages(GROUP)
    .find((message) => message.text.endsWith("three") && !message.fromBot);
  expect(last.replyTo).toBe(question?.messageId ?? 0); // each answers the message that asked
  expect(
    [GROUP, design, website].map(
      (where) => offersIn(world, where === GROUP ? GROUP : FORUM, where === GROUP ? undefined : where).length,
    ),
  ).toEqual([1, 1, 1]);
});

test("offers and accepted questions survive a restart, whatever the process had in memory", async () => {
  await using world = await startWorld(ECHO, FAST);
  await world.claimTeam();
  await world.claude.goOffline();
  await askInVain(world, ALICE, "before the restart");
  await askInVain(world, ALICE, "and another");
  await world.restart();
  await world.claude.goOnline();
  await world.hears(ALICE, "Claude is back. 2 questions here");
  await world.hears(ALICE, "Claude answers again");
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  await sql`UPDATE app.turns SET kept = 'accepted' WHERE kept = 'offered'`; // pressed, and then the process died
  await sql.end();
  await world.restart();
  await world.hears(ALICE, "Echo: before the restart");
  await world.hears(ALICE, "Echo: and another");
  expect(world.claude.requests).toHaveLength(2);
  expect(offersIn(world, ALICE)).toHaveLength(1);
});

test("when Claude goes away again while it answers what was kept, one sentence says so and the rest waits", async () => {
  await using world = await startWorld(ECHO, FAST);
  await world.claimTeam();
  await world.claude.goOffline();
  for (const text of ["first", "second", "third", "fourth"]) await askInVain(world, ALICE, text);
  await world.claude.goOnline();
  await world.hears(ALICE, "Claude is back. 4 questions");
  world.claude.setScript((_request, { index, lastUserText }) =>
    index === 0 ? { text: `Echo: ${lastUserText}` } : { status: 529 },
  );
  world.claude.setModelReply({ status: 529 });
  world.press(ALICE, "Answer now");
  await world.hears(ALICE, "Echo: first");
  await world.hears(ALICE, "Claude is overloaded right now");
  await until(() => world.log.some((line) => line["outcome"] === "failed: overloaded"));
  expect(world.claude.requests).toHaveLength(2);
  world.claude.setScript(ECHO);
  world.claude.setModelReply(null);
  await world.hears(ALICE, "Claude is back. 3 questions");
  world.press(ALICE, "Answer now");
  await world.hears(ALICE, "Echo: fourth");
  await world.hears(ALICE, "Echo: second"); // it failed once, and waits behind those that were not begun
  expect(offersIn(world, ALICE)).toHaveLength(2);
});

test("alerts, probes and offers need no worker, and stop with the process", async () => {
  await using world = await startWorld(ECHO, { ...FAST, roles: ["bot"] });
  await world.claimTeam();
  world.claude.setScript(() => ({ status: 401 }));
  world.claude.setModelReply({ status: 401, type: "authentication_error" });
  world.telegram.say({ from: ALICE, text: "hello?" });
  await world.hears(ALICE, "Claude does not accept our key");
  await world.hears(ALICE, "it refuses our key. Set a new ANTHROPIC_API_KEY");
  await until(() => world.claude.retrievals() > 2);
  world.telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "The assistant is paused since");
  world.claude.setScript(ECHO);
  world.claude.setModelReply(null);
  await world.hears(ALICE, "Claude answers again");
  await world.hears(ALICE, "Claude is back. One question");
});
