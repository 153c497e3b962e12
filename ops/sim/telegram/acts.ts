import { pictureFacts } from "../picture.ts";
import { rootOf } from "./access.ts";
import { checkedEntities, type MessageEntity } from "./entities.ts";
import { withDetected } from "./entity-detection.ts";
import { codePoints } from "./formatted-text.ts";
import { changeBotStanding, tellBotMember } from "./membership.ts";
import { messageView, userView } from "./message-view.ts";
import type { FileKind, Forward, SenderChat, ServiceEvent, StoredMessage } from "./message.ts";
import { isInside } from "./roster.ts";
import type { Telegram } from "./telegram.ts";

export type Saying = {
  from: number;
  chat?: number;
  text: string;
  thread?: number;
  replyTo?: number;
  entities?: MessageEntity[];
  /** Who is shown instead of the person: the group itself (an anonymous admin), or a channel of theirs. */
  as?: SenderChat;
  /** Where the message was forwarded from. */
  forward?: Forward;
  viaLinkedChannel?: true;
};
export type Sending = {
  from: number;
  chat?: number;
  thread?: number;
  kind: FileKind;
  name: string;
  mime: string;
  bytes: Uint8Array;
  caption?: string;
  replyTo?: number;
  /** Several files under one id are an album. */
  mediaGroupId?: string;
  /** Of a photo: further sizes that the service keeps of it. */
  otherSizes?: readonly Uint8Array[];
  /** The bot is not told how large the file is. */
  hidesSize?: boolean;
};
export type Rewording = { from: number; chat?: number; messageId: number; text: string };
export type Press = { from: number; chat?: number; messageId: number; data: string };

export type NewGroup = {
  id: number;
  title: string;
  members: number[];
  forum?: boolean;
  topics?: string[];
  botIsMember?: boolean;
  /** Not yet a supergroup. */
  basic?: boolean;
};

type Draft = Pick<
  StoredMessage,
  "text" | "entities" | "file" | "mediaGroupId" | "senderChat" | "forward" | "viaLinkedChannel"
>;
export type Place = { from: number; chat?: number; thread?: number; replyTo?: number };

const TEXT_MAX = 4096;
const CAPTION_MAX = 1024;
const PHOTO_BYTES_MAX = 10 * 1024 * 1024;
const ALBUM_FILES_MAX = 10;

/** A person writes; returns the message id. Throws when the person could not do that in a client. */
export function say(telegram: Telegram, saying: Saying): number {
  const { text, entities } = typed(saying.text, TEXT_MAX, saying.entities ?? []);
  if (text === "") throw new Error("A message needs a text");
  const { as, forward, viaLinkedChannel } = saying;
  return post(telegram, saying, () => ({
    text,
    entities,
    file: null,
    mediaGroupId: null,
    ...(as === undefined ? {} : { senderChat: as }),
    ...(forward === undefined ? {} : { forward }),
    ...(viaLinkedChannel === undefined ? {} : { viaLinkedChannel }),
  }));
}

/** A person sends a file; returns the message id. */
export function sendFile(telegram: Telegram, sending: Sending): number {
  const { text, entities } = typed(sending.caption ?? "", CAPTION_MAX, []);
  const mediaGroupId = sending.mediaGroupId ?? null;
  checkPhoto(sending);
  if (mediaGroupId !== null) checkAlbum(telegram, sending, mediaGroupId);
  return post(telegram, sending, () => ({ text, entities, file: telegram.files.add(sending), mediaGroupId }));
}

function checkPhoto({ kind, bytes }: Sending): void {
  if (kind !== "photo") return;
  if (pictureFacts(bytes) === null) throw new Error("A client only sends a picture as a photo");
  if (bytes.length > PHOTO_BYTES_MAX) throw new Error("A client makes a photo smaller than this");
}

/** One person's, at most ten, photos and videos together, documents only among themselves. */
function checkAlbum(telegram: Telegram, { from, chat = from, kind }: Sending, mediaGroupId: string): void {
  const others = telegram.messages.inChat(chat).filter((message) => message.mediaGroupId === mediaGroupId);
  if (others.length >= ALBUM_FILES_MAX) throw new Error(`An album has at most ${ALBUM_FILES_MAX} files`);
  const isVisual = (one: FileKind | undefined) => one === "photo" || one === "video";
  const odd = others.some(
    (other) =>
      other.fromId !== from || (other.file?.kind !== kind && !(isVisual(other.file?.kind) && isVisual(kind))),
  );
  if (odd || kind === "voice" || kind === "sticker") throw new Error("These do not go into one album");
}

