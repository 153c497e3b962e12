import type { Message, UserFromGetMe } from "grammy/types";
import { spokenText } from "./addressing.ts";

/** What a burst of messages asks: a text, or the name of what cannot be read; `nothing` for service messages. */
export type Question =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly name: string }
  | { readonly kind: "empty" | "nothing" };

const QUOTE_CHARS_MAX = 2_000;

// What a message can hold that we cannot read yet, by Telegram's keys; the more telling one of two stands first.
const UNREADABLE = [
  "animation",
  "photo",
  "document",
  "voice",
  "audio",
  "video",
  "video_note",
  "sticker",
  "location",
  "venue",
  "contact",
  "poll",
  "dice",
  "story",
  "game",
  "checklist",
];

/** Makes one question of the messages that belong together, with what they reply to as its context. */
export function questionOf(
  messages: readonly Message[],
  me: Pick<UserFromGetMe, "id" | "username">,
): Question {
  const unreadable = messages.find((message) => message.text === undefined);
  if (unreadable !== undefined) {
    const name = UNREADABLE.find((key) => key in unreadable);
    return name === undefined ? { kind: "nothing" } : { kind: "unreadable", name };
  }
  const texts = messages.map((message) => spokenText(message, me.username)).filter((text) => text !== "");
  if (texts.length === 0) return { kind: "empty" };
  const context = messages.map((message) => repliedTo(message, me.id)).find((quote) => quote !== null);
  return { kind: "text", text: [...(context === undefined ? [] : [context]), ...texts].join("\n") };
}

// The quoted words, or the message that is replied to: Claude may not have seen it, or not know that it is meant.
// Its own answers it has seen: of them only what is quoted counts.
function repliedTo(message: Message, botId: number): string | null {
  const replied = message.reply_to_message;
  const words =
    message.quote?.text ?? (replied?.from?.id === botId ? undefined : (replied?.text ?? replied?.caption));
  if (words === undefined || words.trim() === "") return null;
  const author = replied?.from?.first_name ?? "";
  const quoted = words
    .slice(0, QUOTE_CHARS_MAX)
    .toWellFormed()
    .split("\n")
    .map((line) => `> ${line}`);
  return [`(In reply to ${author === "" ? "a message" : author}:)`, ...quoted, ""].join("\n");
}
