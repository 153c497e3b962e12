import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { enqueue } from "../pipeline/outbox.ts";
import type { Scope } from "../scope.ts";
import { sentence } from "../text/text.ts";

/** What a person is told about their place in a team; each is a message of the same name, with `told_` before it. */
export type NoticeKind =
  | "role"
  | "removed"
  | "joined"
  | "joined_by_mail"
  | "owner_link"
  | "owner_joined"
  | "session_reused"
  | "mail_failed"
  | "address_tied"
  | "address_moved";

/**
 * Tells people of the current team something in their private chats, each in
 * their language, in the transaction of what it is about. Whoever has no
 * Telegram account is not told.
 */
export async function tellMembers(
  tx: Tx,
  scope: Pick<Scope, "correlationId">,
  userIds: readonly string[],
  notice: { kind: NoticeKind; params: Record<string, string | number> },
): Promise<void> {
  if (userIds.length === 0) return;
  const ids = sql.join(
    userIds.map((id) => sql`(${id}::uuid)`),
    sql`, `,
  );
  const rows = await tx.execute<{
    bot_id: string;
    telegram_user_id: string;
    locale: string;
  }>(
    sql`SELECT bot.bot_id, t.telegram_user_id, t.locale FROM (VALUES ${ids}) AS told (id)
      CROSS JOIN LATERAL auth.telegram_of(told.id) AS t
      CROSS JOIN (SELECT bot_id FROM pipeline.bots WHERE status = 'active' ORDER BY last_poll_at DESC NULLS LAST LIMIT 1) AS bot`,
  );
  await enqueue(
    tx,
    rows.map((row) => ({
      botId: Number(row.bot_id),
      chatId: Number(row.telegram_user_id),
      threadId: 0,
      kind: "notice" as const,
      key: `told:${notice.kind}:${crypto.randomUUID()}`, // a reference may be a client's, and come twice
      correlationId: scope.correlationId,
      message: { text: sentence(row.locale, `told_${notice.kind}`, notice.params) },
    })),
  );
}

/**
 * Tells a Telegram account something, whoever it belongs to now; in the
 * transaction of what it is about.
 */
export async function tellTelegram(
  tx: Tx,
  scope: Pick<Scope, "correlationId">,
  to: { telegramUserId: number; locale: string },
  notice: { kind: NoticeKind; params: Record<string, string | number> },
): Promise<void> {
  const [bot] = await tx.execute<{ bot_id: string }>(
    sql`SELECT bot_id FROM pipeline.bots WHERE status = 'active' ORDER BY last_poll_at DESC NULLS LAST LIMIT 1`,
  );
  if (bot === undefined) return;
  await enqueue(tx, [
    {
      botId: Number(bot.bot_id),
      chatId: to.telegramUserId,
      threadId: 0,
      kind: "notice",
      key: `told:${notice.kind}:${crypto.randomUUID()}`,
      correlationId: scope.correlationId,
      message: { text: sentence(to.locale, `told_${notice.kind}`, notice.params) },
    },
  ]);
}
