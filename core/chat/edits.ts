import { and, eq, gt, sql } from "drizzle-orm";
import { createHash } from "node:crypto";
import { turns } from "../../db/schema/chat.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { holds, type Lease } from "../pipeline/lease.ts";
import { storable } from "../pipeline/storable.ts";
import type { Scope } from "../scope.ts";

/** One message of a question, so that an edit of it is recognised. */
export type AskedMessage = { readonly id: number; readonly hash: string };

// Telegram lets people edit for two days.
const EDITABLE_DAYS = 3;

export function askedMessage(id: number, text: string): AskedMessage {
  return { id, hash: createHash("sha256").update(text.toWellFormed()).digest("base64url") };
}

/** Whether this message of a chat was asked, alone or among others, and never with these words. */
export async function wasAskedOtherwise(
  scope: Scope,
  chatId: number,
  message: AskedMessage,
): Promise<boolean> {
  const rows = await inTenant(scope, (tx) =>
    tx
      .select({ asked: turns.asked })
      .from(turns)
      .where(
        and(
          eq(turns.orgId, scope.orgId),
          eq(turns.telegramChatId, chatId),
          gt(turns.createdAt, sql`now() - ${EDITABLE_DAYS} * interval '1 day'`),
          sql`${turns.asked} @> ${JSON.stringify([{ id: message.id }])}::jsonb`,
        ),
      ),
  );
  const asked = rows.flatMap((row) => row.asked);
  return rows.length > 0 && !asked.some(({ id, hash }) => id === message.id && hash === message.hash);
}

/** Gives a message that still waits in its lane its new words. False when it no longer waits. */
export async function rewordWaiting(
  app: App,
  lease: Lease,
  lane: string,
  message: { readonly message_id: number },
): Promise<boolean> {
  const rows = await inSystem(app, (tx) =>
    tx.execute(sql`UPDATE pipeline.updates SET payload = jsonb_set(payload, '{message}', ${JSON.stringify(storable(message))}::jsonb)
      WHERE bot_id = ${lease.botId} AND lane = ${lane} AND state = 'ready' AND NOT control AND attempts = 0
        AND payload->'message'->>'message_id' = ${String(message.message_id)} AND ${holds(lease)} RETURNING 1`),
  );
  return rows.length > 0;
}
