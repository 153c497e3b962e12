import { and, eq, sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { chats } from "../../db/schema/chat.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import type { Place } from "../chat/conversations.ts";
import { mayActAs, newCorrelationId, type Scope } from "../scope.ts";

/**
 * Telegram gave a group a new id. Its claim, its conversations, what waits to
 * be answered and what we still owe it move along; ids of messages do not, for
 * there they are others. Safe to repeat.
 */
export async function moveChat(app: App, botId: number, from: number, to: number): Promise<void> {
  await inSystem(app, async (tx) => {
    const [claim] = await tx.execute<{ org_id: string | null }>(
      sql`SELECT org_id FROM auth.resolve_sender(${botId}, 0, ${from})`,
    );
    await movePipeline(tx, botId, from, to);
    const orgId = claim?.org_id ?? null;
    if (orgId !== null)
      await inTenant({ app, orgId }, (tenantTx) => moveRows(tenantTx, { orgId, botId, from, to }));
  });
}

async function movePipeline(tx: Tx, botId: number, from: number, to: number): Promise<void> {
  // An edit or a removal has lost its message, and an answer that was to be an edit becomes a message.
  await tx.execute(sql`UPDATE pipeline.outbox SET message_id = NULL, chat_id = CASE WHEN state = 'queued' THEN ${to}::bigint ELSE chat_id END,
      payload = payload - 'replyTo' - 'messageId'
    WHERE bot_id = ${botId} AND chat_id = ${from}`);
  await tx.execute(sql`UPDATE pipeline.outbox SET state = 'failed', payload = NULL, done_at = clock_timestamp(), error = 'chat moved'
    WHERE bot_id = ${botId} AND chat_id = ${to} AND state = 'queued' AND kind IN ('edit', 'delete')`);
  const chat = { id: to, type: "supergroup" };
  await tx.execute(sql`UPDATE pipeline.updates SET lane = ${`${botId}:${to}:0`},
      payload = jsonb_set(payload #- '{message,message_id}', '{message,chat}', payload->'message'->'chat' || ${JSON.stringify(chat)}::jsonb)
    WHERE bot_id = ${botId} AND lane = ${`${botId}:${from}:0`} AND state = 'ready' AND NOT control`);
}

async function moveRows(
  tx: Tx,
  { orgId, botId, from, to }: { orgId: string; botId: number; from: number; to: number },
): Promise<void> {
  const at = (chatId: number) =>
    and(eq(chats.orgId, orgId), eq(chats.botId, botId), eq(chats.telegramChatId, chatId));
  const [known] = await tx.select({ id: chats.id }).from(chats).where(at(to));
  // Somebody was quick and claimed the new one: that stays, and the old one is over.
  const moved = await tx
    .update(chats)
    .set(known === undefined ? { telegramChatId: to, kind: "supergroup" } : { status: "inactive" })
    .where(at(from))
    .returning({ id: chats.id });
  await tx.execute(sql`UPDATE app.turns SET telegram_chat_id = ${to}, lane = ${`${botId}:${to}:0`}, asked = '[]', reply_to = NULL
    WHERE org_id = ${orgId} AND bot_id = ${botId} AND telegram_chat_id = ${from}`);
  await tx.execute(
    sql`UPDATE app.buttons SET telegram_chat_id = ${to} WHERE org_id = ${orgId} AND telegram_chat_id = ${from}`,
  );
  if (moved.length > 0) await audit(tx, byTelegram(), "group.move", { target: String(to) });
}

/**
 * Nobody is there any more: the bot was removed or blocked, the group or the
 * account is gone. What we owe it is dropped, and every team's row of this chat
 * becomes inactive, until somebody writes there or adds the bot again. Safe to repeat.
 */
export async function leaveChat(app: App, botId: number, chatId: number): Promise<void> {
  const teams = await inSystem(app, (tx) =>
    tx.execute<{ org_id: string }>(sql`SELECT org_id FROM auth.teams_in_chat(${botId}, ${chatId})`),
  );
  // A transaction sees one team only.
  for (const { org_id: orgId } of teams) {
    await inTenant({ app, orgId }, async (tx) => {
      const here = and(eq(chats.orgId, orgId), eq(chats.botId, botId), eq(chats.telegramChatId, chatId));
      const left = await tx
        .update(chats)
        .set({ status: "inactive" })
        .where(and(here, eq(chats.status, "active")))
        .returning({ id: chats.id });
      if (left.length > 0) await audit(tx, byTelegram(), "chat.leave", { target: String(chatId) });
    });
  }
  await dropOwed(app, botId, chatId, "chat left");
}

/** Gives up everything that waits to be said in a chat. */
async function dropOwed(app: App, botId: number, chatId: number, why: string): Promise<void> {
  await inSystem(app, (tx) =>
    tx.execute(sql`UPDATE pipeline.outbox SET state = 'failed', payload = NULL, done_at = clock_timestamp(), error = ${why}
      WHERE bot_id = ${botId} AND chat_id = ${chatId} AND state = 'queued'`),
  );
}

/**
 * The bot is in a chat again that this person's team had: a private chat goes
 * on; a group belongs to the team again when an admin of it brought the bot
 * back and no other team has it. False when nothing of that is so.
 */
export async function returnToChat(scope: Scope, botId: number, place: Place): Promise<boolean> {
  if (place.kind !== "private" && !mayActAs(scope, "admin")) return false;
  return inTenant(scope, async (tx) => {
    const [taken] = await tx.execute(sql`SELECT FROM auth.teams_in_chat(${botId}, ${place.chatId})`);
    if (place.kind !== "private" && taken !== undefined) return false;
    const back = await tx
      .update(chats)
      .set({ status: "active", title: place.title })
      .where(
        and(
          eq(chats.orgId, scope.orgId),
          eq(chats.botId, botId),
          eq(chats.telegramChatId, place.chatId),
          eq(chats.status, "inactive"),
        ),
      )
      .returning({ id: chats.id });
    if (back.length > 0) await audit(tx, scope, "chat.return", { target: String(place.chatId) });
    return back.length > 0;
  });
}

// Nobody of a team did this: Telegram told us.
function byTelegram() {
  return { actor: { type: "system", name: "telegram" } as const, correlationId: newCorrelationId() };
}
