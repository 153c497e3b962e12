import { sql } from "drizzle-orm";
import { inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";

/** Whether this stranger is to be told no (once a day) and whether it is their very first time here. */
export async function noteStranger(
  app: App,
  botId: number,
  telegramUserId: number,
): Promise<{ tell: boolean; first: boolean }> {
  const today = new Date(app.clock.now()).toISOString().slice(0, 10);
  const [row] = await inSystem(app, (tx) =>
    tx.execute<{
      first: boolean;
    }>(sql`INSERT INTO pipeline.strangers AS s (bot_id, telegram_user_id, refused_on)
      VALUES (${botId}, ${telegramUserId}, ${today}) ON CONFLICT (bot_id, telegram_user_id)
      DO UPDATE SET refused_on = excluded.refused_on WHERE s.refused_on < excluded.refused_on RETURNING (xmax = 0) AS first`),
  );
  return { tell: row !== undefined, first: row?.first === true };
}

/** Where operator alerts go: the configured chats, else the owners of the first team. */
export async function operatorChats(app: App): Promise<{ chatId: number; locale: string }[]> {
  if (app.operatorChatIds.length > 0) return app.operatorChatIds.map((chatId) => ({ chatId, locale: "en" }));
  const rows = await inSystem(app, (tx) =>
    tx.execute<{ telegram_user_id: string; locale: string }>(sql`SELECT * FROM auth.operator_ids()`),
  );
  return rows.map((row) => ({ chatId: Number(row.telegram_user_id), locale: row.locale }));
}
