import { tokenOwner } from "../core/vault/services.ts";

/** Where a stored update belongs, told from the raw update before anything has checked it. */
export type Route = { readonly lane: string; readonly control: boolean };

const NOWHERE = "-";
// Telegram takes messages for it without an id only.
const GENERAL_TOPIC = 1;

// What the service says about the chat itself.
const SERVICE = ["migrate_to_chat_id", "migrate_from_chat_id", "new_chat_members"];

/**
 * The lane is (bot, chat, topic). Control updates overtake: buttons, commands
 * for this bot, a token that somebody pasted in private, and every kind that is
 * no message. Never throws, whatever arrives.
 */
export function routeOf(bot: { id: number; username: string }, update: unknown): Route {
  const message = field(update, "message");
  if (message === undefined) {
    const about =
      field(update, "edited_message") ??
      field(update, "my_chat_member") ??
      field(field(update, "callback_query"), "message");
    return { lane: laneOf(bot.id, about), control: true };
  }
  return {
    lane: laneOf(bot.id, message),
    control:
      startsWithCommand(message, bot.username) ||
      isPastedToken(message) ||
      SERVICE.some((key) => field(message, key) !== undefined),
  };
}

/** The lane's name, also for places that are known otherwise. */
export function laneName(botId: number, chatId: number, threadId: number): string {
  return `${chatLanes(botId, chatId)}${threadId}`;
}

/** What the names of all lanes of a chat begin with. */
export function chatLanes(botId: number, chatId: number): string {
  return `${botId}:${chatId}:`;
}

/** The topic of a forum message, 0 for the General one; replies in ordinary groups carry a thread id that is none. */
export function threadOf(message: { is_topic_message?: unknown; message_thread_id?: unknown }): number {
  const { is_topic_message: isTopic, message_thread_id: thread } = message;
  return isTopic === true && typeof thread === "number" && thread !== GENERAL_TOPIC ? thread : 0;
}

function laneOf(botId: number, message: unknown): string {
  const chatId = field(field(message, "chat"), "id");
  if (typeof chatId !== "number" || typeof message !== "object" || message === null)
    return `${botId}:${NOWHERE}`;
  return laneName(botId, chatId, threadOf(message));
}

// What begins with another bot's command may still be a question to us, and waits its turn like any other.
function startsWithCommand(message: unknown, username: string): boolean {
  const [text, entities] = [field(message, "text"), field(message, "entities")];
  if (typeof text !== "string" || !Array.isArray(entities)) return false;
  if (field(message, "forward_origin") !== undefined) return false;
  const command = entities.find(
    (entity: unknown) => field(entity, "type") === "bot_command" && field(entity, "offset") === 0,
  );
  const length = field(command, "length");
  if (typeof length !== "number") return false;
  const [, addressee] = text.slice(0, length).split("@");
  return addressee === undefined || addressee.toLowerCase() === username.toLowerCase();
}

// A secret is taken from the chat at once, and must never be part of a question.
function isPastedToken(message: unknown): boolean {
  const text = field(message, "text");
  return (
    typeof text === "string" &&
    field(field(message, "chat"), "type") === "private" &&
    tokenOwner(text) !== null
  );
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
