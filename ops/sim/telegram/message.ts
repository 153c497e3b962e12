import type { MessageEntity } from "./entities.ts";

export type FileKind = "photo" | "document" | "voice" | "video" | "sticker";
export type InlineButton = { text: string; callback_data?: string; url?: string } & Record<string, unknown>;
export type MessageFile = {
  kind: FileKind;
  id: string;
  name: string;
  mime: string;
  size: number;
  /** Of a photo: all sizes in which it is kept, the smallest first. */
  sizes?: PhotoSize[];
  /** The service does not always say how large a file is. */
  hidesSize?: boolean;
};
export type PhotoSize = { id: string; size: number; width: number; height: number };
export type ServiceEvent =
  | { kind: "forum_topic_created"; name: string }
  | { kind: "forum_topic_closed" }
  | { kind: "new_chat_members"; member: number }
  | { kind: "migrate_to"; chat: number }
  | { kind: "migrate_from"; chat: number };
/** The group itself, for an anonymous admin, or a channel. */
export type SenderChat = "group" | { id: number; title: string };
export type Forward =
  | { type: "user"; person: number }
  | { type: "hidden_user"; name: string }
  | { type: "channel"; id: number; title: string };

/** A message as it is kept. What the bot and what a page see is derived from it. */
export type StoredMessage = {
  chat: number;
  messageId: number;
  /** The forum topic, by the id of the service message that opened it. */
  topic: number | null;
  /** In a group without topics, the first message of the chain of replies. */
  replyRoot: number | null;
  fromId: number;
  senderChat?: SenderChat;
  forward?: Forward;
  /** A post of the channel that the group is linked with, put there by the service. */
  viaLinkedChannel?: true;
  date: number;
  editDate: number | null;
  text: string;
  entities: MessageEntity[];
  replyTo: number | null;
  keyboard: InlineButton[][] | null;
  file: MessageFile | null;
  mediaGroupId: string | null;
  service: ServiceEvent | null;
  reaction: string | null;
};

/** Dates are Unix seconds. `file.url` is a path on this server. */
export type SimMessage = {
  messageId: number;
  chat: number;
  thread: number | null;
  fromId: number;
  fromBot: boolean;
  fromName: string;
  date: number;
  editDate: number | null;
  text: string;
  entities: MessageEntity[];
  replyTo: number | null;
  buttons: { text: string; data?: string; url?: string }[][];
  file?: { kind: string; name: string; mime: string; size: number; url: string };
  mediaGroupId?: string;
  service?: string;
};
