import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Message, MessageEntity, User } from "grammy/types";
import { addressedTo, argumentOf, commandOf, spokenText } from "./addressing.ts";

const ME = { id: 7001, username: "Block_Bot" };
const ANN: User = { id: 11, is_bot: false, first_name: "Ann" };
const BOT: User = { id: ME.id, is_bot: true, first_name: "Bot" };
const CHAT = { id: -1001, type: "supergroup" as const, title: "Team" };
const BASE = { message_id: 1, date: 0, chat: CHAT, from: ANN };

function said(text: string, more: Partial<Message> = {}): Message {
  return { ...BASE, text, ...more };
}

/** A message with one entity around the first place where `part` stands. */
function marked(text: string, type: "mention" | "bot_command", part: string): Message {
  return said(text, { entities: [{ type, offset: text.indexOf(part), length: part.length }] });
}

test("a mention counts in any case and anywhere, but not as the beginning of a longer name", () => {
  for (const mention of ["@Block_Bot", "@block_bot", "@BLOCK_BOT"])
    expect(addressedTo(marked(`well, ${mention}, what now?`, "mention", mention), ME)).toBe(true);
  expect(addressedTo(marked("ask @block_bot2", "mention", "@block_bot2"), ME)).toBe(false);
  expect(addressedTo(marked("ask @block", "mention", "@block"), ME)).toBe(false);
  expect(addressedTo(said("@block_bot"), ME)).toBe(false); // only what Telegram itself calls a mention
  expect(addressedTo(marked("🎉🎉 @block_bot", "mention", "@block_bot"), ME)).toBe(true);
  const named: MessageEntity[] = [{ type: "text_mention", offset: 0, length: 3, user: BOT }];
  expect(addressedTo(said("Bot?", { entities: named }), ME)).toBe(true);
  expect(
    addressedTo(said("Ann?", { entities: [{ type: "text_mention", offset: 0, length: 3, user: ANN }] }), ME),
  ).toBe(false);
  const caption = {
    caption: "@block_bot look",
    caption_entities: [{ type: "mention", offset: 0, length: 10 }],
  };
  expect(addressedTo({ ...BASE, ...caption } as Message, ME)).toBe(true);
});

test("a reply to the bot is for the bot, one to anybody else or to the opening of a topic is not", () => {
  const reply = (from: User, more: object = {}) =>
    said("and now?", { reply_to_message: { ...BASE, from, ...more } } as Partial<Message>);
  expect(addressedTo(reply(BOT), ME)).toBe(true);
  expect(addressedTo(reply(ANN), ME)).toBe(false);
  expect(addressedTo(reply(BOT, { forum_topic_created: { name: "Plans", icon_color: 0 } }), ME)).toBe(false);
  expect(addressedTo(said("hello"), ME)).toBe(false);
});

test("a command is for this bot unless it names another", () => {
  const commandIn = (text: string) =>
    commandOf(marked(text, "bot_command", text.split(/\s/)[0] ?? ""), ME.username);
  expect(["/new", "/NEW", "/new@block_bot", "/new@BLOCK_BOT x"].map(commandIn)).toEqual([
    "new",
    "new",
    "new",
    "new",
  ]);
  expect(["/new@other_bot", "/new@block_bot2", "/new@"].map(commandIn)).toEqual([null, null, null]);
  expect(addressedTo(marked("/new@block_bot", "bot_command", "/new@block_bot"), ME)).toBe(true);
  expect(addressedTo(marked("/new@other_bot", "bot_command", "/new@other_bot"), ME)).toBe(false);
  expect(commandOf(marked("please /new", "bot_command", "/new"), ME.username)).toBeNull();
  expect([commandOf(said("/new"), ME.username), commandOf(undefined, ME.username)]).toEqual([null, null]);
});

test("what follows a command is its argument, also when the command is bold or its message has lines", () => {
  expect(argumentOf(marked("/invite  admin ", "bot_command", "/invite"))).toBe("admin");
  expect(argumentOf(marked("/start@block_bot\ncode-1", "bot_command", "/start@block_bot"))).toBe("code-1");
  expect([argumentOf(marked("/invite", "bot_command", "/invite")), argumentOf(undefined)]).toEqual(["", ""]);
  const bold: MessageEntity[] = [
    { type: "bold", offset: 0, length: 13 },
    { type: "bot_command", offset: 0, length: 7 },
  ];
  const message = said("/invite admin", { entities: bold });
  expect([commandOf(message, ME.username), argumentOf(message)]).toEqual(["invite", "admin"]);
});

test("what was said comes without the mention and without control characters, with its lines", () => {
  expect(spokenText(said("@block_bot what\nis\tthis?"), ME.username)).toBe("what\nis\tthis?");
  expect(spokenText(said("a @BLOCK_BOT b"), ME.username)).toBe("a  b");
  expect(spokenText(said("a\u0000b\u0007c\r\nd\u007F\u001B[0m"), ME.username)).toBe("abc\nd[0m");
  expect(spokenText(said("half \uD83D of it"), ME.username)).toBe("half \uFFFD of it");
  // What only looks like the mention stays.
  for (const text of ["@block_bot2 says", "mail us: team@block_bot.example"])
    expect(spokenText(said(text), ME.username)).toBe(text);
  expect(spokenText({ ...BASE, caption: "@block_bot look" }, ME.username)).toBe("look");
  expect(spokenText(BASE, ME.username)).toBe("");
});

test("a name with characters that mean something in a pattern takes away itself and nothing else", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z.*+?^$()[\]{}|\\/-]{1,12}[a-z]$/), fc.string(), (username, rest) => {
      const kept = rest.replaceAll(/[@\w\p{L}\p{N}]/gu, "");
      const spoken = spokenText(said(`@${username} ${kept}`), username);
      expect(spoken).toBe(spokenText(said(kept), "x"));
    }),
  );
});
