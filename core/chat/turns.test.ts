import { expect, test } from "bun:test";
import { LeaseLostError } from "../pipeline/lease.ts";
import { createTestApp, leaseOf, type TestApp } from "../test-app.ts";
import { startConversation } from "./conversations.ts";
import { answered, ask, askAndEnd, PRIVATE, questionOf, receive } from "./test-conversation.ts";
import {
  beginTurn,
  finishTurn,
  keepQuestion,
  recordStop,
  type AnswerPart,
  type Outcome,
  type Turn,
} from "./turns.ts";

const FAILED: Outcome = {
  status: "failed",
  text: "",
  usage: null,
  kind: "overloaded",
  retryAfterSeconds: null,
};

function partOf(turn: Turn, text: string): AnswerPart {
  const { chatId, threadId } = turn.place;
  const key = `turn:${turn.id}:0`;
  return {
    item: {
      botId: turn.lease.botId,
      chatId,
      threadId,
      kind: "final",
      key,
      turnId: turn.id,
      message: { text },
    },
    buttons: [{ label: "Retry", kind: "retry", turnId: turn.id }],
  };
}

async function turnsOf(it: TestApp) {
  return [
    ...(await it.admin`SELECT id, update_id::int, status, question, answer FROM app.turns ORDER BY created_at`),
  ];
}

async function actionsOf(it: TestApp): Promise<string[]> {
  return (await it.admin`SELECT action || ' ' || outcome AS said FROM app.audit_log ORDER BY seq`).map(
    (row) => String(row["said"]),
  );
}

test("an update becomes one turn, however often and by however many it is begun", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await receive(scope, lease, [10, 11]);
  const question = questionOf(lease, 10, { updateIds: [10, 11] });
  const begun = await Promise.all(Array.from({ length: 10 }, () => beginTurn(scope, question)));
  const [turn, ...more] = begun.filter((turn) => turn !== null);
  expect(more).toEqual([]);
  expect(turn).toMatchObject({ question: "question 10", attempt: 1, place: PRIVATE });
  expect(await beginTurn(scope, { ...question, text: "other words" })).toBeNull();
  expect(await turnsOf(it)).toEqual([
    { id: turn?.id, update_id: 10, status: "running", question: "question 10", answer: null },
  ]);
  // The whole burst is done, says nothing any more, and names its turn.
  const updates = await it.admin`SELECT state, payload, turn_id FROM pipeline.updates`;
  expect([...updates]).toEqual(
    [10, 11].map(() => ({ state: "done", payload: null, turn_id: turn?.id ?? null })),
  );
});

test("a turn that begins under a lost lease leaves nothing, and its update waits for the new holder", async () => {
  await using it = await createTestApp();
  const older = await leaseOf(it.app);
  const scope = await it.team(1);
  await receive(scope, older, [10]);
  const newer = await leaseOf(it.app);
  await expect(beginTurn(scope, questionOf(older, 10))).rejects.toThrow(LeaseLostError);
  expect(await turnsOf(it)).toEqual([]);
  expect([...(await it.admin`SELECT FROM app.conversations`)]).toEqual([]);
  expect(await beginTurn(scope, questionOf(newer, 10))).not.toBeNull();
});

test("nobody but a person asks", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = { ...(await it.team(1)), actor: { type: "system", name: "worker" } as const };
  await receive(scope, lease, [10]);
  await expect(beginTurn(scope, questionOf(lease, 10))).rejects.toThrow("person");
});

test("a turn ends once: one answer, one message, one button, one audit row", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await ask(scope, lease, 10);
  await Promise.all(
    Array.from({ length: 10 }, () =>
      finishTurn(scope, turn, answered("forty-two"), [partOf(turn, "forty-two")]),
    ),
  );
  await finishTurn(scope, turn, FAILED, [partOf(turn, "sorry")]);
  expect(await turnsOf(it)).toMatchObject([{ status: "answered", answer: "forty-two" }]);
  const [button, ...otherButtons] =
    await it.admin`SELECT id, kind, turn_id, telegram_chat_id::int AS chat FROM app.buttons`;
  expect(otherButtons).toEqual([]);
  expect(button).toMatchObject({ kind: "retry", turn_id: turn.id, chat: 7 });
  const said = await it.admin`SELECT payload, org_id FROM pipeline.outbox`;
  const keyboard = [[{ text: "Retry", data: button?.["id"] }]];
  expect([...said]).toEqual([{ payload: { text: "forty-two", keyboard }, org_id: null }]);
  expect(await actionsOf(it)).toEqual(["turn.answer answered"]);
});

