import { expect, test } from "bun:test";
import { readyInLane, storeBatch } from "../pipeline/updates.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import { askedMessage, rewordWaiting, wasAskedOtherwise } from "./edits.ts";
import { askAndEnd, questionOf, receive } from "./test-conversation.ts";
import { keepQuestion } from "./turns.ts";

test("an edit is told from a question of this team that said the same, whichever message of it was edited, also by what it leaves out", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const asked = [askedMessage(500, "first, and more"), askedMessage(501, "rest")];
  await askAndEnd(mine, lease, 10, { asked, text: "first, and more\nrest" });
  const otherwise = (
    text: string,
    given: { scope?: typeof mine; chatId?: number; messageId?: number } = {},
  ) => wasAskedOtherwise(given.scope ?? mine, given.chatId ?? 7, askedMessage(given.messageId ?? 500, text));
  expect(await otherwise("first")).toBe(true);
  expect(await otherwise("first, and more")).toBe(false);
  expect(await otherwise("rest", { messageId: 501 })).toBe(false);
  expect(await otherwise("test", { messageId: 501 })).toBe(true);
  expect(await otherwise("first", { messageId: 502 })).toBe(false);
  expect(await otherwise("first", { chatId: 8 })).toBe(false);
  expect(await otherwise("first", { scope: theirs })).toBe(false);
  await receive(mine, lease, [11]);
  await keepQuestion(mine, questionOf(lease, 11, { asked: [askedMessage(500, "first")] }), "edited");
  expect(await otherwise("first")).toBe(false);
  expect(await otherwise("third")).toBe(true);
});

test("a message that still waits gets its new words, and one that is in hand does not", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const message = (id: number, text: string) => ({ message_id: id, text });
  await storeBatch(
    it.app,
    lease,
    [10, 11].map((id) => ({
      updateId: id,
      lane: "lane 7",
      control: false,
      payload: { update_id: id, message: message(id, "old") },
    })),
  );
  await it.admin`UPDATE pipeline.updates SET attempts = 1 WHERE update_id = 11`;
  expect(await rewordWaiting(it.app, lease, "lane 7", message(10, "new\u0000"))).toBe(true);
  expect(await rewordWaiting(it.app, lease, "lane 7", message(11, "new"))).toBe(false);
  expect(await rewordWaiting(it.app, lease, "lane 8", message(10, "newer"))).toBe(false);
  expect(await rewordWaiting(it.app, { ...lease, epoch: 0 }, "lane 7", message(10, "newer"))).toBe(false);
  const { rows } = await readyInLane(it.app, lease, "lane 7");
  expect(rows.map(({ payload }) => payload["message"])).toMatchObject([
    { text: expect.stringMatching(/^new/) },
    { text: "old" },
  ]);
});
