import { and, eq, lt, sql } from "drizzle-orm";
import { chats, conversations, turns } from "../../db/schema/chat.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { readVoice } from "../accounts/voice.ts";
import { audit } from "../audit.ts";
import { claudeAccess } from "../claude/credentials.ts";
import { holds, type Lease } from "../pipeline/lease.ts";
import type { Scope } from "../scope.ts";
import { scopeOfAsker, type AskerRow } from "./asker.ts";
import { filesIn } from "./files.ts";
import { readHistory } from "./history.ts";
import type { Turn } from "./turns.ts";

/** A turn that our own death interrupted is asked once more, never twice. */
const TURN_ATTEMPTS_MAX = 2;

/** A turn that a dead process left running, with the scope of the person who asked. */
export type InterruptedTurn = {
  readonly turnId: string;
  readonly lane: string;
  readonly scope: Scope;
};

type Raw = AskerRow & { readonly turn_id: string; readonly lane: string };

/** Every running turn of this bot, of all teams, oldest first. Only a start asks: later ones are ours. */
export async function interruptedTurns(app: App, lease: Lease): Promise<InterruptedTurn[]> {
  const rows = await inSystem(app, (tx) =>
    tx.execute<Raw>(sql`SELECT * FROM auth.running_turns(${lease.botId})`),
  );
  return rows.map((row) => ({ turnId: row.turn_id, lane: row.lane, scope: scopeOfAsker(app, row) }));
}

/**
 * Takes a turn that a dead process left running for its second attempt. With
 * `exhausted` it has had that one too: the caller ends it as failed. Null when
 * it has ended meanwhile, or another process holds the bot.
 */
export async function reopenTurn(
  scope: Scope,
  lease: Lease,
  turnId: string,
): Promise<{ turn: Turn; exhausted: boolean } | null> {
  return inTenant(scope, async (tx) => {
    const running = and(
      eq(turns.orgId, scope.orgId),
      eq(turns.id, turnId),
      eq(turns.status, "running"),
      holds(lease),
    );
    const [again] = await tx
      .update(turns)
      .set({ attempt: sql`${turns.attempt} + 1` })
      .where(and(running, lt(turns.attempt, TURN_ATTEMPTS_MAX)))
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
      files: filesIn(row.files),
      speaker: row.speaker,
      asked: row.asked,
      replyTo: row.replyTo,
      askerId: row.askerId,
      attempt: row.attempt,
      history: await readHistory(tx, scope, row.conversationId),
      voice: await readVoice(tx, scope.orgId),
      access: await claudeAccess(scope),
    };
    await audit(tx, scope, "turn.restart", { target: row.id, detail: { attempt: row.attempt } });
    return { turn, exhausted: again === undefined };
  });
}
