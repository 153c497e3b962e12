import { and, desc, eq, inArray, isNotNull, sql, type SQL } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { conversations, turns } from "../../db/schema/chat.ts";
import type { ClaudeMessage } from "../claude/messages.ts";
import { SUMMARY_TAG } from "../claude/prompt.ts";
import type { Scope } from "../scope.ts";
import { filesIn, withMarks } from "./files.ts";

const HISTORY_TOKENS_MAX = 24_000;
const HISTORY_TURNS_MAX = 100;
/** The share of both at which a conversation is worth a summary. */
const LONG_SHARE = 0.8;
const WARM_MS = 5 * 60_000;
const TOKENS_PER_BYTE = 1 / 3;
// Whatever else is in a prompt must not make its words look long.
const TOKENS_PER_BYTE_MIN = 0.2;
const TOKENS_PER_BYTE_MAX = 0.5;

/** What Claude is to be reminded of, oldest first, and whether its cache of it is likely still warm. */
export type History = { readonly messages: readonly ClaudeMessage[]; readonly warm: boolean };

/** One turn of a conversation that has an answer. */
export type Remembered = { readonly turnId: string; readonly question: string; readonly answer: string };

/** What is known of a conversation: the summary of its older part, and the turns since, oldest first. */
export type Memory = {
  readonly summary: string | null;
  readonly turns: readonly Remembered[];
  readonly warm: boolean;
  /** As Claude counted the last prompt of this conversation that was text alone. */
  readonly tokensPerByte: number;
};

/** As much of a conversation as the budget holds, whole turns only, the newest. */
export async function readHistory(tx: Tx, scope: Scope, conversationId: string): Promise<History> {
  const memory = await recall(tx, scope, conversationId);
  return { messages: messagesOf(memory.summary, fitting(memory)), warm: memory.warm };
}

/** Which turns of a conversation Claude can be reminded of: those that have an answer, whole or stopped. */
export function isRemembered({ orgId }: Scope, conversationId: string): SQL | undefined {
  return and(
    eq(turns.orgId, orgId),
    eq(turns.conversationId, conversationId),
    inArray(turns.status, ["answered", "stopped"]),
    isNotNull(turns.answer),
  );
}

/** A conversation as far as it may be reminded of. */
export async function recall(tx: Tx, scope: Scope, conversationId: string): Promise<Memory> {
  const here = and(eq(conversations.orgId, scope.orgId), eq(conversations.id, conversationId));
  const summarisedTo = tx.select({ at: conversations.summarisedTo }).from(conversations).where(here);
  const summaries = tx.select({ summary: conversations.summary }).from(conversations).where(here);
  const newestTurns = tx
    .select()
    .from(turns)
    .where(
      and(
        isRemembered(scope, conversationId),
        sql`${turns.createdAt} > coalesce((${summarisedTo}), '-infinity')`,
      ),
    )
    .orderBy(desc(turns.createdAt))
    .limit(HISTORY_TURNS_MAX);
  const [[conversation], rows] = await Promise.all([summaries, newestTurns]);
  const lastEnd = rows[0]?.endedAt?.getTime();
  return {
    summary: conversation?.summary ?? null,
    turns: rows
      .map((row) => ({
        turnId: row.id,
        question: spoken(row.speaker, withMarks(row.question, filesIn(row.files))),
        answer: row.answer ?? "",
      }))
      .filter(({ answer }) => answer.trim() !== "")
      .reverse(),
    warm: lastEnd !== undefined && scope.app.clock.now() - lastEnd < WARM_MS,
    tokensPerByte: measured(rows.find((row) => row.inputTokens !== null && row.promptBytes !== null)),
  };
}

/** The newest turns that fit into the budget together with the summary, oldest first. */
export function fitting(memory: Memory): readonly Remembered[] {
  let tokens = summaryTokens(memory);
  const from = memory.turns.findLastIndex((turn) => {
    tokens += tokensOf(memory, turn);
    return tokens > HISTORY_TOKENS_MAX;
  });
  return memory.turns.slice(from + 1);
}

/** Whether so much has been said that its older part is worth a summary. */
export function isLong(memory: Memory): boolean {
  const tokens = memory.turns.reduce((sum, turn) => sum + tokensOf(memory, turn), summaryTokens(memory));
  return tokens > HISTORY_TOKENS_MAX * LONG_SHARE || memory.turns.length > HISTORY_TURNS_MAX * LONG_SHARE;
}

/** The cheap look before `isLong`: whether a prompt with its answer, in tokens, and so many turns may be long. */
export function mayBeLong(tokens: number, turnCount: number): boolean {
  return tokens > HISTORY_TOKENS_MAX * LONG_SHARE || turnCount > HISTORY_TURNS_MAX * LONG_SHARE;
}

/** The newest turns that stay as they were said when the others are summarised: few, and no more than a share of the budget. */
export function newest(memory: Memory, bound: { turns: number; share: number }): readonly Remembered[] {
  let tokens = 0;
  const from = memory.turns.findLastIndex((turn, index) => {
    tokens += tokensOf(memory, turn);
    const count = memory.turns.length - index;
    return count > bound.turns || (count > 1 && tokens > HISTORY_TOKENS_MAX * bound.share);
  });
  return memory.turns.slice(from + 1);
}

/** How Claude is reminded: the same bytes for the same turns, so that its cache of them holds. */
export function messagesOf(summary: string | null, said: readonly Remembered[]): ClaudeMessage[] {
  const older: ClaudeMessage[] = summary === null ? [] : [{ role: "user", text: summaryBlock(summary) }];
  return [
    ...older,
    ...said.flatMap(({ question, answer }): ClaudeMessage[] => [
      { role: "user", text: question },
      { role: "assistant", text: answer },
    ]),
  ];
}

/** In groups every question carries its speaker, so that Claude can tell people apart. */
export function spoken(speaker: string | null, question: string): string {
  return speaker === null ? question : `${speaker}: ${question}`;
}

function summaryBlock(summary: string): string {
  return `<${SUMMARY_TAG}>\n${summary}\n</${SUMMARY_TAG}>`;
}

function measured(last: typeof turns.$inferSelect | undefined): number {
  if (last === undefined || last.promptBytes === null) return TOKENS_PER_BYTE;
  const prompt = (last.inputTokens ?? 0) + (last.cacheReadTokens ?? 0) + (last.cacheWriteTokens ?? 0);
  return Math.min(TOKENS_PER_BYTE_MAX, Math.max(TOKENS_PER_BYTE_MIN, prompt / last.promptBytes));
}

function tokensOf({ tokensPerByte }: Memory, { question, answer }: Remembered): number {
  return (Buffer.byteLength(question) + Buffer.byteLength(answer)) * tokensPerByte;
}

function summaryTokens({ summary, tokensPerByte }: Memory): number {
  return summary === null ? 0 : Buffer.byteLength(summaryBlock(summary)) * tokensPerByte;
}
