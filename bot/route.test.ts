import { expect, test } from "bun:test";
import fc from "fast-check";
import { laneName, routeOf, threadOf } from "./route.ts";

const ME = { id: 7001, username: "BlockBot" };
const NOWHERE = "7001:-";

const GROUP = { chat: { id: -1001 }, from: { id: 1 } };
const command = (text: string, length = text.split(" ")[0]?.length ?? 0) => ({
  ...GROUP,
  text,
  entities: [
    { type: "bold", offset: 0, length },
    { type: "bot_command", offset: 0, length },
  ],
});
const controlOf = (update: unknown): boolean => routeOf(ME, update).control;

test("whatever JSON arrives, it belongs somewhere", () => {
  const json = fc.jsonValue();
  const message = fc.record(
    {
      chat: fc.oneof(json, fc.record({ id: json })),
      text: json,
      is_topic_message: json,
      message_thread_id: json,
      entities: fc.oneof(
        json,
        fc.array(
          fc.oneof(
            json,
            fc.record({ type: fc.constant("bot_command"), offset: fc.constant(0), length: json }),
          ),
        ),
      ),
    },
    { requiredKeys: [] },
  );
  const update = fc.record(
    {
      message: fc.oneof(json, message),
      edited_message: fc.oneof(json, message),
      callback_query: fc.oneof(json, fc.record({ message: fc.oneof(json, message) })),
      my_chat_member: json,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(json, update), (value) => {
      const { lane, control } = routeOf(ME, value);
      expect(lane).toStartWith("7001:");
      expect(typeof control).toBe("boolean");
    }),
    { numRuns: 1_000 },
  );
});

test("a message goes to the lane of its chat and topic", () => {
  expect(routeOf(ME, { message: { ...GROUP, text: "hello" } })).toEqual({
    lane: "7001:-1001:0",
    control: false,
  });
  const inTopic = { ...GROUP, text: "hello", message_thread_id: 5, is_topic_message: true };
  expect(routeOf(ME, { message: inTopic })).toEqual({ lane: "7001:-1001:5", control: false });
  expect(laneName(7001, -1001, 5)).toBe("7001:-1001:5");
});

test("a chain of replies in an ordinary group is no topic", () => {
  const reply = { ...GROUP, text: "hello", message_thread_id: 5 };
  expect(routeOf(ME, { message: reply }).lane).toBe("7001:-1001:0");
  expect([
    threadOf({ message_thread_id: 5 }),
    threadOf({ message_thread_id: 5, is_topic_message: false }),
    threadOf({ message_thread_id: "5", is_topic_message: true }),
    threadOf({ message_thread_id: 5, is_topic_message: true }),
  ]).toEqual([0, 0, 0, 5]);
});

test("commands, buttons, edits and memberships overtake; anything else that is said waits in its lane", () => {
  expect(controlOf({ message: command("/stop") })).toBe(true);
  expect(controlOf({ message: command("/stop@blockbot now") })).toBe(true);
  expect(controlOf({ message: { ...GROUP, migrate_to_chat_id: -1002 } })).toBe(true);
  const token = { chat: { id: 7, type: "private" }, text: " xoxb-1234567890-abcdefghij\n" };
  expect(controlOf({ message: token })).toBe(true);
  expect(controlOf({ message: { ...token, text: `this one: ${token.text}` } })).toBe(false);
  expect(routeOf(ME, { callback_query: { data: "x", message: GROUP } })).toEqual({
    lane: "7001:-1001:0",
    control: true,
  });
  expect(routeOf(ME, { edited_message: { ...GROUP, text: "hello" } })).toEqual({
    lane: "7001:-1001:0",
    control: true,
  });
  expect(routeOf(ME, { my_chat_member: { chat: { id: -1001 } } })).toEqual({
    lane: "7001:-1001:0",
    control: true,
  });
  expect(routeOf(ME, { callback_query: { data: "x" } })).toEqual({ lane: NOWHERE, control: true });

  const later = {
    ...GROUP,
    text: "what does /stop do?",
    entities: [{ type: "bot_command", offset: 10, length: 5 }],
  };
  expect(controlOf({ message: later })).toBe(false);
  expect(controlOf({ message: { ...GROUP, text: "/stop" } })).toBe(false); // Telegram saw no command in it
  expect(
    controlOf({
      message: {
        ...GROUP,
        caption: "/stop",
        caption_entities: [{ type: "bot_command", offset: 0, length: 5 }],
      },
    }),
  ).toBe(false);
});

test("a question that begins with another bot's command waits like any other", () => {
  expect(controlOf({ message: command("/weather@other_bot what is that, @BlockBot?") })).toBe(false);
  expect(controlOf({ message: command("/weather@BlockBot2 what is that?") })).toBe(false);
});
