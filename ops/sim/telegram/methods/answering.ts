import { badRequest, violation } from "../api-error.ts";
import { codePoints } from "../formatted-text.ts";
import { flagOf, textOf } from "../validation.ts";
import type { Call } from "./method.ts";

const ANSWER_TEXT_MAX = 200;
const DOWNLOAD_BYTES_MAX = 20 * 1024 * 1024;

export function answerCallbackQuery({ telegram, params }: Call): true {
  const id = textOf(params, "callback_query_id") ?? "";
  const text = textOf(params, "text");
  if (codePoints(text ?? "") > ANSWER_TEXT_MAX) throw violation("MESSAGE_TOO_LONG");
  if (textOf(params, "url") !== null) throw violation("URL_INVALID");
  const showAlert = flagOf(params, "show_alert");
  const chat = telegram.callbacks.answer(id, { ...(text === null ? {} : { text }), showAlert });
  telegram.feed.tell({ type: "callback", id, chat, text, showAlert });
  return true;
}

export function getFile({ telegram, params }: Call): unknown {
  const id = textOf(params, "file_id") ?? "";
  const file = telegram.files.byId(id);
  if (!file) throw badRequest("wrong file_id or the file is temporarily unavailable");
  const isKnown = telegram.files.saysSize(id);
  if (file.bytes.length > DOWNLOAD_BYTES_MAX) throw (isKnown ? violation : badRequest)("file is too big");
  telegram.files.openLink(file);
  const size = isKnown ? { file_size: file.bytes.length } : {};
  return { file_id: id, file_unique_id: `unique-${id}`, ...size, file_path: file.path };
}