/** A person changes the text of a message of their own. */
export function edit(telegram: Telegram, change: Rewording): void {
  const message = telegram.messages.get(change.chat ?? change.from, change.messageId);
  if (message?.fromId !== change.from) throw new Error("A person can only edit their own messages");
  const edited = {
    ...message,
    ...typed(change.text, message.file === null ? TEXT_MAX : CAPTION_MAX, []),
    editDate: telegram.date(),
  };
  telegram.store.atomically(() => {
    telegram.messages.replace(edited);
    if (reachesBot(telegram, edited)) telegram.update("edited_message", messageView(telegram, edited));
  });
  telegram.limits.heard(edited.chat);
  telegram.tellMessage("edited", edited);
}

/** A person presses a button; returns the id of the callback query. Throws when there is no such button. */
export function press(telegram: Telegram, { from, chat = from, messageId, data }: Press): string {
  checkPresence(telegram, from, chat);
  const message = telegram.messages.get(chat, messageId);
  const buttons = message?.keyboard?.flat() ?? [];
  if (!message || !buttons.some((button) => button.callback_data === data)) {
    throw new Error(`Message ${messageId} has no button with the data "${data}"`);
  }
  const id = telegram.store.atomically(() => {
    const id = telegram.callbacks.add(chat);
    const user = userView(telegram, from);
    const query = {
      id,
      from: user,
      message: messageView(telegram, message),
      chat_instance: String(-chat),
      data,
    };
    telegram.update("callback_query", query);
    return id;
  });
  telegram.limits.heard(chat);
  telegram.feed.tell(null);
  return id;
}

export function setBlocked(telegram: Telegram, person: number, blocked: boolean): void {
  const known = telegram.roster.person(person);
  if (!known) throw new Error(`There is no person ${person}`);
  if (known.blocked === blocked) return;
  const [before, after] = blocked ? (["member", "kicked"] as const) : (["kicked", "member"] as const);
  telegram.store.atomically(() => {
    telegram.roster.mark(person, "blocked", blocked);
    tellBotMember(telegram, { chat: person, from: person, before, after });
  });
  telegram.feed.tell({ type: "chats" });
}

/** The group's owner adds or removes the bot. */
export function setBotMember(telegram: Telegram, chat: number, member: boolean): void {
  const group = telegram.roster.group(chat);
  const owner = group?.members[0];
  if (!group || owner === undefined) throw new Error(`There is no group ${chat} with a member`);
  if (isInside(group.bot) === member) return;
  changeBotStanding(telegram, { group, from: owner, standing: member ? "member" : "kicked" });
  if (!member) return;
  announce(telegram, { from: owner, chat }, { kind: "new_chat_members", member: telegram.botId });
}

/** A service message, which every bot of the chat is told. */
export function announce(telegram: Telegram, place: Place, service: ServiceEvent): number {
  const empty = { text: "", entities: [], file: null, mediaGroupId: null };
  return publish(telegram, () => ({ ...placed(telegram, place), ...empty, service }));
}

/** Adds a group as if its first member had made it; the bot is told nothing. Does nothing for a known id. */
export function addGroup(telegram: Telegram, group: NewGroup): void {
  const { id, title, members, topics = [], botIsMember = true, basic = false } = group;
  const [owner] = members;
  if (id >= 0 || owner === undefined) throw new Error("A group has a negative id and at least one member");
  const forum = group.forum ?? topics.length > 0;
  telegram.store.atomically(() => {
    const isNew = telegram.roster.addGroup({
      id,
      title,
      forum,
      members,
      bot: botIsMember ? "member" : "never",
    });
    const known = telegram.roster.group(id);
    if (isNew && basic && known !== null) telegram.roster.setTraits(known, { basic });
    // The first id of a forum is that of its General topic.
    if (isNew && topics.length > 0) telegram.messages.skip(id);
    for (const name of isNew ? topics : []) addTopic(telegram, id, owner, name);
  });
  telegram.feed.tell({ type: "chats" });
}

