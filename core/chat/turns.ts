import { and, eq, sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { turns } from "../../db/schema/chat.ts";
import { inTenant } from "../../db/tenant.ts";
import { readVoice } from "../accounts/voice.ts";
import { audit } from "../audit.ts";
import { createKeyboard, type ButtonSpec } from "../buttons.ts";
import type { ClaudeAccess } from "../claude/access.ts";
import { claudeAccess, credentialOf } from "../claude/credentials.ts";
import { type ErrorKind, isOutage } from "../claude/classify.ts";
import { tokensOf, type Usage } from "../claude/pricing.ts";
import { holds, type Lease } from "../pipeline/lease.ts";
import { enqueue, type OutboxItem } from "../pipeline/outbox.ts";
import { markDone } from "../pipeline/updates.ts";
import type { Scope } from "../scope.ts";
import type { Voice } from "../claude/prompt.ts";
import { reserve, settle, type Spent } from "./budget.ts";
import { openConversation, type Place } from "./conversations.ts";
import type { AskedMessage } from "./edits.ts";
import { answerTokensMax, estimateOf, tokensIn } from "./estimate.ts";
import { isFileFailure, type FileFailure, type TurnFile } from "./files.ts";
import { readHistory, spoken, type History } from "./history.ts";

export type Question = {
  readonly lease: Lease;
  readonly place: Place;
  /** The updates that this question took; the first one makes the turn unique. None when a kept question is asked again. */
  readonly updateIds: readonly number[];
  readonly text: string;
  /** Sent along, or replied to. */
  readonly files: readonly TurnFile[];
  /** The asker's name, in groups. */
  readonly speaker: string | null;
  /** The messages that it was made of; none when it is asked again. */
  readonly asked: readonly AskedMessage[];
  /** The message to answer to, in groups. */
  readonly replyTo: number | null;
};

export type Turn = {
  readonly id: string;
  readonly lease: Lease;
  readonly place: Place;
  readonly question: string;
  readonly files: readonly TurnFile[];
  readonly speaker: string | null;
  /** The messages that asked; none when a button or a command did. */
  readonly asked: readonly AskedMessage[];
  readonly replyTo: number | null;
  readonly askerId: string;
  readonly attempt: number;
  readonly history: History;
  readonly voice: Voice;
  /** What Claude is asked with. */
  readonly access: ClaudeAccess;
};

export type Outcome =
  | {
      readonly status: "answered";
      readonly text: string;
      readonly stopReason: string;
      readonly usage: Usage;
      readonly model: string;
    }
  | { readonly status: "stopped"; readonly text: string; readonly usage: Usage | null }
  | {
      readonly status: "failed";
      readonly text: string;
      /** What Claude is known to have used before it failed; null when that is nothing. */
      readonly usage: Usage | null;
      readonly kind: ErrorKind | FileFailure;
      readonly retryAfterSeconds: number | null;
    };

/** A part of the answer as the messenger shows it, with its buttons still without ids. */
export type AnswerPart = { readonly item: OutboxItem; readonly buttons: readonly ButtonSpec[] };

/**
 * Short transaction 1: its history, the turn row, its updates done, and what it
 * may cost reserved. Null when these updates already became a turn. Throws
 * `LeaseLostError`, and the refusals of `reserve`.
 */
export async function beginTurn(scope: Scope, question: Question): Promise<Turn | null> {
  const { lease, place, speaker, replyTo } = question;
  return inTenant(scope, async (tx) => {
    const conversationId = await openConversation(tx, scope, lease, place);
    const [history, voice, access] = await Promise.all([
      readHistory(tx, scope, conversationId),
      readVoice(tx, scope.orgId),
      claudeAccess(scope),
    ]);
    const asked = { role: "user", text: spoken(speaker, question.text) } as const;
    const messages = [...history.messages, asked];
    const { files } = question;
    const { amount, promptBytes } = estimateOf(scope, {
      voice,
      messages,
      files,
      maxTokens: answerTokensMax(files),
    });
    const running = { conversationId, promptBytes, status: "running", errorKind: null } as const;
    const row = await insertTurn(tx, scope, question, running);
    await Promise.all([
      question.updateIds.length > 0 && markDone(tx, lease, question.updateIds, row?.id ?? null),
      row !== null && reserve(tx, scope, { id: row.id, userId: row.askerId }, amount),
    ]);
    if (row === null) return null;
    return {
      id: row.id,
      lease,
      place,
      question: question.text,
      files,
      speaker,
      asked: question.asked,
      replyTo,
      askerId: row.askerId,
      attempt: 1,
      history,
      voice,
      access,
    };
  });
}

/**
 * Keeps a question without asking it, so that a button can. The caller ends its
 * updates in the same transaction. Null when they already became a turn.
 */
export async function keepQuestion(
  scope: Scope,
  question: Question,
  why: "late" | "edited" | "budget",
): Promise<string | null> {
  return inTenant(scope, async (tx) => {
    const conversationId = await openConversation(tx, scope, question.lease, question.place);
    const row = await insertTurn(tx, scope, question, {
      conversationId,
      promptBytes: null,
      status: "failed",
      errorKind: why,
    });
    if (row !== null) await audit(tx, scope, "turn.keep", { target: row.id, outcome: why });
    return row?.id ?? null;
  });
}

async function insertTurn(
  tx: Tx,
  scope: Scope,
  question: Question,
  as: Pick<typeof turns.$inferInsert, "conversationId" | "promptBytes" | "status" | "errorKind">,
): Promise<{ id: string; askerId: string } | null> {
  const { lease, place, speaker, replyTo } = question;
  const askerId = scope.actor.type === "user" ? scope.actor.userId : null;
  if (askerId === null) throw new Error("a turn needs a person");
  const [row] = await tx
    .insert(turns)
    .values({
      ...as,
      orgId: scope.orgId,
      botId: lease.botId,
      updateId: question.updateIds[0] ?? null,
      lane: place.lane,
      telegramChatId: place.chatId,
      threadId: place.threadId,
      asked: question.asked,
      replyTo,
      askerId,
      speaker,
      question: question.text,
      files: question.files,
      correlationId: scope.correlationId,
    })
    .onConflictDoNothing()
    .returning({ id: turns.id });
  return row === undefined ? null : { id: row.id, askerId };
}

/**
 * Short transaction 2: the answer, what is to be shown, its cost in the place
 * of what was reserved, and the audit row last. Of a turn that was deleted
 * meanwhile nothing is kept, but its messages end and its cost is charged. Does
 * nothing when the turn has already ended.
 */
export async function finishTurn(
  scope: Scope,
  turn: Turn,
  outcome: Outcome,
  parts: readonly AnswerPart[],
): Promise<void> {
  await inTenant(scope, async (tx) => {
    const model = outcome.status === "answered" ? outcome.model : scope.app.claude.model;
    const { usage } = outcome;
    const spent = spentOn(scope, turn, outcome, model);
    const text = outcome.text.replaceAll("\0", ""); // Postgres has no NUL in text, and an answer must end
    const ended = await tx
      .update(turns)
      .set({
        status: outcome.status,
        answer: text === "" ? null : text,
        endedAt: new Date(scope.app.clock.now()),
        errorKind: outcome.status === "failed" ? outcome.kind : null,
        ...(metOutage(outcome) && { credential: credentialOf(scope), kept: "waiting" as const }),
        model,
        stopReason: outcome.status === "answered" ? outcome.stopReason : null,
        inputTokens: usage?.inputTokens ?? null,
        cacheReadTokens: usage?.cacheReadTokens ?? null,
        cacheWriteTokens: usage === null ? null : usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
        outputTokens: usage?.outputTokens ?? null,
        costMicrousd: usage === null ? null : spent.microUsd,
      })
      .where(
        and(
          eq(turns.orgId, scope.orgId),
          eq(turns.id, turn.id),
          eq(turns.status, "running"),
          eq(turns.attempt, turn.attempt),
          holds(turn.lease),
        ),
      )
      .returning({ id: turns.id });
    const isDeleted = ended.length === 0 && (await wasDeleted(tx, scope, turn));
    if (ended.length === 0 && !isDeleted) return;
    // No button can lead to what is not there.
    const items = isDeleted ? parts.map(({ item }) => item) : await withKeyboards(tx, scope, parts);
    const call = { id: turn.id, userId: turn.askerId };
    await Promise.all([enqueue(tx, items), settle(tx, scope, { call, spent, botId: turn.lease.botId })]);
    await audit(tx, scope, "turn.answer", {
      target: turn.id,
      outcome: outcome.status === "failed" ? outcome.kind : outcome.status,
      model,
      detail: { attempt: turn.attempt, outputTokens: usage?.outputTokens ?? null },
    });
  });
  if (metOutage(outcome)) scope.app.claudeHealth.noteWaiting();
}

// Its asker had everything deleted that they said, while this was being answered: only what it may cost still stands.
async function wasDeleted(tx: Tx, scope: Scope, turn: Turn): Promise<boolean> {
  const [owed] =
    await tx.execute(sql`SELECT 1 FROM app.reservations r WHERE r.org_id = ${scope.orgId} AND r.id = ${turn.id}
    AND NOT EXISTS (SELECT FROM app.turns t WHERE t.org_id = r.org_id AND t.id = r.id) AND ${holds(turn.lease)}`);
  return owed !== undefined;
}

/** Whether Claude's absence left this question without an answer. Then it waits for Claude. */
export function metOutage(outcome: Outcome): boolean {
  return outcome.status === "failed" && !isFileFailure(outcome.kind) && isOutage(outcome.kind);
}

// An answer that broke off was billed for more than Claude had reported until then, and so was a first attempt that died with us.
function spentOn({ app }: Scope, turn: Turn, outcome: Outcome, model: string): Spent {
  const whole = outcome.status === "answered";
  const isOnly = turn.attempt === 1;
  if (outcome.usage === null) return { microUsd: 0, tokens: 0, exact: isOnly && outcome.status === "failed" };
  const usage = whole
    ? outcome.usage
    : {
        ...outcome.usage,
        outputTokens: Math.max(outcome.usage.outputTokens, tokensIn(Buffer.byteLength(outcome.text))),
      };
  const { microUsd, exact } = app.prices.costOf(model, usage, app.clock.now());
  return { microUsd, tokens: tokensOf(usage), exact: exact && whole && isOnly };
}

/** Writes down who stopped a turn; the turn itself ends by its signal. */
export async function recordStop(scope: Scope, turnId: string): Promise<void> {
  await inTenant(scope, (tx) => audit(tx, scope, "turn.stop", { target: turnId }));
}

async function withKeyboards(tx: Tx, scope: Scope, parts: readonly AnswerPart[]): Promise<OutboxItem[]> {
  const items: OutboxItem[] = [];
  for (const { item, buttons } of parts) {
    const keyboard = await createKeyboard(tx, scope, item.chatId, buttons);
    items.push(keyboard.length === 0 ? item : { ...item, message: { ...item.message, keyboard } });
  }
  return items;
}
