/** Where a stored update belongs, told from the raw update before anything has checked it. */
export type Route = { readonly lane: string; readonly control: boolean };

const NOWHERE = "-";

/**
 * The lane is (bot, chat, topic). Control updates overtake: buttons, commands,
 * and every kind that is no message. Never throws, whatever arrives.
 */
export function routeOf(botId: number, update: unknown): Route {
  const message = field(update, "message");
  if (message === undefined) {
    const pressed = field(field(update, "callback_query"), "message");
    return { lane: laneOf(botId, pressed), control: true };
  }
  return { lane: laneOf(botId, message), control: startsWithCommand(message) };
}

/** The lane's name, also for places that are known otherwise. */
export function laneName(botId: number, chatId: number, threadId: number): string {
  return `${botId}:${chatId}:${threadId}`;
}

/** The topic of a forum message; replies in ordinary groups carry a thread id that is none. */
export function threadOf(message: { is_topic_message?: unknown; message_thread_id?: unknown }): number {
  return message.is_topic_message === true && typeof message.message_thread_id === "number"
    ? message.message_thread_id
    : 0;
}

function laneOf(botId: number, message: unknown): string {
  const chatId = field(field(message, "chat"), "id");
  if (typeof chatId !== "number" || typeof message !== "object" || message === null)
    return `${botId}:${NOWHERE}`;
  return laneName(botId, chatId, threadOf(message));
}

function startsWithCommand(message: unknown): boolean {
  const entities = field(message, "entities");
  if (!Array.isArray(entities)) return false;
  return entities.some(
    (entity: unknown) => field(entity, "type") === "bot_command" && field(entity, "offset") === 0,
  );
}

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
