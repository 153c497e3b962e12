import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { chats, conversations, turns } from "../../db/schema/chat.ts";
import { inTenant } from "../../db/tenant.ts";
import { audit } from "../audit.ts";
import { LeaseLostError, type Lease } from "../pipeline/lease.ts";
import { dropWaiting } from "../pipeline/updates.ts";
import type { Scope } from "../scope.ts";

/** Where a conversation takes place. `threadId` is 0 outside forum topics. */
export type Place = {
  readonly chatId: number;
  readonly threadId: number;
  readonly kind: "private" | "group" | "supergroup";
  readonly title: string;
  /** Handled in order, one running turn at a time. */
  readonly lane: string;
};

/** The conversation that goes on in this place; made when there is none. Nobody deletes it before the transaction ends. */
export async function openConversation(tx: Tx, scope: Scope, lease: Lease, place: Place): Promise<string> {
  const [known] = await tx.execute<{ id: string }>(sql`SELECT c.id
    FROM app.chats h JOIN app.conversations c ON c.org_id = h.org_id AND c.chat_id = h.id
    WHERE h.org_id = ${scope.orgId} AND h.bot_id = ${lease.botId} AND h.telegram_chat_id = ${place.chatId}
      AND h.title = ${place.title} AND h.status = 'active' AND c.thread_id = ${place.threadId} AND c.closed_at IS NULL
    FOR KEY SHARE OF c`);
  return known?.id ?? makeConversation(tx, scope, lease, place);
}

// For a place that is new, has another title now, was left, or has no open conversation.
async function makeConversation(tx: Tx, scope: Scope, lease: Lease, place: Place): Promise<string> {
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

/**
 * Forgets: ends the open conversation of a place, and drops what waits in its
 * lane and what was kept there. Returns how many waiting messages were dropped.
 */
export async function startConversation(
  scope: Scope,
  lease: Lease,
  place: Place,
  before: number,
): Promise<number> {
  return inTenant(scope, async (tx) => {
    const dropped = await dropWaiting(tx, lease, { lane: place.lane, before });
    const id = await openConversation(tx, scope, lease, place);
    await tx
      .update(conversations)
      .set({ closedAt: sql`now()` })
      .where(and(eq(conversations.orgId, scope.orgId), eq(conversations.id, id)));
    await tx
      .update(turns)
      .set({ kept: null })
      .where(and(eq(turns.orgId, scope.orgId), eq(turns.conversationId, id), isNotNull(turns.kept)));
    await audit(tx, scope, "conversation.new", { target: id, detail: { dropped } });
    return dropped;
  });
}

/**
 * Drops this person's messages that wait in a place and came before the update
 * `before`, because they said stop. Returns how many that were.
 */
export async function dropQuestions(
  scope: Scope,
  lease: Lease,
  waiting: { lane: string; before: number; from: number },
): Promise<number> {
  return inTenant(scope, async (tx) => {
    const dropped = await dropWaiting(tx, lease, waiting);
    if (dropped > 0) await audit(tx, scope, "turn.stop", { detail: { dropped } });
    return dropped;
  });
}
