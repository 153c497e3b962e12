import { and, eq, isNull, lt, sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { chats, conversations, turns } from "../../db/schema/chat.ts";
import { inTenant } from "../../db/tenant.ts";
import { audit } from "../audit.ts";
import { createKeyboard, type ButtonSpec } from "../buttons.ts";
import type { ErrorKind } from "../claude/classify.ts";
import { costOf, type Usage } from "../claude/pricing.ts";
import { holds, LeaseLostError, type Lease } from "../pipeline/lease.ts";
import { enqueue, type OutboxItem } from "../pipeline/outbox.ts";
import { dropWaiting, markDone } from "../pipeline/updates.ts";
import type { Scope } from "../scope.ts";
import { readHistory, type History } from "./history.ts";

/** Where a conversation takes place. `threadId` is 0 outside forum topics. */
export type Place = {
  readonly chatId: number;
  readonly threadId: number;
  readonly kind: "private" | "group" | "supergroup";
  readonly title: string;
  /** Handled in order, one running turn at a time. */
  readonly lane: string;
};

export type Question = {
  readonly lease: Lease;
  readonly place: Place;
  /** The updates that this question took; the first one makes the turn unique. */
  readonly updateIds: readonly number[];
  readonly text: string;
  /** The asker's name, in groups. */
  readonly speaker: string | null;
  /** The message to answer to, in groups. */
  readonly replyTo: number | null;
};

export type Turn = {
  readonly id: string;
  readonly lease: Lease;
  readonly place: Place;
  readonly question: string;
  readonly speaker: string | null;
  readonly replyTo: number | null;
  readonly askerId: string;
  readonly attempt: number;
  readonly history: History;
};

export type Outcome =
  | {
      readonly status: "answered";
      readonly text: string;
      readonly stopReason: string;
      readonly usage: Usage;
      readonly model: string;
    }
  | { readonly status: "stopped"; readonly text: string }
  | {
      readonly status: "failed";
      readonly text: string;
      readonly kind: ErrorKind;
      readonly retryAfterSeconds: number | null;
    };

/** A part of the answer as the messenger shows it, with its buttons still without ids. */
export type AnswerPart = { readonly item: OutboxItem; readonly buttons: readonly ButtonSpec[] };

/** A turn that our own death interrupted is asked once more, never twice. */
const TURN_ATTEMPTS_MAX = 2;

/**
 * Short transaction 1: the turn row, its updates done, its history. Null when
 * these updates already became a turn. Throws `LeaseLostError`.
 */
export async function beginTurn(scope: Scope, question: Question): Promise<Turn | null> {
  const { lease, place } = question;
  const first = question.updateIds[0];
  const askerId = scope.actor.type === "user" ? scope.actor.userId : null;
  if (first === undefined || askerId === null) throw new Error("a turn needs a person and an update");
  return inTenant(scope, async (tx) => {
    const conversationId = await openConversation(tx, scope, lease, place);
    const history = await readHistory(tx, scope, conversationId);
    const [row] = await tx
      .insert(turns)
      .values({
        orgId: scope.orgId,
        conversationId,
        botId: lease.botId,
        updateId: first,
        lane: place.lane,
        telegramChatId: place.chatId,
        threadId: place.threadId,
        replyTo: question.replyTo,
        askerId,
        speaker: question.speaker,
        question: question.text,
        correlationId: scope.correlationId,
      })
      .onConflictDoNothing()
      .returning({ id: turns.id });
    await markDone(tx, lease, question.updateIds, row?.id ?? null);
    if (row === undefined) return null;
    return {
      id: row.id,
      lease,
      place,
      question: question.text,
      speaker: question.speaker,
      replyTo: question.replyTo,
      askerId,
      attempt: 1,
      history,
    };
  });
}

/**
 * Short transaction 2: the answer, its cost, what is to be shown, and the audit
 * row last. Does nothing when the turn has already ended.
 */
export async function finishTurn(
  scope: Scope,
  turn: Turn,
  outcome: Outcome,
  parts: readonly AnswerPart[],
): Promise<void> {
  await inTenant(scope, async (tx) => {
    const answered = outcome.status === "answered" ? outcome : null;
    const cost = answered === null ? null : costOf(answered.model, answered.usage);
    const ended = await tx
      .update(turns)
      .set({
        status: outcome.status,
        answer: outcome.text === "" ? null : outcome.text,
        endedAt: sql`clock_timestamp()`,
        errorKind: outcome.status === "failed" ? outcome.kind : null,
        model: answered?.model ?? scope.app.claude.model,
        stopReason: answered?.stopReason ?? null,
        inputTokens: answered?.usage.inputTokens ?? null,
        outputTokens: answered?.usage.outputTokens ?? null,
        costMicrousd: cost?.microUsd ?? null,
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
    if (ended.length === 0) return;
    await enqueue(tx, await withKeyboards(tx, scope, parts));
    await audit(tx, scope, "turn.answer", {
      target: turn.id,
      outcome: outcome.status === "failed" ? outcome.kind : outcome.status,
      model: answered?.model ?? scope.app.claude.model,
      detail: { attempt: turn.attempt, outputTokens: answered?.usage.outputTokens ?? null },
    });
  });
}

/**
 * Takes a turn that a dead process left running for its second attempt. With
 * `exhausted` it has had that one too: the caller ends it as failed. Null when
 * it has ended meanwhile.
 */
export async function reopenTurn(
  scope: Scope,
  lease: Lease,
  turnId: string,
): Promise<{ turn: Turn; exhausted: boolean } | null> {
  return inTenant(scope, async (tx) => {
    const running = and(eq(turns.orgId, scope.orgId), eq(turns.id, turnId), eq(turns.status, "running"));
    const [again] = await tx
      .update(turns)
      .set({ attempt: sql`${turns.attempt} + 1` })
      .where(and(running, lt(turns.attempt, TURN_ATTEMPTS_MAX), holds(lease)))
      .returning();
    const [row] = again === undefined ? await tx.select().from(turns).where(running) : [again];
    if (row === undefined) return null;
    const [chat] = await tx
      .select({ kind: chats.kind, title: chats.title })
      .from(conversations)
      .innerJoin(chats, and(eq(chats.orgId, conversations.orgId), eq(chats.id, conversations.chatId)))
      .where(and(eq(conversations.orgId, scope.orgId), eq(conversations.id, row.conversationId)));
    const turn: Turn = {
      id: row.id,
      lease,
      place: {
        chatId: row.telegramChatId,
        threadId: row.threadId,
        kind: chat?.kind ?? "private",
        title: chat?.title ?? "",
        lane: row.lane,
      },
      question: row.question,
      speaker: row.speaker,
      replyTo: row.replyTo,
      askerId: row.askerId,
      attempt: row.attempt,
      history: await readHistory(tx, scope, row.conversationId),
    };
    await audit(tx, scope, "turn.restart", { target: row.id, detail: { attempt: row.attempt } });
    return { turn, exhausted: again === undefined };
  });
}

/**
 * Forgets: ends the open conversation of a place and drops what waits in its
 * lane. Returns how many waiting messages were dropped.
 */
export async function startConversation(scope: Scope, lease: Lease, place: Place): Promise<number> {
  return inTenant(scope, async (tx) => {
    const dropped = await dropWaiting(tx, lease, place.lane);
    const id = await openConversation(tx, scope, lease, place);
    await tx
      .update(conversations)
      .set({ closedAt: sql`now()` })
      .where(and(eq(conversations.orgId, scope.orgId), eq(conversations.id, id)));
    await audit(tx, scope, "conversation.new", { target: id, detail: { dropped } });
    return dropped;
  });
}

/** Writes down who stopped a turn; the turn itself ends by its signal. */
export async function recordStop(scope: Scope, turnId: string): Promise<void> {
  await inTenant(scope, (tx) => audit(tx, scope, "turn.stop", { target: turnId }));
}

/** The conversation that goes on in this place; made when there is none. */
export async function openConversation(tx: Tx, scope: Scope, lease: Lease, place: Place): Promise<string> {
  const [chat] = await tx
    .insert(chats)
    .values({
      orgId: scope.orgId,
      botId: lease.botId,
      telegramChatId: place.chatId,
      kind: place.kind,
      title: place.title,
    })
    .onConflictDoUpdate({
      target: [chats.orgId, chats.botId, chats.telegramChatId],
      set: { title: place.title, status: "active" },
    })
    .returning({ id: chats.id });
  if (chat === undefined) throw new Error("the chat was neither found nor made");
  const open = and(
    eq(conversations.orgId, scope.orgId),
    eq(conversations.chatId, chat.id),
    eq(conversations.threadId, place.threadId),
    isNull(conversations.closedAt),
  );
  await tx
    .insert(conversations)
    .values({ orgId: scope.orgId, chatId: chat.id, threadId: place.threadId })
    .onConflictDoNothing();
  const [conversation] = await tx.select({ id: conversations.id }).from(conversations).where(open);
  if (conversation === undefined) throw new LeaseLostError();
  return conversation.id;
}

async function withKeyboards(tx: Tx, scope: Scope, parts: readonly AnswerPart[]): Promise<OutboxItem[]> {
  const items: OutboxItem[] = [];
  for (const { item, buttons } of parts) {
    const keyboard = await createKeyboard(tx, scope, item.chatId, buttons);
    items.push(keyboard.length === 0 ? item : { ...item, message: { ...item.message, keyboard } });
  }
  return items;
}
