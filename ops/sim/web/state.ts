import type { Bot, Chat, ClaudeModes, Mail, Message, Person, World } from "./api.ts";
import type { Route } from "./route.ts";

/** How long a "typing" note stays, as in the real clients. */
export const TYPING_MS = 5500;

export type State = {
  world: World;
  route: Route;
  messages: Map<number, Message[]>;
  unread: Map<string, number>;
  typing: Map<string, number>;
  pressed: Set<string>;
  /** The code of a start link that is open: whoever is acting may press START on it. */
  startCode: string | null;
  claude: ClaudeModes | null;
  mails: Mail[] | null;
  mailsSeen: Set<string>;
  isNarrow: boolean;
};
export type Store = ReturnType<typeof createStore>;
/** The conversation on the screen: a private chat, a group or one topic of a forum. */
export type OpenChat = { chat: Chat; thread: number | null; person: Person };

/** Holds what the page shows. Every `change` redraws once, after the running code has ended. */
export function createStore(state: State) {
  const listeners: (() => void)[] = [];
  let isQueued = false;
  const notify = (): void => {
    isQueued = false;
    for (const listener of listeners) listener();
  };
  return {
    state,
    change(edit: (state: State) => void): void {
      edit(state);
      if (!isQueued) queueMicrotask(notify);
      isQueued = true;
    },
    onChange(listener: () => void): void {
      listeners.push(listener);
    },
  };
}

/** The person acting in this tab: the one in the address, else the first one of the world. */
export function actingPerson(state: State): Person {
  const { people } = state.world;
  const person = people.find((p) => p.id === state.route.person) ?? people[0];
  if (person === undefined) throw new Error("This world has no people in it yet");
  return person;
}

/** The chats this person has, the private chat with the bot first (even when it is still empty). */
export function chatsOf(state: State, person: Person): Chat[] {
  const groups = state.world.chats.filter((c) => c.kind !== "private" && c.members.includes(person.id));
  return [privateChat(state.world.bot, person), ...groups];
}

/** What is open, or null when the narrow layout shows its list. */
export function openChat(state: State): OpenChat | null {
  const person = actingPerson(state);
  const { chat: id, thread } = state.route;
  const chats = chatsOf(state, person);
  const chat = chats.find((c) => c.id === id) ?? (state.isNarrow ? undefined : chats[0]);
  if (chat === undefined) return null;
  return { chat, thread: chat.kind === "forum" && chat.id === id ? thread : null, person };
}

/** Messages of a chat; with a thread, of that topic (null is a forum's General topic), oldest first. */
export function messagesIn(state: State, chat: Chat, thread: number | null): Message[] {
  const all = state.messages.get(chat.id) ?? [];
  return chat.kind === "forum" ? all.filter((m) => m.thread === thread) : all;
}

export const unreadKey = (person: number, message: Pick<Message, "chat" | "thread">): string =>
  `${person}/${message.chat}/${message.thread ?? ""}`;

/** All that this person has not read, over all chats. */
export function unreadOf(state: State, person: number): number {
  let sum = 0;
  for (const [key, count] of state.unread) if (key.startsWith(`${person}/`)) sum += count;
  return sum;
}

export function setTyping(state: State, place: { chat: number; thread: number | null }): void {
  state.typing.set(typingKey(place), Date.now() + TYPING_MS);
}

export function isTyping(state: State, chat: Chat, thread: number | null): boolean {
  return (state.typing.get(typingKey({ chat: chat.id, thread })) ?? 0) > Date.now();
}

/** Puts a message in its place; returns whether it is a new one. */
export function upsertMessage(state: State, message: Message): boolean {
  const known = state.messages.get(message.chat) ?? [];
  const others = known.filter((m) => m.messageId !== message.messageId);
  const sorted = [...others, message].toSorted((a, b) => a.messageId - b.messageId);
  state.messages.set(message.chat, sorted);
  if (message.fromBot) state.typing.delete(typingKey(message));
  return others.length === known.length;
}

export function removeMessage(state: State, chat: number, messageId: number): void {
  const known = state.messages.get(chat) ?? [];
  state.messages.set(
    chat,
    known.filter((m) => m.messageId !== messageId),
  );
}

function typingKey(place: { chat: number; thread: number | null }): string {
  return `${place.chat}/${place.thread ?? ""}`;
}

function privateChat(bot: Bot, person: Person): Chat {
  return { id: person.id, kind: "private", title: bot.firstName, members: [person.id], topics: [] };
}
