import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import { ALICE, BOB, FORUM, GROUP, hasButton, startWorld, STRANGER, until, type World } from "./world.ts";

const SLOW = { chunkChars: 20, chunkMs: 100 };

async function inviteBob(world: World): Promise<void> {
  world.telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "https://t.me/");
  const parameter = /start=(\S+)/.exec(text)?.[1] ?? "";
  world.telegram.say({ from: BOB, text: `/start ${parameter}` });
  await world.hears(BOB, "You are a member");
}

test("the first to open the owner link owns the team; everybody else is told that it has been used", async () => {
  await using world = await startWorld();
  world.telegram.say({ from: STRANGER, text: "hello" });
  await world.hears(STRANGER, "only talk with the members");
  world.telegram.say({ from: STRANGER, text: "/start wrong-code-altogether" });
  await world.hears(STRANGER, "not valid");
  await world.claimTeam();
  world.telegram.say({ from: BOB, text: `/start ${world.ownerCode}` });
  await world.hears(BOB, "this bot has an owner");
  world.press(ALICE, "Choose another name");
  await world.hears(ALICE, "What should the team be called?");
  world.telegram.say({ from: ALICE, text: "  Rocket\nfounders " });
  await world.hears(ALICE, "“Rocket founders”");
  expect(world.claude.requests).toHaveLength(0);
});

test("a question is answered in one message that grows, is formatted, and remembers what was said", async () => {
  const answers = [
    "The **first** answer, which is long enough to be streamed in several frames to whoever reads it.",
    "You asked about apples.",
  ];
  await using world = await startWorld((_request, { index }) => ({ text: answers[index] ?? "?", ...SLOW }));
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "Tell me about apples" });
  const growing = await world.telegram.waitFor(() =>
    world.heard(ALICE).find((message) => hasButton(message, "Stop")),
  );
  const answer = await world.hears(ALICE, "whoever reads it.");
  expect(answer.messageId).toBe(growing.messageId);
  expect(answer.text).not.toContain("**");
  expect(answer.entities).toContainEqual({ type: "bold", offset: 4, length: 5 });
  world.telegram.say({ from: ALICE, text: "What did I ask?" });
  await world.hears(ALICE, "You asked about apples.");
  const texts = JSON.stringify(world.claude.requests[1]?.messages);
  expect(texts).toContain("Tell me about apples");
  expect(texts).toContain("The **first** answer");
  expect(world.heard(ALICE).filter((message) => message.text.includes("answer"))).toHaveLength(2); // the welcome and the one answer
});

test("every character that Claude wrote arrives exactly once, split over messages, angle brackets included", async () => {
  const lines = Array.from({ length: 300 }, (_, i) => `Line ${i}: a<b, List<String> and <angle> & co.`);
  await using world = await startWorld(() => ({ text: lines.join("\n\n"), chunkChars: 2000 }));
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "long please" });
  await world.hears(ALICE, "Line 299:");
  await world.telegram.waitFor(() => world.heard(ALICE).every((message) => !hasButton(message, "Stop")));
  const shown = world
    .heard(ALICE)
    .map((message) => message.text)
    .join("\n");
  expect(
    [...shown.matchAll(/Line \d+: a<b, List<String> and <angle> & co\./g)].map(([line]) => line),
  ).toEqual(lines);
  expect(world.heard(ALICE).every((message) => message.text.length <= 4096)).toBe(true);
});

test("/new forgets, /stop and its button keep what was written, /retry and its button ask again", async () => {
  const long = "A sentence that goes on and on. ".repeat(80);
  await using world = await startWorld((_request, { lastUserText }) =>
    lastUserText.includes("long")
      ? { text: long, chunkChars: 30, chunkMs: 60 }
      : { text: `Echo: ${lastUserText}` },
  );
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "a long one" });
  await world.telegram.waitFor(() => world.heard(ALICE).find((message) => hasButton(message, "Stop")));
  world.telegram.say({ from: ALICE, text: "/stop" });
  const stopped = await world.hears(ALICE, "Stopped.");
  expect(stopped.text).toStartWith("A sentence");
  world.telegram.say({ from: ALICE, text: "/stop" });
  await world.hears(ALICE, "Nothing is being answered");

  world.press(ALICE, "Retry");
  await world.telegram.waitFor(
    () => world.heard(ALICE).filter((message) => hasButton(message, "Stop")).length === 1,
  );
  const pressed = world.press(ALICE, "Stop");
  await world.telegram.waitFor(
    () => world.heard(ALICE).filter((message) => message.text.endsWith("Stopped.")).length === 2,
  );
  await world.telegram.waitFor(() => world.telegram.callbackAnswer(pressed));

  world.telegram.say({ from: ALICE, text: "/new" });
  await world.hears(ALICE, "I have forgotten");
  world.telegram.say({ from: ALICE, text: "fresh" });
  await world.hears(ALICE, "Echo: fresh");
  expect(JSON.stringify(world.claude.requests.at(-1)?.messages)).not.toContain("A sentence");
  world.telegram.say({ from: ALICE, text: "/retry" });
  await world.telegram.waitFor(
    () => world.heard(ALICE).filter((message) => message.text === "Echo: fresh").length === 2,
  );
});

