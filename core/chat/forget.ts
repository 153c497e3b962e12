import { and, eq, inArray } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { chats, conversations, turns } from "../../db/schema/chat.ts";
import { inTenant } from "../../db/tenant.ts";
import { audit } from "../audit.ts";
import type { Lease } from "../pipeline/lease.ts";
import { dropWaiting } from "../pipeline/updates.ts";
import { requireRole, type Scope } from "../scope.ts";
import { settle } from "./budget.ts";
import type { Place } from "./conversations.ts";

/** Throws `not_allowed` unless the person may delete what was said here: in a group it is not theirs alone. */
export function requireForgetting(scope: Scope, place: Place): void {
  if (place.kind !== "private") requireRole(scope, "admin");
}

/**
 * Deletes everything that was said in a place, in every conversation there, with summaries, kept questions and
 * their buttons, and what waits in its lane. The audit log keeps who did what. In a group admins only. The caller
 * has stopped the running turn. Returns how many turns were deleted and how many waiting messages were dropped.
 */
export async function forgetPlace(
  scope: Scope,
  lease: Lease,
  place: Place,
  before: number,
): Promise<{ turns: number; dropped: number }> {
  requireForgetting(scope, place);
  return inTenant(scope, async (tx) => {
    const dropped = await dropWaiting(tx, lease, { lane: place.lane, before });
    const here = await conversationsIn(tx, scope, lease, place);
    const said =
      here.length === 0
        ? []
        : await tx
            .delete(turns)
            .where(and(eq(turns.orgId, scope.orgId), inArray(turns.conversationId, here)))
            .returning({ id: turns.id, status: turns.status, askerId: turns.askerId });
    if (here.length > 0)
      await tx
        .delete(conversations)
        .where(and(eq(conversations.orgId, scope.orgId), inArray(conversations.id, here)));
    for (const { id, askerId } of said.filter(({ status }) => status === "running")) {
      const spent = { microUsd: 0, tokens: 0, exact: false };
      await settle(tx, scope, { call: { id, userId: askerId }, spent, botId: lease.botId });
    }
    await audit(tx, scope, "conversation.forget", {
      target: `${place.chatId}/${place.threadId}`,
      detail: { turns: said.length, dropped },
    });
    return { turns: said.length, dropped };
  });
}

async function conversationsIn(tx: Tx, scope: Scope, lease: Lease, place: Place): Promise<string[]> {
  const rows = await tx
    .select({ id: conversations.id })
    .from(conversations)
    .innerJoin(chats, and(eq(chats.orgId, conversations.orgId), eq(chats.id, conversations.chatId)))
    .where(
      and(
        eq(conversations.orgId, scope.orgId),
        eq(chats.botId, lease.botId),
        eq(chats.telegramChatId, place.chatId),
        eq(conversations.threadId, place.threadId),
      ),
    );
  return rows.map(({ id }) => id);
}
