import { and, desc, eq } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { turns } from "../../db/schema/chat.ts";
import { inTenant } from "../../db/tenant.ts";
import { audit } from "../audit.ts";
import { takePress } from "../buttons.ts";
import { AppError } from "../errors.ts";
import { enqueue, type OutboxItem } from "../pipeline/outbox.ts";
import { dropWaiting } from "../pipeline/updates.ts";
import type { Scope } from "../scope.ts";
import { sentence } from "../text/text.ts";
import { openConversation, startConversation } from "./conversations.ts";
import { filesIn } from "./files.ts";
import { isRemembered } from "./history.ts";
import { beginTurn, type Question, type Turn } from "./turns.ts";

// As much of an older question and of the end of its answer as tells Claude where to go on.
const ASKED_CHARS_MAX = 500;
const ENDING_CHARS_MAX = 4_000;

/** Everything of a new question but what it says: that is stored with the turn it repeats. */
export type Again = Omit<Question, "text" | "files" | "speaker">;

/**
 * A pressed Retry, Continue or New chat: uses the button up, drops what waits in
 * the lane and begins a turn with the stored question (of New chat in a new
 * conversation), all in one transaction. Throws `button_gone` or `button_not_yours`.
 */
export async function beginAgainByButton(scope: Scope, buttonId: string, again: Again): Promise<Turn | null> {
  return inTenant(scope, async () => {
    const press = await takePress(scope, buttonId, again.place.chatId);
    if (press.turnId === null) throw new AppError("button_gone");
    if (press.kind === "new_chat")
      await startConversation(scope, again.lease, again.place, again.updateIds[0] ?? 0);
    return beginAgain(scope, press.turnId, again, press.kind === "continue");
  });
}

/** The newest question of this place's conversation once more. Throws `nothing_to_retry`. */
export async function beginLastAgain(scope: Scope, again: Again): Promise<Turn | null> {
  return inTenant(scope, async (tx) => {
    const conversationId = await openConversation(tx, scope, again.lease, again.place);
    const [last] = await tx
      .select({ id: turns.id })
      .from(turns)
      .where(and(eq(turns.orgId, scope.orgId), eq(turns.conversationId, conversationId)))
      .orderBy(desc(turns.createdAt))
      .limit(1);
    if (last === undefined) throw new AppError("nothing_to_retry");
    return beginAgain(scope, last.id, again, false);
  });
}

async function beginAgain(scope: Scope, turnId: string, again: Again, goOn: boolean): Promise<Turn | null> {
  return inTenant(scope, async (tx) => {
    const [row] = await tx
      .select({
        question: turns.question,
        answer: turns.answer,
        files: turns.files,
        speaker: turns.speaker,
        replyTo: turns.replyTo,
      })
      .from(turns)
      .where(
        and(eq(turns.orgId, scope.orgId), eq(turns.id, turnId), eq(turns.telegramChatId, again.place.chatId)),
      );
    if (row === undefined) throw new AppError("nothing_to_retry");
    const dropped = await dropWaiting(tx, again.lease, {
      lane: again.place.lane,
      before: again.updateIds[0] ?? 0,
    });
    await tx
      .update(turns)
      .set({ kept: null })
      .where(and(eq(turns.orgId, scope.orgId), eq(turns.id, turnId)));
    const text = goOn ? await goingOn(tx, scope, again, { ...row, turnId }) : row.question;
    const turn = await beginTurn(scope, {
      ...again,
      text,
      // Also to go on: history has only a mark for a file.
      files: filesIn(row.files),
      speaker: row.speaker,
      replyTo: again.replyTo ?? row.replyTo,
    });
    if (dropped > 0) await enqueue(tx, [droppedNotice(scope, again, dropped)]);
    await audit(tx, scope, "turn.retry", { target: turnId, detail: { dropped } });
    return turn;
  });
}

// Claude has its last answer in mind. One that something else was said after, or that another conversation holds, it
// has to be told.
async function goingOn(
  tx: Tx,
  scope: Scope,
  { lease, place }: Again,
  cut: { turnId: string; question: string; answer: string | null },
): Promise<string> {
  const conversationId = await openConversation(tx, scope, lease, place);
  const [last] = await tx
    .select({ id: turns.id })
    .from(turns)
    .where(isRemembered(scope, conversationId))
    .orderBy(desc(turns.createdAt))
    .limit(1);
  if (last?.id === cut.turnId) return sentence(scope.locale, "continue_question");
  const question = cut.question.slice(0, ASKED_CHARS_MAX).toWellFormed();
  const ending = (cut.answer ?? "").slice(-ENDING_CHARS_MAX).toWellFormed();
  return `${sentence(scope.locale, "continue_older", { question })}\n\n${ending}`;
}

function droppedNotice(scope: Scope, { lease, place, updateIds }: Again, dropped: number): OutboxItem {
  return {
    orgId: scope.orgId,
    botId: lease.botId,
    chatId: place.chatId,
    threadId: place.threadId,
    kind: "notice",
    message: { text: sentence(scope.locale, "retry_dropped", { dropped }) },
    key: `update:${lease.botId}:${updateIds[0]}:dropped`,
    locale: scope.locale,
    correlationId: scope.correlationId,
  };
}
