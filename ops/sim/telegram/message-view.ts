import type { InlineButton, MessageFile, ServiceEvent, SimMessage, StoredMessage } from "./message.ts";
import { senderView } from "./sender-view.ts";
import type { createRoster, Person } from "./roster.ts";

/** What a view needs to know besides the message. */
type Surroundings = {
  readonly botId: number;
  bot(): { id: number; username: string; firstName: string };
  readonly roster: Pick<ReturnType<typeof createRoster>, "person" | "group">;
  readonly messages: { get(chat: number, messageId: number): StoredMessage | null };
};

const SIDE = 1280;
const STICKER_SIDE = 512;
const TOPIC_ICON_COLOR = 0x6fb9f0;

export function botUser(telegram: Surroundings): Record<string, unknown> {
  const { id, username, firstName } = telegram.bot();
  return { id, is_bot: true, first_name: firstName, username };
}

export function userView(telegram: Surroundings, id: number): Record<string, unknown> {
  if (id === telegram.botId) return botUser(telegram);
  const person = telegram.roster.person(id);
  if (!person) throw new Error(`The simulated Telegram knows no person ${id}`);
  return { id, is_bot: false, ...namesOf(person), ...optional("language_code", person.languageCode) };
}

export function chatView(telegram: Surroundings, id: number): Record<string, unknown> {
  const group = telegram.roster.group(id);
  if (group) {
    const type = group.traits.basic ? "group" : "supergroup";
    return { id, type, title: group.title, ...(group.forum ? { is_forum: true } : {}) };
  }
  const person = telegram.roster.person(id);
  if (!person) throw new Error(`The simulated Telegram knows no chat ${id}`);
  return { id, type: "private", ...namesOf(person) };
}

/** The message as the Bot API shows it, with the message that it replies to, but not further. */
export function messageView(telegram: Surroundings, message: StoredMessage): Record<string, unknown> {
  const repliedTo = repliedMessage(telegram, message);
  return { ...bareView(telegram, message), ...optional("reply_to_message", repliedTo) };
}

function repliedMessage(telegram: Surroundings, message: StoredMessage): Record<string, unknown> | undefined {
  // In a topic, a message that replies to nothing else replies to the topic's first message.
  const id = message.replyTo ?? (message.service === null ? message.topic : null);
  const replied = id === null ? null : telegram.messages.get(message.chat, id);
  return replied === null ? undefined : bareView(telegram, replied);
}

function bareView(telegram: Surroundings, message: StoredMessage): Record<string, unknown> {
  const { topic, replyRoot, keyboard } = message;
  return {
    message_id: message.messageId,
    ...optional("message_thread_id", topic ?? replyRoot ?? undefined),
    ...senderView(message, {
      userView: (id) => userView(telegram, id),
      chatView: (id) => chatView(telegram, id),
    }),
    chat: chatView(telegram, message.chat),
    date: message.date,
    ...optional("edit_date", message.editDate ?? undefined),
    ...(topic === null ? {} : { is_topic_message: true }),
    ...optional("media_group_id", message.mediaGroupId ?? undefined),
    ...contentView(telegram, message),
    ...(keyboard === null ? {} : { reply_markup: { inline_keyboard: keyboard } }),
  };
}

function contentView(telegram: Surroundings, message: StoredMessage): Record<string, unknown> {
  const { text, entities, file, service } = message;
  if (service) return serviceView(telegram, service);
  const marked = entities.length > 0;
  if (!file) return { text, ...(marked ? { entities } : {}) };
  return {
    ...fileView(file),
    ...(text === "" ? {} : { caption: text }),
    ...(marked ? { caption_entities: entities } : {}),
  };
}

function serviceView(telegram: Surroundings, service: ServiceEvent): Record<string, unknown> {
  switch (service.kind) {
    case "new_chat_members": {
      const member = userView(telegram, service.member);
      return { new_chat_member: member, new_chat_members: [member] };
    }
    case "forum_topic_created":
      return { forum_topic_created: { name: service.name, icon_color: TOPIC_ICON_COLOR } };
    case "forum_topic_closed":
      return { forum_topic_closed: {} };
    case "migrate_to":
      return { migrate_to_chat_id: service.chat };
    case "migrate_from":
      return { migrate_from_chat_id: service.chat };
  }
}

function fileView(file: MessageFile): Record<string, unknown> {
  const sized = (size: number) => (file.hidesSize === true ? {} : { file_size: size });
  const base = { file_id: file.id, file_unique_id: `unique-${file.id}`, ...sized(file.size) };
  const named = { ...base, file_name: file.name, mime_type: file.mime };
  switch (file.kind) {
    case "photo":
      return {
        photo: (file.sizes ?? [{ ...file, width: SIDE, height: SIDE }]).map(
          ({ id, size, width, height }) => ({
            file_id: id,
            file_unique_id: `unique-${id}`,
            ...sized(size),
            width,
            height,
          }),
        ),
      };
    case "document":
      return { document: named };
    case "voice":
      return { voice: { ...base, duration: 1, mime_type: file.mime } };
    case "video":
      return { video: { ...named, width: SIDE, height: SIDE, duration: 1 } };
    case "sticker": {
      const size = { width: STICKER_SIDE, height: STICKER_SIDE };
      return { sticker: { ...base, ...size, type: "regular", is_animated: false, is_video: false } };
    }
  }
}

/** The message as a page or a test reads it. */
export function simMessage(telegram: Surroundings, message: StoredMessage): SimMessage {
  const { file, keyboard, mediaGroupId, service } = message;
  return {
    messageId: message.messageId,
    chat: message.chat,
    thread: message.topic,
    fromId: message.fromId,
    fromBot: message.fromId === telegram.botId,
    fromName: shownName(telegram, message),
    date: message.date,
    editDate: message.editDate,
    text: message.text,
    entities: message.entities,
    replyTo: message.replyTo,
    buttons: (keyboard ?? []).map((row) => row.map(simButton)),
    ...(file === null ? {} : { file: simFile(file) }),
    ...(mediaGroupId === null ? {} : { mediaGroupId }),
    ...(service === null ? {} : { service: sentenceFor(telegram, service) }),
  };
}

function simButton({ text, callback_data: data, url }: InlineButton) {
  return { text, ...(data === undefined ? {} : { data }), ...(url === undefined ? {} : { url }) };
}

function simFile({ kind, name, mime, size, id }: MessageFile) {
  return { kind, name, mime, size, url: `/sim/files/${id}` };
}

function sentenceFor(telegram: Surroundings, service: ServiceEvent): string {
  switch (service.kind) {
    case "new_chat_members":
      return `${nameOf(telegram, service.member)} was added to the group`;
    case "forum_topic_created":
      return `The topic "${service.name}" was created`;
    case "forum_topic_closed":
      return "The topic was closed";
    case "migrate_to":
      return "The group became a supergroup";
    case "migrate_from":
      return "This supergroup was a group before";
  }
}

function shownName(telegram: Surroundings, { senderChat, fromId, chat }: StoredMessage): string {
  if (senderChat === undefined) return nameOf(telegram, fromId);
  return senderChat === "group" ? (telegram.roster.group(chat)?.title ?? "") : senderChat.title;
}

function nameOf(telegram: Surroundings, id: number): string {
  if (id === telegram.botId) return telegram.bot().firstName;
  const person = telegram.roster.person(id);
  return [person?.firstName, person?.lastName].filter((part) => part !== undefined).join(" ");
}

function namesOf({ firstName, lastName, username }: Person): Record<string, unknown> {
  return { first_name: firstName, ...optional("last_name", lastName), ...optional("username", username) };
}

function optional(key: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [key]: value };
}
