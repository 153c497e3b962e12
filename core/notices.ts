import { sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import { enqueue } from "./pipeline/outbox.ts";

/**
 * Says something to one person in their private chat, in the transaction of what
 * it is about, through the bot that polls today. Without a bot nothing is said.
 * The same `key` says it once.
 */
export async function tellPerson(
  tx: Tx,
  notice: { telegramUserId: number; key: string; text: string },
): Promise<void> {
  const [bot] = await tx.execute<{ bot_id: string }>(
    sql`SELECT bot_id FROM pipeline.bots ORDER BY last_poll_at DESC NULLS LAST LIMIT 1`,
  );
  if (bot === undefined) return;
  await enqueue(tx, [
    {
      botId: Number(bot.bot_id),
      chatId: notice.telegramUserId,
      threadId: 0,
      kind: "notice",
      key: `notice:${notice.key}`,
      message: { text: notice.text },
    },
  ]);
}
