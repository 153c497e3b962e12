import type { Update } from "grammy/types";
import { resolveSender } from "../core/accounts/sender.ts";
import { alertOperator } from "../core/alerts.ts";
import type { OutboxItem } from "../core/pipeline/outbox.ts";
import type { UpdateRow } from "../core/pipeline/updates.ts";
import { languageOf, sentence } from "../core/text/text.ts";
import { addressedTo } from "./addressing.ts";
import type { Front } from "./context.ts";
import { threadOf } from "./route.ts";

/**
 * What is said about an update that is put aside: to the operator, and to the
 * member who sent it, where they would have been answered. Joins the
 * transaction around it.
 */
export async function noticesOfParked(front: Front, row: UpdateRow): Promise<readonly OutboxItem[]> {
  const { app, lease } = front;
  const id = String(row.updateId);
  app.log.error(
    { updateId: row.updateId, fields: fieldsOf(row.payload) },
    "an update was in hand when three tenures ended, and is parked",
  );
  await alertOperator(app, lease.botId, { kind: "parked", key: id, params: { id } });
  // safe: stored as Telegram sent it, and only what is checked here is read of it
  const { message, callback_query: press } = row.payload as unknown as Update;
  const about = message ?? press?.message;
  const from = message?.from ?? press?.from;
  if (from?.id === undefined || about?.chat?.id === undefined) return [];
  if (message !== undefined && message.chat.type !== "private" && !addressedTo(message, front.me)) return [];
  const person = await resolveSender(app, lease.botId, from.id, about.chat.id);
  if (person.member === null) return [];
  const locale = languageOf(person.locale ?? from.language_code);
  return [
    {
      botId: lease.botId,
      chatId: about.chat.id,
      threadId: threadOf(about),
      kind: "notice",
      message: {
        text: sentence(locale, "message_parked"),
        ...(message === undefined ? {} : { replyTo: message.message_id }),
      },
      key: `parked:${lease.botId}:${id}`,
      locale,
      ...(person.team === null ? {} : { orgId: person.team.orgId }),
    },
  ];
}

// What kind of update it was, without a word of what it said: that is deleted.
function fieldsOf(payload: UpdateRow["payload"]): string[] {
  return Object.entries(payload).flatMap(([kind, part]) =>
    Object.keys(Object(part)).map((field) => `${kind}.${field}`),
  );
}
