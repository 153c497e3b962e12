import { expect, test } from "bun:test";
import { keyboardOf, type ButtonKind } from "../buttons.ts";
import { LeaseLostError, type Lease } from "../pipeline/lease.ts";
import type { Scope } from "../scope.ts";
import { createTestApp, leaseOf, refusalOf, type TestApp } from "../test-app.ts";
import { beginAgainByButton, beginLastAgain, type Again } from "./again.ts";
import { startConversation } from "./conversations.ts";
import { answered, ask, askAndEnd, PRIVATE, receive, REPORT } from "./test-conversation.ts";
import { finishTurn, type Outcome } from "./turns.ts";

const FAILED: Outcome = {
  status: "failed",
  text: "",
  usage: null,
  kind: "overloaded",
  retryAfterSeconds: null,
};
const ELSEWHERE = { ...PRIVATE, chatId: 8, lane: "lane 8" };

/** A press comes in as an update of its own. */
async function press(
  scope: Scope,
  lease: Lease,
  updateId: number,
  given: Partial<Again> = {},
): Promise<Again> {
  await receive(scope, lease, [updateId], { ...PRIVATE, lane: "presses" });
  return { lease, place: PRIVATE, updateIds: [updateId], asked: [], replyTo: null, ...given };
}

async function button(
  scope: Scope,
  kind: ButtonKind,
  turnId: string | undefined,
  chatId = PRIVATE.chatId,
): Promise<string> {
  const spec = { label: "a button", kind, ...(turnId === undefined ? {} : { turnId }) };
  const [row] = await keyboardOf(scope, chatId, [spec]);
  return row?.[0]?.data ?? "";
}

async function waiting(it: TestApp): Promise<number[]> {
  const rows =
    await it.admin`SELECT update_id::int AS id FROM pipeline.updates WHERE state = 'ready' ORDER BY id`;
  return rows.map((row) => Number(row["id"]));
}

test("Retry asks the stored question once, uses its button up and drops what waits in the lane", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const failed = await askAndEnd(scope, lease, 1, {
    speaker: "Ada",
    replyTo: 70,
    files: [REPORT],
    outcome: FAILED,
  });
  const id = await button(scope, "retry", failed.id);
  await receive(scope, lease, [2, 3]);
  await receive(scope, lease, [4], ELSEWHERE);

  const turn = await beginAgainByButton(scope, id, await press(scope, lease, 5));
  const asBefore = { question: "question 1", files: [REPORT], speaker: "Ada", replyTo: 70 };
  expect(turn).toMatchObject({ ...asBefore, attempt: 1 });
  expect(turn?.id).not.toBe(failed.id);
  expect(await waiting(it)).toEqual([4]);

  // The same press redelivered, and a second press.
  const redelivered = beginAgainByButton(scope, id, { ...(await press(scope, lease, 6)), updateIds: [5] });
  expect(await refusalOf(redelivered)).toBe("button_gone");
  expect(await refusalOf(beginAgainByButton(scope, id, await press(scope, lease, 7)))).toBe("button_gone");
  const turns = await it.admin`SELECT FROM app.turns WHERE question = 'question 1'`;
  expect(turns).toHaveLength(2);
  const retries = await it.admin`SELECT target, detail FROM app.audit_log WHERE action = 'turn.retry'`;
  expect([...retries]).toEqual([{ target: failed.id, detail: { dropped: 2 } }]);
});

test("of many presses at once one begins a turn", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const failed = await askAndEnd(scope, lease, 1, { outcome: FAILED });
  const id = await button(scope, "retry", failed.id);
  const presses = await Promise.all(Array.from({ length: 10 }, (_, i) => press(scope, lease, 10 + i)));
  const begun = await Promise.allSettled(presses.map((again) => beginAgainByButton(scope, id, again)));
  expect(begun.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await it.admin`SELECT FROM app.turns WHERE status = 'running'`).toHaveLength(1);
});

test("Continue asks to go on, in the person's language, with the answer so far in mind", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = { ...(await it.team(1)), locale: "de" };
  const turn = await askAndEnd(scope, lease, 1, {
    outcome: { status: "stopped", text: "half an answer", usage: null },
  });
  const id = await button(scope, "continue", turn.id);
  const next = await beginAgainByButton(scope, id, await press(scope, lease, 2));
  expect(next?.question).not.toBe("question 1");
  expect(next?.question).not.toContain("Please go on");
  expect(next?.history.messages.at(-1)).toEqual({ role: "assistant", text: "half an answer" });
});

