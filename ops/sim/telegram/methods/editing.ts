import { openChatFor } from "../access.ts";
import { badRequest, violation } from "../api-error.ts";
import { codePoints, formattedText } from "../formatted-text.ts";
import { apiSpec } from "../method-spec.ts";
import { messageView } from "../message-view.ts";
import type { StoredMessage } from "../message.ts";
import { keyboardForEdit } from "../reply-markup.ts";
import type { Telegram } from "../telegram.ts";
import { integerOf, objectsOf, textOf } from "../validation.ts";
import { type Call, refuse } from "./method.ts";
import { captionOf, checkLinkPreview } from "./sending.ts";

const TEXT_MAX = 4096;
const DELETE_AT_ONCE_MAX = 100;
const DELETABLE_SECONDS = 48 * 60 * 60;
const UNSUPPORTED = ["business_connection_id", "inline_message_id", "rich_message"];
const NOT_MODIFIED =
  "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";

export function editMessageText(call: Call): unknown {
  const content = formattedText(call.params, { text: "text", entities: "entities" });
  if (content.text === "") throw violation("message text is empty");
  if (codePoints(content.text) > TEXT_MAX) throw violation("MESSAGE_TOO_LONG");
  checkLinkPreview(call.params);
  const keyboard = keyboardForEdit(call.params);
  const message = editable(call);
  if (message.file) throw violation("there is no text in the message to edit");
  return change(call.telegram, message, { ...content, keyboard, editDate: call.telegram.date() });
}

export function editMessageCaption(call: Call): unknown {
  const caption = captionOf(call.params);
  const keyboard = keyboardForEdit(call.params);
  const message = editable(call);
  if (!message.file) throw violation("there is no caption in the message to edit");
  return change(call.telegram, message, { ...caption, keyboard, editDate: call.telegram.date() });
}

export function editMessageReplyMarkup(call: Call): unknown {
  const keyboard = keyboardForEdit(call.params);
  return change(call.telegram, editable(call), { keyboard });
}

export function deleteMessage({ telegram, params }: Call): true {
  const chat = openChatFor(telegram, params);
  const message = telegram.messages.get(chat.id, integerOf(params, "message_id") ?? 0);
  if (!message) throw badRequest("message to delete not found");
  if (!deletable(telegram, message)) throw badRequest("message can't be deleted");
  remove(telegram, message);
  return true;
}

/** As the service does: messages that are not there or may not be deleted are skipped. */
export function deleteMessages({ telegram, params }: Call): true {
  const chat = openChatFor(telegram, params);
  const ids = params["message_ids"];
  if (!Array.isArray(ids) || ids.length === 0) throw violation("message identifiers are not specified");
  if (ids.length > DELETE_AT_ONCE_MAX) throw violation("too many message identifiers specified");
  if (!ids.every(Number.isSafeInteger)) throw violation("can't parse message_ids JSON object");
  for (const id of ids) {
    const message = telegram.messages.get(chat.id, Number(id));
    if (message && deletable(telegram, message)) remove(telegram, message);
  }
  return true;
}

export function setMessageReaction({ telegram, params }: Call): true {
  const chat = openChatFor(telegram, params);
  const message = telegram.messages.get(chat.id, integerOf(params, "message_id") ?? 0);
  if (!message) throw badRequest("message to react not found");
  const reactions = objectsOf(params, "reaction") ?? [];
  if (reactions.length > 1) throw violation("REACTIONS_TOO_MANY");
  const [reaction] = reactions;
  const emoji = reaction && textOf(reaction, "emoji");
  if (reaction && (reaction["type"] !== "emoji" || !apiSpec().reactionEmoji.has(emoji ?? ""))) {
    throw violation("REACTION_INVALID");
  }
  telegram.messages.replace({ ...message, reaction: emoji ?? null });
  telegram.feed.tell(null);
  return true;
}

function editable({ telegram, params }: Call): StoredMessage {
  refuse(params, UNSUPPORTED);
  const id = integerOf(params, "message_id");
  if (id === null || params["chat_id"] === undefined) throw violation("message identifier is not specified");
  const chat = openChatFor(telegram, params);
  const message = telegram.messages.get(chat.id, id);
  if (!message) throw badRequest("message to edit not found");
  if (message.fromId !== telegram.botId || message.service) throw violation("message can't be edited");
  return message;
}

function change(telegram: Telegram, message: StoredMessage, changes: Partial<StoredMessage>): unknown {
  telegram.limits.spend(message.chat, "edit");
  const edited = { ...message, ...changes };
  if (contentOf(edited) === contentOf(message)) throw badRequest(NOT_MODIFIED);
  telegram.messages.replace(edited);
  telegram.tellMessage("edited", edited);
  return messageView(telegram, edited);
}

function contentOf({ text, entities, keyboard }: StoredMessage): string {
  return JSON.stringify([text, entities, keyboard]);
}

/** In a private chat the bot may delete both sides, in a group only what it wrote. */
function deletable(telegram: Telegram, message: StoredMessage): boolean {
  const recent = telegram.date() - message.date <= DELETABLE_SECONDS;
  return recent && (message.chat > 0 || message.fromId === telegram.botId);
}

function remove(telegram: Telegram, { chat, messageId }: StoredMessage): void {
  telegram.messages.remove(chat, messageId);
  telegram.feed.tell({ type: "deleted", chat, messageId });
}