test("when Claude is not there, one friendly sentence with a Retry button that works later; the bot stays responsive", async () => {
  await using world = await startWorld(() => ({
    status: 529,
    type: "overloaded_error",
    message: "Overloaded",
  }));
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "are you there?" });
  const sorry = await world.hears(ALICE, "Claude is overloaded right now");
  expect(sorry.text).not.toContain("overloaded_error");
  world.telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "Claude cannot be used right now");
  expect(world.claude.requests).toHaveLength(1); // nothing was asked again behind her back
  world.claude.setScript(() => ({ text: "Yes, here I am." }));
  world.press(ALICE, "Retry");
  await world.hears(ALICE, "Yes, here I am.");
  await world.telegram.waitFor(() => world.heard(ALICE).every((message) => !hasButton(message, "Retry")));

  world.claude.setScript(() => ({
    fault: "reset_mid_stream",
    text: "The beginning of a long thought that breaks off",
    afterChars: 30,
  }));
  world.telegram.say({ from: ALICE, text: "think" });
  const partial = await world.hears(ALICE, "The answer was interrupted.");
  expect(partial.text).toStartWith("The beginning of a long");
  expect(hasButton(partial, "Retry")).toBe(true);
});

test("a slow answer holds up neither commands, nor buttons, nor other chats; questions in one chat wait for each other", async () => {
  await using world = await startWorld((_request, { lastUserText }) =>
    lastUserText.includes("slow")
      ? { text: "slow answer ".repeat(60), chunkChars: 12, chunkMs: 100 }
      : { text: `Echo: ${lastUserText}` },
  );
  await world.claimTeam();
  await inviteBob(world);
  world.telegram.say({ from: ALICE, text: "slow" });
  await world.telegram.waitFor(() => world.heard(ALICE).find((message) => hasButton(message, "Stop")));
  world.telegram.say({ from: ALICE, text: "second" });
  world.telegram.say({ from: ALICE, text: "/status" });
  world.telegram.say({ from: BOB, text: "hi" });
  await world.hears(BOB, "Echo: hi");
  await world.hears(ALICE, "An answer is being written");
  expect(world.claude.running).toBe(1);
  world.press(ALICE, "Stop");
  await world.hears(ALICE, "Echo: second");
});

test("an invite works once, for one person, and only admins make them", async () => {
  await using world = await startWorld();
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "https://t.me/blockbot_demo_bot?start=");
  const parameter = /start=(\S+)/.exec(text)?.[1] ?? "";
  world.telegram.say({ from: ALICE, text: `/start ${parameter}` });
  await world.hears(ALICE, "the invite is still unused");
  world.telegram.say({ from: BOB, text: `/start ${parameter}` });
  await world.hears(BOB, "You are a member");
  world.telegram.say({ from: STRANGER, text: `/start ${parameter}` });
  await world.hears(STRANGER, "has been used");
  world.telegram.say({ from: BOB, text: "/invite" });
  await world.hears(BOB, "Only an admin");
  world.telegram.say({ from: BOB, text: "hello" });
  await world.hears(BOB, "Hello from Claude.");
});

