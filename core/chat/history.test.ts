import { expect, test } from "bun:test";
import type { ClaudeMessage } from "../claude/messages.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import { answered, ask, askAndEnd, PRIVATE } from "./test-conversation.ts";
import type { Outcome } from "./turns.ts";

const MINUTE_MS = 60_000;

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

test("the budget holds whole turns only, the newest that fit, as Claude counted the last prompt", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const fill = (name: string, bytes: number) => name.padEnd(bytes, ".");
  // Claude counted a quarter of a token for each byte, so that 96 000 bytes are 24 000 tokens.
  const measure = () =>
    it.admin`UPDATE app.turns SET input_tokens = 1000, cache_read_tokens = 0, cache_write_tokens = 0, prompt_bytes = 4000`;
  const half = 96_000 / 2;
  await askAndEnd(scope, lease, 1, { text: "old", outcome: answered("old") });
  await askAndEnd(scope, lease, 2, { text: fill("a", 100), outcome: answered(fill("A", half - 100)) });
  await askAndEnd(scope, lease, 3, { text: fill("b", 100), outcome: answered(fill("B", half - 100)) });
  await measure();
  const full = await ask(scope, lease, 4);
  expect(textsOf(full.history.messages).map((text) => text[0])).toEqual(["a", "A", "b", "B"]);

  // One more character, and the turn that does not fit is left out with everything before it.
  await askAndEnd(scope, lease, 5, { text: "c", outcome: answered("") });
  await askAndEnd(scope, lease, 6, { text: "d", outcome: answered("D") });
  await measure();
  const over = await ask(scope, lease, 7);
  expect(textsOf(over.history.messages).map((text) => text[0])).toEqual(["b", "B", "d", "D"]);

  await askAndEnd(scope, lease, 8, { text: "e", outcome: answered(fill("E", 96_000)) });
  await measure();
  expect((await ask(scope, lease, 9)).history.messages).toEqual([]);
});

test("before Claude has counted, and after it counted a picture too, a byte is a third and at most half a token", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const remembered = async (updateId: number) => (await ask(scope, lease, updateId)).history.messages.length;
  await askAndEnd(scope, lease, 1, { text: "a", outcome: answered("A".repeat(60_000)) });
  await it.admin`UPDATE app.turns SET prompt_bytes = NULL`;
  expect(await remembered(2)).toBe(2);
  await it.admin`UPDATE app.turns SET input_tokens = 100_000, prompt_bytes = 4000`;
  expect(await remembered(3)).toBe(0);
  await it.admin`UPDATE app.turns SET answer = repeat('A', 40000)`;
  expect(await remembered(4)).toBe(2);
});

test("of many short turns the newest hundred are remembered", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await askAndEnd(scope, lease, 1);
  await it.admin`INSERT INTO app.turns (org_id, conversation_id, bot_id, update_id, lane, telegram_chat_id, asker_id, question,
      status, answer, correlation_id, created_at)
    SELECT org_id, conversation_id, bot_id, i, lane, telegram_chat_id, asker_id, 'question ' || i, 'answered', 'answer ' || i,
      'x', created_at + i * interval '1 ms' FROM app.turns, generate_series(2, 102) i`;
  const { messages } = (await ask(scope, lease, 103)).history;
  expect(messages).toHaveLength(200);
  expect(textsOf(messages.slice(0, 1))).toEqual(["question 3"]);
  expect(textsOf(messages.slice(-1))).toEqual(["answer 102"]);
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