test("Continue under an older answer tells Claude which one it was, after another question and after /new", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const cut = await askAndEnd(scope, lease, 1, { outcome: answered(`${"x".repeat(5_000)} and so it`) });
  await askAndEnd(scope, lease, 2);
  const first = await button(scope, "continue", cut.id);
  const later = await beginAgainByButton(scope, first, await press(scope, lease, 3));
  expect(later?.question).toContain("“question 1”");
  expect(later?.question).toEndWith("xxx and so it");
  expect(later?.question.length).toBeLessThan(5_000);
  if (later !== null) await finishTurn(scope, later, answered("went on"), []);

  await startConversation(scope, lease, PRIVATE, 0);
  const second = await button(scope, "continue", cut.id);
  const anew = await beginAgainByButton(scope, second, await press(scope, lease, 4));
  expect(anew?.history.messages).toEqual([]);
  expect(anew?.question).toBe(later?.question ?? "");
});

test("a press under a lost lease changes nothing: the button is still there for the new holder", async () => {
  await using it = await createTestApp();
  const older = await leaseOf(it.app);
  const scope = await it.team(1);
  const failed = await askAndEnd(scope, older, 1, { outcome: FAILED });
  const id = await button(scope, "retry", failed.id);
  await receive(scope, older, [2]);
  const again = await press(scope, older, 3);
  const newer = await leaseOf(it.app);
  await expect(beginAgainByButton(scope, id, again)).rejects.toThrow(LeaseLostError);
  expect(await waiting(it)).toEqual([2, 3]);
  expect(await beginAgainByButton(scope, id, { ...again, lease: newer })).toMatchObject({
    question: "question 1",
  });
});

test("a question of another team or another chat cannot be asked again", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const secret = await askAndEnd(theirs, lease, 1, { text: "secret of theirs" });
  const other = await askAndEnd(mine, lease, 2, { place: ELSEWHERE, text: "secret of that chat" });

  // Such a button cannot even be made, and one of theirs is no button here.
  await expect(button(mine, "retry", secret.id)).rejects.toThrow("23503");
  const theirButton = await button(theirs, "retry", secret.id);
  expect(await refusalOf(beginAgainByButton(mine, theirButton, await press(mine, lease, 3)))).toBe(
    "button_gone",
  );

  const wrongChat = await button(mine, "retry", other.id);
  expect(await refusalOf(beginAgainByButton(mine, wrongChat, await press(mine, lease, 4)))).toBe(
    "nothing_to_retry",
  );
  const rightChat = await button(mine, "retry", other.id, ELSEWHERE.chatId);
  expect(await refusalOf(beginAgainByButton(mine, rightChat, await press(mine, lease, 5)))).toBe(
    "button_gone",
  );
  expect(await it.admin`SELECT FROM app.turns WHERE status = 'running'`).toHaveLength(0);
  // What was refused used nothing up.
  expect(await it.admin`SELECT FROM app.buttons WHERE used_at IS NULL`).toHaveLength(3);
});

test("a button that is not about a question begins none", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const id = await button(scope, "new_chat", undefined);
  expect(await refusalOf(beginAgainByButton(scope, id, await press(scope, lease, 1)))).toBe("button_gone");
  expect(await it.admin`SELECT FROM app.buttons WHERE used_at IS NULL`).toHaveLength(1);
});

test("/retry asks the newest question of this conversation, whatever became of it", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  expect(await refusalOf(beginLastAgain(scope, await press(scope, lease, 1)))).toBe("nothing_to_retry");
  await askAndEnd(scope, lease, 2);
  await askAndEnd(scope, lease, 3, { outcome: FAILED });
  await askAndEnd(scope, lease, 4, { place: ELSEWHERE });
  await receive(scope, lease, [5]);
  const turn = await beginLastAgain(scope, await press(scope, lease, 6, { replyTo: 60 }));
  expect(turn).toMatchObject({ question: "question 3", replyTo: 60 });
  expect(await waiting(it)).toEqual([1]); // the refused press: its handler answers it and ends it
  if (turn !== null) await finishTurn(scope, turn, FAILED, []);
  await ask(scope, lease, 7);
  expect(await beginLastAgain(scope, await press(scope, lease, 8))).toMatchObject({ question: "question 7" });
});
