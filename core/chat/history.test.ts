import { expect, test } from "bun:test";
import type { ClaudeMessage } from "../claude/client.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import { answered, ask, askAndEnd, PRIVATE } from "./test-conversation.ts";
import type { Outcome } from "./turns.ts";

const MINUTE_MS = 60_000;
const CHARS_MAX = 72_000;

function failed(text: string): Outcome {
  return { status: "failed", text, usage: null, kind: "interrupted", retryAfterSeconds: null };
}

const textsOf = (messages: readonly ClaudeMessage[]) =>
  messages.map((message) => ("text" in message ? message.text : ""));

test("Claude is reminded of answered and stopped turns, oldest first, and never of failed or running ones", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await askAndEnd(scope, lease, 1);
  await askAndEnd(scope, lease, 2, { outcome: { status: "stopped", text: "half an answer", usage: null } });
  await askAndEnd(scope, lease, 3, { outcome: failed("broke off") });
  await askAndEnd(scope, lease, 4, { outcome: { status: "stopped", text: "", usage: null } });
  await askAndEnd(scope, lease, 5, { outcome: answered(" \n") });
  await ask(scope, lease, 6);
  await askAndEnd(scope, lease, 7, { speaker: "Ada" });
  const { history } = await ask(scope, lease, 8, { speaker: "Bob" });
  expect(history.messages).toEqual([
    { role: "user", text: "question 1" },
    { role: "assistant", text: "answer 1" },
    { role: "user", text: "question 2" },
    { role: "assistant", text: "half an answer" },
    { role: "user", text: "Ada: question 7" },
    { role: "assistant", text: "answer 7" },
  ]);
});

test("one place, one team, one conversation: nothing is remembered across them", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await askAndEnd(mine, lease, 1);
  expect((await ask(mine, lease, 2, { place: { ...PRIVATE, threadId: 3 } })).history.messages).toEqual([]);
  expect((await ask(mine, lease, 3, { place: { ...PRIVATE, chatId: 8 } })).history.messages).toEqual([]);
  // Two teams of one person in one private chat.
  expect((await ask(theirs, lease, 4)).history.messages).toEqual([]);
  expect((await ask(mine, lease, 5)).history.messages).toHaveLength(2);
});

test("the budget holds whole turns only, the newest that fit", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const half = CHARS_MAX / 2;
  const fill = (name: string, chars: number) => name.padEnd(chars, ".");
  await askAndEnd(scope, lease, 1, { text: "old", outcome: answered("old") });
  await askAndEnd(scope, lease, 2, { text: fill("a", 100), outcome: answered(fill("A", half - 100)) });
  await askAndEnd(scope, lease, 3, { text: fill("b", 100), outcome: answered(fill("B", half - 100)) });
  const full = await ask(scope, lease, 4);
  expect(textsOf(full.history.messages).map((text) => text[0])).toEqual(["a", "A", "b", "B"]);

  // One more character, and the turn that does not fit is left out with everything before it.
  await askAndEnd(scope, lease, 5, { text: "c", outcome: answered("") });
  await askAndEnd(scope, lease, 6, { text: "d", outcome: answered("D") });
  const over = await ask(scope, lease, 7);
  expect(textsOf(over.history.messages).map((text) => text[0])).toEqual(["b", "B", "d", "D"]);

  await askAndEnd(scope, lease, 8, { text: "e", outcome: answered(fill("E", CHARS_MAX)) });
  expect((await ask(scope, lease, 9)).history.messages).toEqual([]);
});

test("of many short turns the newest forty are remembered", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  for (let updateId = 1; updateId <= 42; updateId++) await askAndEnd(scope, lease, updateId);
  const { messages } = (await ask(scope, lease, 43)).history;
  expect(messages).toHaveLength(80);
  expect(textsOf(messages.slice(0, 1))).toEqual(["question 3"]);
  expect(textsOf(messages.slice(-1))).toEqual(["answer 42"]);
});

test("the cache counts as warm for five minutes after the last answer", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  expect((await ask(scope, lease, 1)).history.warm).toBe(false);
  await askAndEnd(scope, lease, 2);
  it.pass(4 * MINUTE_MS);
  expect((await ask(scope, lease, 3)).history.warm).toBe(true);
  it.pass(MINUTE_MS + 1_000);
  expect((await ask(scope, lease, 4)).history.warm).toBe(false);
});
