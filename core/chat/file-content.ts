import type { ClaudeFile } from "../claude/messages.ts";
import {
  bytesMaxOf,
  FILE_BYTES_MAX,
  PDF_PAGES_MAX,
  PICTURE_BYTES_MAX,
  shownName,
  TEXT_BYTES_MAX,
  type FileFailure,
  type TurnFile,
} from "./files.ts";
import { pictureOf } from "./picture.ts";

const PICTURE_SIDE_MAX = 8_000;
const PDF_HEAD_BYTES = 1_024;

// Tab, line ends, form feed and the escape of coloured logs; any other control character means that it is no text.
const NO_TEXT = /[\u0000-\u0008\u000B\u000E-\u001A\u001C-\u001F\u007F]/;
const COLOURS = /\u001B\[[\d;]*[A-Za-z]/g;

/** Hands one file over, or says why not. An aborted `signal` ends it as `file_unreachable`. */
export type FetchFile = (
  ref: string,
  bytesMax: number,
  signal: AbortSignal,
) => Promise<Uint8Array | FileFailure>;

/**
 * Fetches the files of a question one after another and makes them what Claude
 * is shown: all of them, or the first failure.
 */
export async function loadFiles(
  files: readonly TurnFile[],
  fetchFile: FetchFile,
  signal: AbortSignal,
): Promise<readonly ClaudeFile[] | FileFailure> {
  const shown: ClaudeFile[] = [];
  let bytesLeft = FILE_BYTES_MAX;
  let pagesLeft = PDF_PAGES_MAX;
  for (const file of files) {
    if (file.ref === null) return "file_gone";
    const bytes = await fetchFile(file.ref, Math.min(bytesMaxOf(file), bytesLeft), signal);
    if (typeof bytes === "string") return bytes;
    bytesLeft -= bytes.length;
    const content = contentOf(file, bytes);
    if (typeof content === "string") return content;
    if (content.type === "pdf") pagesLeft -= pagesIn(bytes);
    if (pagesLeft < 0) return "file_too_many_pages";
    shown.push(content);
  }
  return shown;
}

// Judged by its bytes alone: names and types are what somebody claims.
function contentOf(file: TurnFile, bytes: Uint8Array): ClaudeFile | FileFailure {
  const picture = pictureOf(bytes);
  if (picture !== null) {
    const isTooLarge =
      bytes.length > PICTURE_BYTES_MAX || Math.max(picture.width, picture.height) > PICTURE_SIDE_MAX;
    return isTooLarge
      ? "file_too_large"
      : { type: "image", mediaType: picture.mediaType, base64: base64Of(bytes) };
  }
  const title = shownName(file.name);
  if (isPdf(bytes)) {
    const isLocked = /\/Encrypt\s+\d+\s+\d+\s+R/.test(latin1(bytes));
    return isLocked ? "file_unreadable" : { type: "pdf", title, base64: base64Of(bytes) };
  }
  const text = textOf(bytes);
  if (text === null) return "file_unreadable";
  return bytes.length > TEXT_BYTES_MAX ? "file_too_large" : { type: "text", title, text };
}

// As many as the PDF says in the open; where they are packed away, Claude itself says when there are too many.
function pagesIn(pdf: Uint8Array): number {
  return latin1(pdf).match(/\/Type\s*\/Page(?![A-Za-z])/g)?.length ?? 0;
}

function isPdf(bytes: Uint8Array): boolean {
  return bufferOf(bytes).subarray(0, PDF_HEAD_BYTES).includes("%PDF-");
}

/** Text in UTF-8, or in UTF-16 with its mark; null for anything else, and for text without a visible character. */
function textOf(bytes: Uint8Array): string | null {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? "utf-16le"
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? "utf-16be"
        : "utf-8";
  const text = decoded(bytes, encoding)?.replaceAll(COLOURS, "");
  if (text === undefined || NO_TEXT.test(text)) return null;
  const shown = text.replaceAll("\u001B", "").replaceAll(/\r\n?/g, "\n").trimEnd();
  return /[^\s\p{C}]/u.test(shown) ? shown : null;
}

function decoded(bytes: Uint8Array, encoding: "utf-8" | "utf-16le" | "utf-16be"): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (err) {
    if (err instanceof TypeError) return undefined;
    throw err;
  }
}

function base64Of(bytes: Uint8Array): string {
  return bufferOf(bytes).toString("base64");
}

function latin1(bytes: Uint8Array): string {
  return bufferOf(bytes).toString("latin1");
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