function addTopic(telegram: Telegram, chat: number, owner: number, name: string): void {
  const service = { kind: "forum_topic_created", name } as const;
  const empty = { text: "", entities: [], file: null, mediaGroupId: null };
  const opening = telegram.messages.add({ ...placed(telegram, { from: owner, chat }), ...empty, service });
  telegram.messages.replace({ ...opening, topic: opening.messageId });
}

function typed(text: string, limit: number, given: MessageEntity[]): Pick<Draft, "text" | "entities"> {
  const trimmed = text.trim();
  if (codePoints(trimmed) > limit)
    throw new Error(`A client does not send more than ${limit} characters at once`);
  return { text: trimmed, entities: withDetected(trimmed, checkedEntities(trimmed, given)) };
}

function post(telegram: Telegram, place: Place, draft: () => Draft): number {
  const chat = place.chat ?? place.from;
  checkPresence(telegram, place.from, chat);
  return publish(telegram, () => {
    if (chat === place.from) telegram.roster.mark(chat, "started", true);
    return { ...placed(telegram, place), ...draft(), service: null };
  });
}

function checkPresence(telegram: Telegram, from: number, chat: number): void {
  const person = telegram.roster.person(from);
  if (!person) throw new Error(`There is no person ${from}`);
  if (person.deactivated) throw new Error(`The account of ${person.firstName} is gone`);
  if (chat === from) {
    if (person.blocked) throw new Error(`${person.firstName} has blocked the bot`);
    return;
  }
  const group = telegram.roster.group(chat);
  if (!group?.members.includes(from)) throw new Error(`${person.firstName} is not in the chat ${chat}`);
}

/** Where the message goes: its topic, or the chain of replies it belongs to. */
function placed(telegram: Telegram, { from, chat = from, thread, replyTo }: Place) {
  const forum = telegram.roster.group(chat)?.forum === true;
  const replied = replyTo === undefined ? null : telegram.messages.get(chat, replyTo);
  if (replyTo !== undefined && !replied) throw new Error(`There is no message ${replyTo} to reply to`);
  const topic = forum ? (thread ?? replied?.topic ?? null) : null;
  const opened = topic === null ? null : telegram.messages.get(chat, topic)?.service;
  if ((thread !== undefined && !forum) || (topic !== null && opened?.kind !== "forum_topic_created")) {
    throw new Error(`There is no topic ${thread} in the chat ${chat}`);
  }
  const common = {
    chat,
    fromId: from,
    date: telegram.date(),
    editDate: null,
    keyboard: null,
    reaction: null,
  };
  const replyRoot = chat < 0 && !forum ? rootOf(replied) : null;
  return { ...common, topic, replyTo: replyTo ?? null, replyRoot };
}

function publish(telegram: Telegram, draft: () => Omit<StoredMessage, "messageId">): number {
  const message = telegram.store.atomically(() => {
    const message = telegram.messages.add(draft());
    if (reachesBot(telegram, message)) telegram.update("message", messageView(telegram, message));
    return message;
  });
  telegram.limits.heard(message.chat);
  telegram.tellMessage("message", message);
  return message.messageId;
}

/** Privacy mode: in a group the bot sees commands, mentions of it, replies to it and service messages. */
function reachesBot(telegram: Telegram, message: StoredMessage): boolean {
  const group = telegram.roster.group(message.chat);
  if (!group) return true;
  if (!isInside(group.bot) || group.traits.upgradedTo !== null) return false;
  if (group.bot === "administrator" || telegram.hearsAll()) return true;
  const replied = message.replyTo === null ? null : telegram.messages.get(message.chat, message.replyTo);
  if (message.service !== null || replied?.fromId === telegram.botId) return true;
  return message.entities.some((entity) => namesBot(telegram, message.text, entity));
}

function namesBot(telegram: Telegram, text: string, { type, offset, length, user }: MessageEntity): boolean {
  const { username } = telegram.bot();
  const part = text.slice(offset, offset + length).toLowerCase();
  const addressee = part.split("@")[1];
  if (type === "bot_command") return addressee === undefined || addressee === username.toLowerCase();
  if (type === "mention") return addressee === username.toLowerCase();
  return type === "text_mention" && (user as { id?: unknown } | undefined)?.id === telegram.botId;
}
