import type { Telegram } from "./telegram.ts";

export type Topic = { threadId: number; name: string };

/** The topics of a forum in the order of their making. The General topic has no id and is not among them. */
export function topicsOf(telegram: Telegram, chat: number): Topic[] {
  return telegram.messages.inChat(chat).flatMap(({ messageId, service }) => {
    return service?.kind === "forum_topic_created" ? [{ threadId: messageId, name: service.name }] : [];
  });
}
