import { inSystem } from "../db/tenant.ts";
import { tell, type Recipient } from "./alerts.ts";
import type { App } from "./app.ts";
import { durationOf } from "./part-outages.ts";
import { enqueue } from "./pipeline/outbox.ts";
import { sentence } from "./text/text.ts";

/** A chat in which somebody was told that nothing can be done right now. */
export type WaitingChat = Recipient & { readonly threadId: number };

/** Queues that the database is back, to everybody who was told that it was away, once however often it is asked for. */
export async function sayDatabaseIsBack(
  app: App,
  botId: number,
  outage: {
    readonly since: number;
    readonly told: readonly Recipient[];
    readonly chats: readonly WaitingChat[];
  },
): Promise<void> {
  const { since, told, chats } = outage;
  const params = { part: "database", ...durationOf(app.clock.now() - since) };
  await inSystem(app, async (tx) => {
    await tell(tx, botId, told, { kind: "part_back", key: `database:${since}`, params: () => params });
    await enqueue(
      tx,
      chats.map(({ chatId, threadId, locale }) => ({
        botId,
        chatId,
        threadId,
        kind: "notice" as const,
        key: `away_over:${botId}:${since}:${chatId}`,
        locale,
        message: { text: sentence(locale, "away_over") },
      })),
    );
  });
}
