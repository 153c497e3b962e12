import { expect, test } from "bun:test";
import { storeBatch } from "../pipeline/updates.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import { dropQuestions, startConversation } from "./conversations.ts";
import { ask, askAndEnd, PRIVATE, receive } from "./test-conversation.ts";

test("/new forgets the conversation of this place and drops what waits in its lane, and nothing else", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const topic = { ...PRIVATE, chatId: -100, kind: "supergroup", threadId: 5, lane: "topic" } as const;
  const general = { ...topic, threadId: 0, lane: "general" };
  for (const [index, place] of [PRIVATE, topic, general].entries()) {
    await askAndEnd(scope, lease, index + 1, { place });
  }
  await receive(scope, lease, [10, 11], topic);
  await receive(scope, lease, [12], general);
  await receive(scope, lease, [13], topic); // the command
  await receive(scope, lease, [14], topic); // what was said after it
  expect(await startConversation(scope, lease, topic, 13)).toBe(2);
  expect((await ask(scope, lease, 20, { place: topic })).history).toEqual({ messages: [], warm: false });
  expect((await ask(scope, lease, 21, { place: general })).history.messages).toHaveLength(2);
  expect((await ask(scope, lease, 22, { place: PRIVATE })).history.messages).toHaveLength(2);
  const waiting =
    await it.admin`SELECT update_id::int AS id FROM pipeline.updates WHERE state = 'ready' ORDER BY 1`;
  expect([...waiting]).toEqual([{ id: 12 }, { id: 13 }, { id: 14 }]);

  expect(await startConversation(scope, lease, topic, 12)).toBe(0);
  expect(await startConversation(scope, lease, topic, 12)).toBe(0);
  const open = await it.admin`SELECT FROM app.conversations WHERE closed_at IS NULL`;
  expect(open).toHaveLength(2);
  expect(await it.admin`SELECT FROM app.turns`).toHaveLength(6); // forgotten, not deleted
});

test("stop drops the person's own waiting messages that came before it, and says so in the audit log", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const said = (updateId: number, by: number) => ({
    updateId,
    lane: PRIVATE.lane,
    control: updateId === 4,
    payload: { message: { from: { id: by } } },
  });
  await storeBatch(it.app, lease, [said(1, 1), said(2, 2), said(3, 1), said(4, 1), said(5, 1)]);
  const mine = { lane: PRIVATE.lane, before: 4, from: 1 };
  expect(await dropQuestions(scope, lease, mine)).toBe(2);
  expect(await dropQuestions(scope, lease, mine)).toBe(0);
  const waiting =
    await it.admin`SELECT update_id::int AS id FROM pipeline.updates WHERE state = 'ready' ORDER BY 1`;
  expect([...waiting]).toEqual([{ id: 2 }, { id: 4 }, { id: 5 }]);
  const rows = await it.admin`SELECT action, detail FROM app.audit_log`;
  expect([...rows]).toEqual([{ action: "turn.stop", detail: { dropped: 2 } }]);
});