test("only the current attempt under the current lease can end a turn", async () => {
  await using it = await createTestApp();
  const older = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await ask(scope, older, 10);
  const newer = await leaseOf(it.app);
  await finishTurn(scope, turn, answered("from the dead"), [partOf(turn, "from the dead")]);
  await it.admin`UPDATE app.turns SET attempt = 2`;
  await finishTurn(scope, { ...turn, lease: newer }, answered("first attempt"), [
    partOf(turn, "first attempt"),
  ]);
  expect(await turnsOf(it)).toMatchObject([{ status: "running", answer: null }]);
  expect([...(await it.admin`SELECT FROM pipeline.outbox`)]).toEqual([]);
  expect(await actionsOf(it)).toEqual([]);
  await finishTurn(scope, { ...turn, lease: newer, attempt: 2 }, answered("second attempt"), []);
  expect(await turnsOf(it)).toMatchObject([{ status: "answered", answer: "second attempt" }]);
});

test("a turn that was deleted while it was answered ends its messages and is charged for, once, and nothing of it is kept", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await ask(scope, lease, 10);
  await it.admin`DELETE FROM app.turns`;
  for (let times = 0; times < 2; times += 1)
    await finishTurn(scope, turn, answered("forty-two"), [partOf(turn, "forty-two")]);
  expect(await turnsOf(it)).toEqual([]);
  const said = await it.admin`SELECT payload FROM pipeline.outbox`;
  expect([...said]).toEqual([{ payload: { text: "forty-two" } }]);
  expect(await it.admin`SELECT FROM app.reservations`).toHaveLength(0);
  const quotas = await it.admin`SELECT used::int FROM app.quotas WHERE resource LIKE 'claude.tokens%'`;
  expect(quotas.map(({ used }) => used)).toEqual([110, 110]);
  expect(await actionsOf(it)).toEqual(["turn.answer answered"]);
});

test("a turn cannot be ended by another team", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const turn = await ask(mine, lease, 10);
  await finishTurn(theirs, turn, answered("planted"), [partOf(turn, "planted")]);
  expect(await turnsOf(it)).toMatchObject([{ status: "running", answer: null }]);
  expect([...(await it.admin`SELECT FROM pipeline.outbox`)]).toEqual([]);
});

test("each outcome is written down as what it was, with what it cost", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await askAndEnd(scope, lease, 1);
  await askAndEnd(scope, lease, 2, { outcome: { status: "stopped", text: "half an", usage: null } });
  await askAndEnd(scope, lease, 3, { outcome: { ...FAILED, text: "broken o" } });
  await askAndEnd(scope, lease, 4, { outcome: FAILED });
  // Postgres has no NUL; an answer with one must still end.
  await askAndEnd(scope, lease, 5, { outcome: answered("a\0b") });
  const rows =
    await it.admin`SELECT status, answer, error_kind, stop_reason, input_tokens::int, output_tokens::int,
    cost_microusd::int, model, ended_at IS NOT NULL AS ended FROM app.turns ORDER BY update_id`;
  const free = { stop_reason: null, input_tokens: null, output_tokens: null, cost_microusd: null };
  const paid = { stop_reason: "end_turn", input_tokens: 100, output_tokens: 10, cost_microusd: 300 };
  const all = { model: "claude-sonnet-5-5", ended: true };
  expect([...rows]).toEqual([
    { ...all, ...paid, status: "answered", answer: "answer 1", error_kind: null },
    { ...all, ...free, status: "stopped", answer: "half an", error_kind: null },
    { ...all, ...free, status: "failed", answer: "broken o", error_kind: "overloaded" },
    { ...all, ...free, status: "failed", answer: null, error_kind: "overloaded" },
    { ...all, ...paid, status: "answered", answer: "ab", error_kind: null },
  ]);
  expect(await actionsOf(it)).toEqual([
    "turn.answer answered",
    "turn.answer stopped",
    "turn.answer overloaded",
    "turn.answer overloaded",
    "turn.answer answered",
  ]);
});

test("no audit row carries what was asked or answered", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await askAndEnd(scope, lease, 1, {
    text: "private question",
    outcome: answered("private answer"),
  });
  await recordStop(scope, turn.id);
  await startConversation(scope, lease, PRIVATE, 1);
  await keepQuestion(scope, questionOf(lease, 2, { text: "private words" }), "late");
  const rows = await it.admin`SELECT * FROM app.audit_log ORDER BY seq`;
  expect(rows.map((row) => row["action"])).toEqual([
    "turn.answer",
    "turn.stop",
    "conversation.new",
    "turn.keep",
  ]);
  expect(JSON.stringify(rows)).not.toContain("private");
});

test("a kept question is stored for its button: not running, not remembered, one turn of its update", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await receive(scope, lease, [10]);
  const kept = await keepQuestion(scope, questionOf(lease, 10), "late");
  expect(kept).not.toBeNull();
  expect(await keepQuestion(scope, questionOf(lease, 10), "late")).toBeNull();
  expect(await beginTurn(scope, questionOf(lease, 10))).toBeNull();
  expect(await turnsOf(it)).toMatchObject([{ id: kept, status: "failed", answer: null }]);
  expect((await ask(scope, lease, 11)).history.messages).toEqual([]);
});
