import { and, desc, eq, inArray, isNotNull } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { turns } from "../../db/schema/chat.ts";
import type { ClaudeMessage } from "../claude/client.ts";
import type { Scope } from "../scope.ts";

const HISTORY_TURNS_MAX = 40;
// 24 000 tokens at three characters each, so that a long chat stays affordable.
const HISTORY_CHARS_MAX = 72_000;
const WARM_MS = 5 * 60_000;

/** What Claude is to be reminded of, oldest first, and whether its cache of it is likely still warm. */
export type History = { readonly messages: readonly ClaudeMessage[]; readonly warm: boolean };

/** The newest turns of a conversation that have an answer, as many as the budget holds, whole turns only. */
export async function readHistory(tx: Tx, scope: Scope, conversationId: string): Promise<History> {
  const rows = await tx
    .select({
      question: turns.question,
      speaker: turns.speaker,
      answer: turns.answer,
      endedAt: turns.endedAt,
    })
    .from(turns)
    .where(
      and(
        eq(turns.orgId, scope.orgId),
        eq(turns.conversationId, conversationId),
        inArray(turns.status, ["answered", "stopped"]),
        isNotNull(turns.answer),
      ),
    )
    .orderBy(desc(turns.createdAt))
    .limit(HISTORY_TURNS_MAX);
  const messages: ClaudeMessage[] = [];
  let chars = 0;
  for (const row of rows) {
    const question = spoken(row.speaker, row.question);
    const answer = row.answer ?? "";
    chars += question.length + answer.length;
    if (chars > HISTORY_CHARS_MAX) break;
    if (answer.trim() === "") continue;
    messages.unshift({ role: "user", text: question }, { role: "assistant", text: answer });
  }
  const lastEnd = rows[0]?.endedAt?.getTime();
  return { messages, warm: lastEnd !== undefined && scope.app.clock.now() - lastEnd < WARM_MS };
}

/** In groups every question carries its speaker, so that Claude can tell people apart. */
export function spoken(speaker: string | null, question: string): string {
  return speaker === null ? question : `${speaker}: ${question}`;
}
