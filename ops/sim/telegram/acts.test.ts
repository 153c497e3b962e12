import { expect, test } from "bun:test";
import { greyPng } from "../picture.ts";
import { ANN, BEN, FORUM, GROUP, startSim } from "./test-sim.ts";

type World = Awaited<ReturnType<typeof startSim>>;

async function updates({ call }: World) {
  return (await call("getUpdates", { offset: -100 })).body.result;
}

async function textsHeard(world: World): Promise<unknown[]> {
  return (await updates(world)).map((update) => update["message"]?.["text"] as unknown);
}

test("in a group the bot hears commands, mentions and replies to it, and nothing else", async () => {
  await using world = await startSim();
  const { sim, call } = world;
  const own = Number(
    (await call("sendMessage", { chat_id: GROUP, text: "hello" })).body.result["message_id"],
  );
  const said = (text: string, more: object = {}) => sim.say({ from: ANN, chat: GROUP, text, ...more });
  const overheard = said("just us");
  said("/help");
  said("/help@blockbot_test_bot");
  said("/help@other_bot");
  said("what do you think, @BlockBot_test_bot?");
  said("@other_bot hello");
  said("a reply to Ann", { replyTo: overheard });
  said("a reply to the bot", { replyTo: own });
  sim.edit({ from: ANN, chat: GROUP, messageId: overheard, text: "still just us" });
  expect(await textsHeard(world)).toEqual([
    "/help",
    "/help@blockbot_test_bot",
    "what do you think, @BlockBot_test_bot?",
    "a reply to the bot",
  ]);
  expect(sim.messages(GROUP)).toHaveLength(9);
});

test("a message in a topic says so, and replies to the topic's opening like in the service", async () => {
  await using world = await startSim();
  const [bills] = world.sim.topics(FORUM);
  const thread = bills?.threadId ?? 0;
  world.sim.say({ from: ANN, chat: FORUM, thread, text: "/paid" });
  world.sim.say({ from: ANN, chat: FORUM, text: "/general" });
  const [inTopic, general] = (await updates(world)).map((update) => update["message"] as unknown);
  expect(inTopic).toMatchObject({
    chat: { id: FORUM, type: "supergroup", is_forum: true },
    message_thread_id: thread,
    is_topic_message: true,
    reply_to_message: { message_id: thread, forum_topic_created: { name: "Bills" } },
    entities: [{ type: "bot_command", offset: 0, length: 5 }],
  });
  expect(general).not.toHaveProperty("message_thread_id");
  expect(() => world.sim.say({ from: ANN, chat: FORUM, thread: 999, text: "x" })).toThrow("no topic 999");
});

test("an edited message reaches the bot as such and stays in its place", async () => {
  await using world = await startSim();
  const messageId = world.sim.say({ from: ANN, text: "frist" });
  world.sim.say({ from: ANN, text: "second" });
  world.sim.edit({ from: ANN, messageId, text: "first" });
  expect((await updates(world)).at(-1)).toMatchObject({
    edited_message: { message_id: messageId, text: "first" },
  });
  expect(world.sim.messages(ANN).map(({ text }) => text)).toEqual(["first", "second"]);
  expect(() => world.sim.edit({ from: BEN, chat: ANN, messageId, text: "x" })).toThrow("their own messages");
});

test("a button press is answered once, in time, and only buttons that are there can be pressed", async () => {
  let now = Date.UTC(2026, 0, 1);
  await using world = await startSim({ clock: () => now });
  await world.meetAnn();
  const keyboard = { inline_keyboard: [[{ text: "Yes", callback_data: "yes:1" }]] };
  const { result } = (
    await world.call("sendMessage", { chat_id: ANN, text: "Sure?", reply_markup: keyboard })
  ).body;
  const button = { from: ANN, messageId: Number(result["message_id"]), data: "yes:1" };
  expect(() => world.sim.press({ ...button, data: "no" })).toThrow("no button");

  const id = world.sim.press(button);
  expect((await updates(world)).at(-1)).toMatchObject({
    callback_query: { id, from: { id: ANN }, data: "yes:1", message: { text: "Sure?", chat: { id: ANN } } },
  });
  const answer = (query: string) =>
    world.refusal("answerCallbackQuery", { callback_query_id: query, text: "Done", show_alert: true });
  const tooOld = "Bad Request: query is too old and response timeout expired or query ID is invalid";
  expect(world.sim.callbackAnswer(id)).toBeNull();
  expect(await answer(id)).toBeUndefined();
  expect(world.sim.callbackAnswer(id)).toEqual({ text: "Done", showAlert: true });
  expect(await answer(id)).toBe(tooOld);
  expect(await answer("12345")).toBe(tooOld);
  const late = world.sim.press(button);
  now += 31_000;
  expect(await answer(late)).toBe(tooOld);
  expect(world.sim.violations).toEqual([]);
});

