import type { Message } from "grammy/types";
import type { UpdateRow } from "../core/pipeline/updates.ts";
import { isReadable } from "./media.ts";

const BURST_MS = 300;
const LONG_PASTE_MS = 1_500;
const ALBUM_MS = 1_000;
// A client splits a paste at 4096 characters, at a space or a line near the end.
const LONG_PASTE_CHARS = 4_000;
const BURST_MESSAGES_MAX = 20;

/** The waiting messages that become one question, and how long more of them may still come. */
export type Burst = { readonly rows: readonly UpdateRow[]; readonly waitMs: number };

/**
 * What a person sends in one go: consecutive messages of one sender close
 * together, with their files, the pieces of a long paste, the pictures of an album. Judged by the
 * times of storing, so that a restart merges the same way. `rows` are one
 * lane's, oldest first; `now` is by the same clock. In groups a message that
 * `isForUs` denies joins only as the rest of a paste or an album.
 */
export function burstOf(
  rows: readonly UpdateRow[],
  now: number,
  isForUs: (message: Message) => boolean,
): Burst {
  const [first, ...later] = rows;
  if (first === undefined) return { rows: [], waitMs: 0 };
  const opening = messageOf(first);
  if (opening === undefined || !isForUs(opening)) return { rows: [first], waitMs: 0 };
  const burst = [first];
  for (const row of later) {
    const last = burst.at(-1) ?? first;
    if (burst.length === BURST_MESSAGES_MAX || !belongs(last, row, isForUs))
      return { rows: burst, waitMs: 0 };
    burst.push(row);
  }
  const last = burst.at(-1) ?? first;
  const windowMs = windowAfter(last, null);
  return { rows: burst, waitMs: Math.max(0, last.receivedAt + windowMs - now) };
}

function belongs(last: UpdateRow, next: UpdateRow, isForUs: (message: Message) => boolean): boolean {
  const [before, after] = [messageOf(last), messageOf(next)];
  if (before?.from?.id === undefined || after?.from?.id !== before.from.id) return false;
  if (next.receivedAt - last.receivedAt > windowAfter(last, next)) return false;
  if (isAlbum(before, after)) return true;
  return isReadable(before) && isReadable(after) && (isLong(before) || isForUs(after));
}

function isAlbum(before: Message, after: Message): boolean {
  return before.media_group_id !== undefined && before.media_group_id === after.media_group_id;
}

function windowAfter(last: UpdateRow, next: UpdateRow | null): number {
  const message = messageOf(last);
  if (message === undefined) return 0;
  const following = next === null ? message : messageOf(next);
  if (following !== undefined && isAlbum(message, following)) return ALBUM_MS;
  if (!isReadable(message)) return 0;
  return isLong(message) ? LONG_PASTE_MS : BURST_MS;
}

function isLong(message: Message): boolean {
  return typeof message.text === "string" && message.text.length >= LONG_PASTE_CHARS;
}

function messageOf(row: UpdateRow): Message | undefined {
  const { message } = row.payload;
  // safe: only fields that are checked before use are read of it
  return typeof message === "object" && message !== null ? (message as Message) : undefined;
}
