import type { Message, UserFromGetMe } from "grammy/types";
import type { TurnFile } from "../core/chat/files.ts";
import { spokenText } from "./addressing.ts";
import { fileOf, unreadableIn } from "./media.ts";

/**
 * What a burst of messages asks: a text and files, of which one may be
 * missing, or the name of what cannot be read; `nothing` for service messages.
 */
export type Question =
  | { readonly kind: "asked"; readonly text: string; readonly files: readonly TurnFile[] }
  | { readonly kind: "unreadable"; readonly name: string }
  | { readonly kind: "empty" | "nothing" };

const QUOTE_CHARS_MAX = 2_000;

/** Makes one question of the messages that belong together, with what they reply to as its context. */
export function questionOf(
  messages: readonly Message[],
  me: Pick<UserFromGetMe, "id" | "username">,
): Question {
  const files = messages.map(fileOf);
  const odd = messages.find((message, at) => message.text === undefined && files[at] === null);
  if (odd !== undefined) {
    const name = unreadableIn(odd);
    return name === null ? { kind: "nothing" } : { kind: "unreadable", name };
  }
  const texts = messages.map((message) => spokenText(message, me.username)).filter((text) => text !== "");
  const context = messages.map((message) => repliedTo(message, me.id)).find((found) => found !== null);
  const all = [...(context?.file == null ? [] : [context.file]), ...files].filter((file) => file !== null);
  if (texts.length === 0 && all.length === 0) return { kind: "empty" };
  // Without a word of one's own, quoted words are no question.
  const text = texts.length === 0 ? "" : [...(context?.lines ?? []), ...texts].join("\n");
  return { kind: "asked", text, files: all };
}

type Context = { readonly lines: readonly string[]; readonly file: TurnFile | null };

// The quoted words, or the message that is replied to, with its file: Claude may not have seen it, or not know that
// it is meant. Its own answers it has seen: of them only what is quoted counts.
function repliedTo(message: Message, botId: number): Context | null {
  const replied = message.reply_to_message;
  const other = replied?.from?.id === botId ? undefined : replied;
  const words = message.quote?.text ?? other?.text ?? other?.caption ?? "";
  const file = other === undefined ? null : fileOf(other);
  const unreadable = other === undefined ? null : unreadableIn(other);
  if (words.trim() === "" && file === null && unreadable === null) return null;
  const author = replied?.from?.first_name ?? "";
  const quoted = words
    .slice(0, QUOTE_CHARS_MAX)
    .toWellFormed()
    .split("\n")
    .map((line) => `> ${line}`);
  const what =
    file !== null
      ? `, a ${file.kind}`
      : unreadable !== null
        ? `, a ${unreadable.replaceAll("_", " ")} that you cannot see or hear`
        : "";
  const head = `(In reply to ${author === "" ? "a message" : author}${what}`;
  return { lines: words.trim() === "" ? [`${head})`, ""] : [`${head}:)`, ...quoted, ""], file };
}
