import type { Message, PhotoSize } from "grammy/types";
import { bytesMaxOf, type TurnFile } from "../core/chat/files.ts";

// What a message can hold that nobody here can read, by Telegram's keys; the more telling one of two stands first.
const UNREADABLE = [
  "animation",
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
  "paid_media",
  "giveaway",
  "giveaway_winners",
];

type Carrier = Pick<Message, "photo" | "document" | "animation">;

/** The photo or the document of a message. An animation is also given as a document, and is none. */
export function fileOf({ photo, document, animation }: Carrier): TurnFile | null {
  if (photo !== undefined && photo.length > 0) return largestThatFits(photo);
  if (document === undefined || animation !== undefined) return null;
  return {
    kind: "document",
    name: document.file_name ?? "",
    mime: document.mime_type?.toLowerCase() ?? "",
    bytes: document.file_size ?? null,
    ref: document.file_id,
  };
}

/** By which name a message without text, photo or document is refused; null for service messages. */
export function unreadableIn(message: Message): string | null {
  if (message.text !== undefined || fileOf(message) !== null) return null;
  return UNREADABLE.find((key) => key in message) ?? null;
}

/** Whether this message says something that can be read. Looks at what is there, whatever its shape. */
export function isReadable({ text, photo, document, animation }: Message): boolean {
  if (typeof text === "string" || (Array.isArray(photo) && photo.length > 0)) return true;
  return document !== undefined && animation === undefined;
}

// Telegram keeps a photo in several sizes. Without a size that fits, the smallest is refused with its own.
function largestThatFits(photo: readonly PhotoSize[]): TurnFile {
  const sizes = photo
    .toSorted((a, b) => b.width * b.height - a.width * a.height)
    .map(({ file_id: ref, file_size: bytes = null }): TurnFile => {
      return { kind: "photo", name: "", mime: "image/jpeg", bytes, ref };
    });
  const fitting = sizes.find((size) => (size.bytes ?? 0) <= bytesMaxOf(size)) ?? sizes.at(-1);
  if (fitting === undefined) throw new Error("a photo without a size"); // the caller has looked
  return fitting;
}