test("blocking and being added or removed tell the bot how it stands", async () => {
  await using world = await startSim();
  await world.meetAnn();
  world.sim.setBlocked(ANN, true);
  expect(() => world.sim.say({ from: ANN, text: "x" })).toThrow("blocked the bot");
  world.sim.setBlocked(ANN, false);
  world.sim.setBotMember(GROUP, false);
  world.sim.say({ from: ANN, chat: GROUP, text: "/nobody hears" });
  world.sim.setBotMember(GROUP, true);
  const kinds = (await updates(world)).map(({ my_chat_member: change, message }) =>
    change === undefined
      ? Object.keys(message ?? {}).filter((key) => key.startsWith("new_"))
      : [change["chat"]["id"], change["old_chat_member"]["status"], change["new_chat_member"]["status"]],
  ) as unknown[][];
  expect(kinds).toEqual([
    [ANN, "member", "kicked"],
    [ANN, "kicked", "member"],
    [GROUP, "member", "kicked"],
    [GROUP, "kicked", "member"],
    ["new_chat_member", "new_chat_members"],
  ]);
});

test("an album is one update for each file, under one media group", async () => {
  await using world = await startSim();
  const file = {
    from: ANN,
    kind: "photo" as const,
    mime: "image/png",
    bytes: greyPng(300, 200),
    mediaGroupId: "g1",
  };
  world.sim.sendFile({ ...file, name: "a.png", caption: "both" });
  world.sim.sendFile({ ...file, name: "b.png" });
  const messages = (await updates(world)).map((update) => update["message"] as unknown);
  const large = { file_size: file.bytes.length, width: 300, height: 200 };
  expect(messages).toMatchObject([
    { media_group_id: "g1", caption: "both", photo: [{ width: 90, height: 90 }, large] },
    { media_group_id: "g1", photo: [{ width: 90, height: 90 }, large] },
  ]);
  const odd = { ...file, name: "c.pdf", kind: "document" as const };
  expect(() => world.sim.sendFile(odd)).toThrow("do not go into one album");
  for (let count = 2; count < 10; count += 1) world.sim.sendFile({ ...file, name: "d.png" });
  expect(() => world.sim.sendFile({ ...file, name: "e.png" })).toThrow("at most 10");
});

test("a photo is a picture, and is kept in several sizes", async () => {
  await using world = await startSim();
  const photo = { from: ANN, kind: "photo" as const, name: "a.png", mime: "image/png" };
  expect(() => world.sim.sendFile({ ...photo, bytes: new Uint8Array([1]) })).toThrow("only sends a picture");
  const bytes = greyPng(1280, 960);
  world.sim.sendFile({ ...photo, bytes, otherSizes: [greyPng(800, 600)], hidesSize: true });
  const [update] = await updates(world);
  const message: unknown = update?.["message"];
  expect(message).toMatchObject({ photo: [{ width: 90 }, { width: 800 }, { width: 1280 }] });
  expect(JSON.stringify(message)).not.toContain("file_size");
});

test("chats and members can be looked up as the service shows them", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const result = async (method: string, params: object) =>
    (await world.call(method, params)).body.result as unknown;
  expect(await result("getChat", { chat_id: GROUP })).toMatchObject({ type: "supergroup", title: "Team" });
  expect(await result("getChat", { chat_id: String(ANN) })).toMatchObject({
    type: "private",
    username: "ann_test",
  });
  const member = (user: number) => result("getChatMember", { chat_id: GROUP, user_id: user });
  expect(await member(ANN)).toMatchObject({ status: "creator", user: { id: ANN } });
  expect(await member(BEN)).toMatchObject({ status: "member" });
  expect(await member(7001)).toMatchObject({ status: "member", user: { is_bot: true } });
  expect(await world.refusal("getChatMember", { chat_id: GROUP, user_id: 99 })).toBe(
    "Bad Request: user not found",
  );
  expect(await result("getChatAdministrators", { chat_id: GROUP })).toMatchObject([{ user: { id: ANN } }]);
});

test("command menus are kept for each scope and language", async () => {
  await using world = await startSim();
  const help = [{ command: "help", description: "What I can do" }];
  const hilfe = [{ command: "help", description: "Was ich kann" }];
  const scope = { type: "chat_member", chat_id: GROUP, user_id: ANN };
  await world.call("setMyCommands", { commands: help });
  await world.call("setMyCommands", { commands: hilfe, language_code: "de", scope });
  expect(world.sim.commands()).toEqual([
    { scope: `chat_member:${GROUP}:${ANN}`, languageCode: "de", commands: hilfe },
    { scope: "default", languageCode: "", commands: help },
  ]);
  expect((await world.call("getMyCommands", { scope, language_code: "de" })).body.result as unknown).toEqual(
    hilfe,
  );
  expect((await world.call("getMyCommands", { scope })).body.result as unknown).toEqual([]);
  await world.call("deleteMyCommands");
  expect(world.sim.commands()).toHaveLength(1);
  const bad = { commands: [{ command: "Help!", description: "x" }] };
  expect(await world.refusal("setMyCommands", bad)).toBe("Bad Request: BOT_COMMAND_INVALID");

  await world.call("setMyName", { name: "Blocky" });
  expect(world.sim.bot.firstName).toBe("Blocky");
});
