import { inSystem } from "../db/tenant.ts";
import { operatorChats } from "./accounts/strangers.ts";
import type { App } from "./app.ts";
import { enqueue } from "./pipeline/outbox.ts";
import { sentence } from "./text/text.ts";

/** What the operator is told without asking; each is a message of the same name, with `alert_` before it. */
export type AlertKind = "stranger" | "parked" | "budget_instance";

/**
 * Queues one alert to everybody who operates this bot, in their language. The
 * same `key` alerts once, whoever raises it again.
 */
export async function alertOperator(
  app: App,
  botId: number,
  alert: { kind: AlertKind; key: string; params: Record<string, string | number> },
): Promise<void> {
  await inSystem(app, async (tx) => {
    const chats = await operatorChats(app);
    await enqueue(
      tx,
      chats.map(({ chatId, locale }) => ({
        botId,
        chatId,
        threadId: 0,
        kind: "notice" as const,
        key: `alert:${alert.kind}:${alert.key}:${chatId}`,
        message: { text: sentence(locale, `alert_${alert.kind}`, alert.params) },
      })),
    );
  });
}
