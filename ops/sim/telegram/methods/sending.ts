import { pictureFacts } from "../../picture.ts";
import { checkMayWrite, openChatFor, threadFor } from "../access.ts";
import { ApiError, badRequest, violation } from "../api-error.ts";
import { codePoints, formattedText, type FormattedText } from "../formatted-text.ts";
import { messageView } from "../message-view.ts";
import type { FileKind, MessageFile, StoredMessage } from "../message.ts";
import { keyboardForSend } from "../reply-markup.ts";
import type { Telegram } from "../telegram.ts";
import { flagOf, integerOf, isObject, type Params, refuseUnknownFields, textOf } from "../validation.ts";
import { type Call, refuse } from "./method.ts";

const TEXT_MAX = 4096;
const CAPTION_MAX = 1024;
const UPLOAD_BYTES_MAX = 50 * 1024 * 1024;
const PHOTO_BYTES_MAX = 10 * 1024 * 1024;
const UNSUPPORTED = [
  "business_connection_id",
  "direct_messages_topic_id",
  "ephemeral_message_parameters",
  "suggested_post_parameters",
];
const LINK_PREVIEW_FIELDS = [
  "is_disabled",
  "url",
  "prefer_small_media",
  "prefer_large_media",
  "show_above_text",
];
const REPLY_FIELDS = [
  "message_id",
  "chat_id",
  "allow_sending_without_reply",
  "quote",
  "quote_parse_mode",
  "quote_entities",
  "quote_position",
];

type Content = FormattedText & ({ file: null } | { file: () => MessageFile; what: "photos" | "documents" });

export function sendMessage(call: Call): unknown {
  const content = formattedText(call.params, { text: "text", entities: "entities" });
  if (content.text === "") throw violation("message text is empty");
  if (codePoints(content.text) > TEXT_MAX) throw violation("message is too long");
  return deliver(call, { ...content, file: null });
}

export function sendPhoto(call: Call): unknown {
  return deliver(call, { ...captionOf(call.params), file: fileFor(call, "photo"), what: "photos" });
}

export function sendDocument(call: Call): unknown {
  return deliver(call, { ...captionOf(call.params), file: fileFor(call, "document"), what: "documents" });
}

export function sendChatAction({ telegram, params }: Call): true {
  refuse(params, UNSUPPORTED);
  const chat = openChatFor(telegram, params);
  const { topic } = threadFor(telegram, chat, params, null);
  telegram.feed.tell({ type: "typing", chat: chat.id, thread: topic });
  return true;
}

/** The checked caption of a call; also that of editMessageCaption. */
export function captionOf(params: Params): FormattedText {
  const caption = formattedText(params, { text: "caption", entities: "caption_entities" });
  if (codePoints(caption.text) > CAPTION_MAX) throw violation("message caption is too long");
  return caption;
}

/** Checks the options that change nothing here, so that a misspelt one is noticed. */
export function checkLinkPreview(params: Params): void {
  const options = params["link_preview_options"];
  if (isObject(options)) refuseUnknownFields("link_preview_options", options, LINK_PREVIEW_FIELDS);
}

function deliver({ telegram, params }: Call, content: Content): unknown {
  refuse(params, UNSUPPORTED);
  checkLinkPreview(params);
  const keyboard = keyboardForSend(params);
  const chat = openChatFor(telegram, params);
  const replied = repliedMessage(telegram, chat.id, params);
  const thread = threadFor(telegram, chat, params, replied);
  const what = content.file === null ? "text messages" : content.what;
  checkMayWrite(telegram, chat, { topic: thread.topic, what });
  telegram.limits.spend(chat.id, "send");
  const message = telegram.store.atomically(() =>
    telegram.messages.add({
      chat: chat.id,
      ...thread,
      fromId: telegram.botId,
      date: telegram.date(),
      editDate: null,
      text: content.text,
      entities: content.entities,
      replyTo: replied?.messageId ?? null,
      keyboard,
      file: content.file === null ? null : content.file(),
      mediaGroupId: null,
      service: null,
      reaction: null,
    }),
  );
  telegram.tellMessage("message", message);
  return messageView(telegram, message);
}

function repliedMessage(telegram: Telegram, chat: number, params: Params): StoredMessage | null {
  const reply = params["reply_parameters"];
  const old = integerOf(params, "reply_to_message_id");
  if (reply !== undefined && old !== null) throw violation("reply_parameters excludes reply_to_message_id");
  const wanted: Params = isObject(reply) ? reply : old === null ? {} : { message_id: old };
  refuseUnknownFields("reply_parameters", wanted, REPLY_FIELDS);
  if (wanted["chat_id"] !== undefined && wanted["chat_id"] !== chat) refuse(wanted, ["chat_id"]);
  const id = integerOf(wanted, "message_id");
  if (id === null) {
    if (isObject(reply)) throw violation("can't parse reply parameters: Can't find field \"message_id\"");
    return null;
  }
  const message = telegram.messages.get(chat, id);
  if (!message && !flagOf(wanted, "allow_sending_without_reply")) {
    throw badRequest("message to be replied not found");
  }
  const quote = textOf(wanted, "quote");
  if (message && quote !== null && !message.text.includes(quote)) throw violation("QUOTE_TEXT_INVALID");
  return message;
}

/** Checks the file now and stores it when the message is stored. */
function fileFor({ telegram, params, files }: Call, kind: FileKind): () => MessageFile {
  const source = textOf(params, kind) ?? "";
  if (!source.startsWith("attach://")) {
    const sent = sentFile(telegram, source, kind);
    return () => sent;
  }
  const upload = files.get(source.slice("attach://".length));
  if (!upload) throw violation(`can't find the uploaded file ${source}`);
  const size = upload.bytes.length;
  if (size === 0) throw violation("file must be non-empty");
  if (size > UPLOAD_BYTES_MAX) throw new ApiError(413, "Request Entity Too Large", { violation: true });
  if (kind === "photo" && size > PHOTO_BYTES_MAX) {
    throw violation(
      `file of size ${size} bytes is too big for a photo; the maximum size is ${PHOTO_BYTES_MAX} bytes`,
    );
  }
  if (kind === "photo" && pictureFacts(upload.bytes) === null) throw violation("IMAGE_PROCESS_FAILED");
  return () => telegram.files.add({ ...upload, kind });
}

function sentFile(telegram: Telegram, source: string, kind: FileKind): MessageFile {
  if (/^https?:/.test(source)) throw violation("failed to get HTTP URL content");
  const known = telegram.files.byId(source);
  if (!known) throw violation("wrong remote file identifier specified");
  if (source.split("-")[1] !== kind) throw violation(`can't use this file as ${kind}`);
  return { kind, id: source, name: known.name, mime: known.mime, size: known.bytes.length };
}