test("a claimed group answers members when mentioned or replied to, topics apart, and nobody else", async () => {
  await using world = await startWorld((_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` }));
  const { telegram } = world;
  await world.claimTeam();
  await inviteBob(world);
  telegram.say({ from: BOB, chat: GROUP, text: "@blockbot_demo_bot before the claim" });
  await until(() => world.log.some((line) => line["outcome"] === "dropped: unclaimed group"));
  telegram.say({ from: BOB, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "Only an admin");
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  telegram.say({ from: BOB, chat: GROUP, text: "nobody asked the bot" });
  telegram.say({ from: BOB, chat: GROUP, text: "@blockbot_demo_bot what is up?" });
  const answer = await world.hears(GROUP, "Echo: Bob: what is up?");
  expect(answer.replyTo).not.toBeNull();
  telegram.say({ from: BOB, chat: GROUP, text: "and now?", replyTo: answer.messageId });
  await world.hears(GROUP, "Echo: Bob: and now?");
  telegram.say({ from: STRANGER, chat: GROUP, text: "@blockbot_demo_bot me too" });
  await world.hears(GROUP, "I only answer members");
  expect(world.claude.requests).toHaveLength(2);

  telegram.say({ from: ALICE, chat: FORUM, text: "/claim@blockbot_demo_bot" });
  await world.hears(FORUM, "now belongs to");
  const [design, website] = telegram.topics(FORUM).map((topic) => topic.threadId);
  telegram.say({ from: ALICE, chat: FORUM, thread: design ?? 0, text: "@blockbot_demo_bot about colours" });
  await world.hears(FORUM, "about colours", design);
  telegram.say({ from: ALICE, chat: FORUM, thread: website ?? 0, text: "@blockbot_demo_bot about links" });
  await world.hears(FORUM, "about links", website);
  expect(JSON.stringify(world.claude.requests.at(-1)?.messages)).not.toContain("colours");
});

test("bad input is answered or ignored, never stuck", async () => {
  await using world = await startWorld((_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` }));
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/frobnicate" });
  await world.hears(ALICE, "/frobnicate");
  telegram.sendFile({
    from: ALICE,
    kind: "voice",
    name: "v.ogg",
    mime: "audio/ogg",
    bytes: new Uint8Array(10),
  });
  await world.hears(ALICE, "I cannot read voice messages yet");
  telegram.sendFile({
    from: ALICE,
    kind: "sticker",
    name: "s.webp",
    mime: "image/webp",
    bytes: new Uint8Array(10),
  });
  await world.hears(ALICE, "I cannot read stickers yet");
  const now = Math.floor(Date.now() / 1000);
  const from = { id: ALICE, is_bot: false, first_name: "Alice" };
  const chat = { id: ALICE, type: "private", first_name: "Alice" };
  telegram.inject({ message: { message_id: 900_001, date: now, chat, from, text: "x".repeat(100_000) } });
  await world.hears(ALICE, "too long");
  telegram.inject({ message: { message_id: 900_002, date: now, chat, from, text: "\u0000\u0007" } });
  await world.hears(ALICE, "no text for me");
  telegram.inject({ message: { message_id: 900_003, date: now, chat, from, text: "" } });
  telegram.inject({ message: {} });
  telegram.inject({ message: { text: 7, chat: "nowhere" } });
  telegram.inject({ message: null });
  telegram.inject({});
  telegram.inject({ something_new: { deep: true } });
  telegram.inject({ callback_query: { id: "900" } });
  telegram.inject({
    callback_query: {
      id: "901",
      from,
      chat_instance: "1",
      data: "no-such-button",
      message: { message_id: 1, date: now, chat },
    },
  });
  telegram.inject({
    callback_query: {
      id: "902",
      from,
      chat_instance: "1",
      data: "stop:'; DROP TABLE app.turns",
      message: { message_id: 1, date: now, chat },
    },
  });
  telegram.inject({ edited_message: { message_id: 1, date: 1, edit_date: 2, chat, from, text: "edited" } });
  telegram.say({ from: ALICE, text: "still there?" });
  await world.hears(ALICE, "Echo: still there?");
  const sql = createSql(world.databaseUrl, { max: 1 });
  await telegram.waitFor(() => telegram.pendingUpdates() === 0);
  const waiting = await sql`SELECT update_id FROM pipeline.updates WHERE state <> 'done'`;
  await sql.end();
  expect([...waiting]).toEqual([]);
});

