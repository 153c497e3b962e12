import type { Lease } from "../pipeline/lease.ts";
import { storeBatch } from "../pipeline/updates.ts";
import type { Scope } from "../scope.ts";
import type { Place } from "./conversations.ts";
import type { TurnFile } from "./files.ts";
import { beginTurn, finishTurn, type Outcome, type Question, type Turn } from "./turns.ts";

/** Where the tests of a conversation speak unless they say otherwise. */
export const PRIVATE: Place = { chatId: 7, threadId: 0, kind: "private", title: "", lane: "lane 7" };

/** A file that came with a question. */
export const REPORT: TurnFile = {
  kind: "document",
  name: "report.pdf",
  mime: "application/pdf",
  bytes: 1_000,
  ref: "ref-1",
};

/** What one update with this number asks, whole. For tests only. */
export function questionOf(lease: Lease, updateId: number, given: Partial<Question> = {}): Question {
  return {
    lease,
    place: PRIVATE,
    updateIds: [updateId],
    text: `question ${updateId}`,
    files: [],
    speaker: null,
    asked: [{ id: updateId, hash: "" }],
    replyTo: null,
    ...given,
  };
}

/** Stores updates as they come in, waiting in the lane of `place`. */
export async function receive(
  scope: Scope,
  lease: Lease,
  updateIds: readonly number[],
  place: Place = PRIVATE,
): Promise<void> {
  const batch = updateIds.map((updateId) => ({ updateId, lane: place.lane, control: false, payload: {} }));
  await storeBatch(scope.app, lease, batch);
}

/** One update comes in and becomes a running turn. */
export async function ask(
  scope: Scope,
  lease: Lease,
  updateId: number,
  given: Partial<Question> = {},
): Promise<Turn> {
  const question = questionOf(lease, updateId, given);
  await receive(scope, lease, question.updateIds, question.place);
  const turn = await beginTurn(scope, question);
  if (turn === null) throw new Error(`update ${updateId} is a turn already`);
  return turn;
}

/** An answer of Claude's with made-up numbers. */
export function answered(text: string): Outcome {
  const usage = {
    inputTokens: 100,
    outputTokens: 10,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
  };
  return { status: "answered", text, stopReason: "end_turn", usage, model: "claude-sonnet-5-5" };
}

/** A question that has been asked and has ended. */
export async function askAndEnd(
  scope: Scope,
  lease: Lease,
  updateId: number,
  given: Partial<Question> & { outcome?: Outcome } = {},
): Promise<Turn> {
  const { outcome = answered(`answer ${updateId}`), ...question } = given;
  const turn = await ask(scope, lease, updateId, question);
  await finishTurn(scope, turn, outcome, []);
  return turn;
}
