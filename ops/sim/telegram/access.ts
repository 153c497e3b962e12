import { ApiError, badRequest, forbidden } from "./api-error.ts";
import type { StoredMessage } from "./message.ts";
import { isInside, type Group, type KnownPerson } from "./roster.ts";
import type { Telegram } from "./telegram.ts";
import { integerOf, type Params } from "./validation.ts";

/** How the General topic, which has no id of its own, is noted among the closed ones. */
export const GENERAL = 0;

type ChatFound = { id: number; group: Group } | { id: number; group: null; person: KnownPerson };

/** The chat of a call, when the bot may see it at all; throws as the service does. */
export function chatFor(telegram: Telegram, params: Params): ChatFound {
  const id = Number(params["chat_id"]);
  const group = telegram.roster.group(id);
  if (group && group.bot !== "never") return { id, group };
  const person = group ? null : telegram.roster.person(id);
  if (person && (person.started || metInGroup(telegram, id))) return { id, group: null, person };
  throw badRequest("chat not found");
}

/** As `chatFor`, and the bot may act there. */
export function openChatFor(telegram: Telegram, params: Params): ChatFound {
  const chat = chatFor(telegram, params);
  if (chat.group) {
    checkGroup(chat.group);
    return chat;
  }
  const { person } = chat;
  if (person.deactivated) throw forbidden("user is deactivated");
  if (person.blocked) throw forbidden("bot was blocked by the user");
  if (!person.started) throw forbidden("bot can't initiate conversation with a user");
  return chat;
}

function checkGroup({ bot, traits }: Group): void {
  if (traits.upgradedTo !== null) {
    const details = { migrateToChatId: traits.upgradedTo };
    throw new ApiError(400, "Bad Request: group chat was upgraded to a supergroup chat", details);
  }
  if (traits.deleted) throw forbidden("the group chat was deleted");
  const kind = traits.basic ? "group" : "supergroup";
  if (bot === "kicked") throw forbidden(`bot was kicked from the ${kind} chat`);
  if (bot === "left") throw forbidden(`bot is not a member of the ${kind} chat`);
}

/** Throws as the service does when the bot may not write there, in that topic, or not yet. */
export function checkMayWrite(
  telegram: Telegram,
  { group }: ChatFound,
  message: { topic: number | null; what: "text messages" | "photos" | "documents" },
): void {
  if (group === null || group.bot === "administrator") return;
  if (group.bot === "restricted") throw badRequest(`not enough rights to send ${message.what} to the chat`);
  if (group.traits.closedTopics.includes(message.topic ?? GENERAL)) throw badRequest("TOPIC_CLOSED");
  telegram.limits.checkSlowMode(group.id, group.traits.slowModeSeconds);
}

/** Where a new message goes: the topic, or in a group without topics the chain of replies. */
export function threadFor(
  telegram: Telegram,
  chat: ChatFound,
  params: Params,
  repliedTo: StoredMessage | null,
) {
  const thread = integerOf(params, "message_thread_id");
  const forum = chat.group?.forum === true;
  if (thread === null) {
    const replyRoot = chat.group && !forum ? rootOf(repliedTo) : null;
    return { topic: forum ? (repliedTo?.topic ?? null) : null, replyRoot };
  }
  const first = chat.group ? telegram.messages.get(chat.id, thread) : null;
  const exists = forum ? first?.service?.kind === "forum_topic_created" : first !== null;
  // The General topic has no id of its own: asking for 1 fails like any unknown one.
  if (!exists) throw badRequest("message thread not found");
  return { topic: forum ? thread : null, replyRoot: forum ? null : thread };
}

/** The first message of the chain that a reply to this message belongs to. */
export function rootOf(repliedTo: StoredMessage | null): number | null {
  return repliedTo?.replyRoot ?? repliedTo?.messageId ?? null;
}

function metInGroup(telegram: Telegram, person: number): boolean {
  return telegram.roster.groups().some(({ bot, members }) => isInside(bot) && members.includes(person));
}
