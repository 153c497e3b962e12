import type { Message, UserFromGetMe } from "grammy/types";

/** In groups only these start anything: a mention, a reply to the bot, a command for it; nothing that was forwarded, for somebody else said it. */
export function addressedTo(message: Message, me: Pick<UserFromGetMe, "id" | "username">): boolean {
  if (message.forward_origin !== undefined) return false;
  if (commandOf(message, me.username) !== null) return true;
  if (
    message.reply_to_message?.from?.id === me.id &&
    message.reply_to_message.forum_topic_created === undefined
  )
    return true;
  const text = message.text ?? message.caption ?? "";
  const entities = message.entities ?? message.caption_entities ?? [];
  return entities.some(
    (entity) =>
      (entity.type === "mention" &&
        text.slice(entity.offset, entity.offset + entity.length).toLowerCase() ===
          `@${me.username.toLowerCase()}`) ||
      (entity.type === "text_mention" && entity.user.id === me.id),
  );
}

/** The command that a message begins with, lower case and without its slash; null when there is none, it is another bot's, or somebody else's words. */
export function commandOf(message: Message | undefined, username: string): string | null {
  const entity = commandEntity(message);
  if (message?.text === undefined || message.forward_origin !== undefined || entity === undefined)
    return null;
  const [name, bot] = message.text.slice(1, entity.length).split("@");
  if (bot !== undefined && bot.toLowerCase() !== username.toLowerCase()) return null;
  return name === undefined || name === "" ? null : name.toLowerCase();
}

/** What follows the command, trimmed. */
export function argumentOf(message: Message | undefined): string {
  return message?.text?.slice(commandEntity(message)?.length ?? 0).trim() ?? "";
}

// Not always the first: a command in bold has another entity at its place.
function commandEntity(message: Message | undefined) {
  return message?.entities?.find((entity) => entity.type === "bot_command" && entity.offset === 0);
}

/** What was said to the bot: the text or caption without the mention of it and without control characters. */
export function spokenText(message: Message, username: string): string {
  const mention = new RegExp(`(?<![\\p{L}\\p{N}_])@${RegExp.escape(username)}(?!\\w)`, "giu");
  const text = (message.text ?? message.caption ?? "").toWellFormed().replaceAll(mention, "");
  return text.replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F]/g, "").trim();
}
