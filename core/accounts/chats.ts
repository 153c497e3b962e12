import { and, eq, sql } from "drizzle-orm";
import { chats } from "../../db/schema/chat.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { newCorrelationId } from "../scope.ts";

/**
 * Telegram gave a group a new id. Its claim, its conversations and what we
 * still owe it move along. A group that no team has claimed has nothing to move.
 */
export async function moveChat(app: App, botId: number, from: number, to: number): Promise<void> {
  await inSystem(app, async (tx) => {
    const [claim] = await tx.execute<{ org_id: string | null }>(
      sql`SELECT org_id FROM auth.resolve_sender(${botId}, 0, ${from})`,
    );
    await tx.execute(
      sql`UPDATE pipeline.outbox SET chat_id = ${to} WHERE bot_id = ${botId} AND chat_id = ${from} AND state = 'queued'`,
    );
    const orgId = claim?.org_id ?? null;
    if (orgId === null) return;
    await inTenant({ app, orgId }, async (tenantTx) => {
      const here = and(eq(chats.orgId, orgId), eq(chats.botId, botId), eq(chats.telegramChatId, from));
      await tenantTx.update(chats).set({ telegramChatId: to, kind: "supergroup" }).where(here);
      await tenantTx.execute(
        sql`UPDATE app.turns SET telegram_chat_id = ${to} WHERE org_id = ${orgId} AND bot_id = ${botId} AND telegram_chat_id = ${from}`,
      );
      await tenantTx.execute(
        sql`UPDATE app.buttons SET telegram_chat_id = ${to} WHERE org_id = ${orgId} AND telegram_chat_id = ${from}`,
      );
      await audit(tenantTx, byTelegram(), "group.move", {
        target: String(to),
      });
    });
  });
}

/** The bot was blocked or removed: nothing more is sent to this chat until somebody writes in it again. */
export async function leaveChat(app: App, orgId: string, botId: number, chatId: number): Promise<void> {
  await inTenant({ app, orgId }, async (tx) => {
    const here = and(eq(chats.orgId, orgId), eq(chats.botId, botId), eq(chats.telegramChatId, chatId));
    await tx.update(chats).set({ status: "inactive" }).where(here);
    await tx.execute(sql`UPDATE pipeline.outbox SET state = 'failed', payload = NULL, done_at = now(), error = 'chat left'
      WHERE bot_id = ${botId} AND chat_id = ${chatId} AND state = 'queued'`);
    await audit(tx, byTelegram(), "chat.leave", { target: String(chatId) });
  });
}

// Nobody of a team did this: Telegram told us.
function byTelegram() {
  return { actor: { type: "system", name: "telegram" } as const, correlationId: newCorrelationId() };
}