test("an update that Telegram delivers twice is answered once", async () => {
  await using world = await startWorld((_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` }));
  await world.claimTeam();
  world.telegram.duplicateNextUpdate();
  world.telegram.say({ from: ALICE, text: "once" });
  await world.hears(ALICE, "Echo: once");
  world.telegram.say({ from: ALICE, text: "after" });
  await world.hears(ALICE, "Echo: after");
  expect(world.heard(ALICE).filter((message) => message.text === "Echo: once")).toHaveLength(1);
  expect(world.claude.requests).toHaveLength(2);
});

test("a clean stop finishes the answer under way, and the next start goes on where it was", async () => {
  await using world = await startWorld((_request, { lastUserText }) => ({
    text: `Echo of an answer that takes its time and goes on for a while, slow answer to ${lastUserText}`,
    chunkChars: 6,
    chunkMs: 80,
  }));
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "one" });
  await world.telegram.waitFor(() => world.heard(ALICE).find((message) => hasButton(message, "Stop")));
  await world.restart();
  await world.hears(ALICE, "slow answer to one");
  world.telegram.say({ from: ALICE, text: "two" });
  await world.hears(ALICE, "slow answer to two");
  expect(world.claude.requests).toHaveLength(2);
});

test("trouble with Telegram loses nothing: errors, floods and lost responses", async () => {
  await using world = await startWorld((_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` }));
  const { telegram } = world;
  await world.claimTeam();
  telegram.fault({
    method: "getUpdates",
    times: 2,
    kind: "error",
    errorCode: 502,
    description: "Bad Gateway",
  });
  telegram.fault({ method: "getUpdates", times: 1, kind: "truncate" });
  telegram.say({ from: ALICE, text: "first" });
  await world.hears(ALICE, "Echo: first");
  telegram.fault({
    method: "sendMessage",
    times: 1,
    kind: "error",
    errorCode: 429,
    description: "Too Many Requests: retry after 1",
    retryAfter: 1,
  });
  telegram.say({ from: ALICE, text: "second" });
  await world.hears(ALICE, "Echo: second");
  telegram.fault({ method: "sendMessage", times: 1, kind: "reset_before" });
  telegram.say({ from: ALICE, text: "third" });
  await world.hears(ALICE, "Echo: third");
  telegram.setBlocked(ALICE, true);
  telegram.setBlocked(ALICE, false);
  telegram.say({ from: ALICE, text: "fourth" });
  await world.hears(ALICE, "Echo: fourth");
});

test("every turn and every change leaves an audit row with who, what, outcome and model, and the chain holds", async () => {
  await using world = await startWorld();
  await world.claimTeam();
  await inviteBob(world);
  world.telegram.say({ from: BOB, text: "hello" });
  await world.hears(BOB, "Hello from Claude.");
  world.telegram.say({ from: ALICE, text: "/new" });
  await world.hears(ALICE, "I have forgotten");
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const rows =
    await sql`SELECT action, outcome, model, actor_type, correlation_id, org_id FROM app.audit_log ORDER BY seq`;
  expect(rows.map((row) => row["action"])).toEqual([
    "team.create",
    "invite.create",
    "member.join",
    "turn.answer",
    "conversation.new",
  ]);
  expect(rows.find((row) => row["action"] === "turn.answer")).toMatchObject({
    outcome: "answered",
    model: "claude-sonnet-5-5",
    actor_type: "user",
  });
  expect(rows.every((row) => String(row["correlation_id"]).length === 10)).toBe(true);
  const broken = await sql.begin(async (tx) => {
    await tx`SELECT set_config('app.current_org_id', ${String(rows[0]?.["org_id"])}, true)`;
    return tx`SELECT * FROM auth.audit_verify()`;
  });
  await sql.end();
  expect([...broken]).toEqual([]);
});

test("the log has one line an update, and neither message text nor secrets", async () => {
  await using world = await startWorld(() => ({ text: "the-answer-canary" }));
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "the-question-canary" });
  await world.hears(ALICE, "the-answer-canary");
  await world.telegram.waitFor(() => world.log.some((line) => line["what"] === "ask"));
  const all = JSON.stringify(world.log);
  expect(all).not.toContain("canary");
  expect(all).not.toContain("SIMULATED_TELEGRAM_TOKEN");
  expect(all).not.toContain("a-key-for-the-simulator");
  const updates = world.log.filter((line) => line["msg"] === "update").map((line) => line["updateId"]);
  expect(new Set(updates).size).toBe(updates.length);
  expect(world.log.find((line) => line["what"] === "ask")).toMatchObject({
    outcome: "answered",
    level: "info",
  });
});
