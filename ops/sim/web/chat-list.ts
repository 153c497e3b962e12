import type { Chat, Message } from "./api.ts";
import { avatar } from "./avatar.ts";
import { snippetOf } from "./bubble.ts";
import { createRegion, el, icon, part } from "./dom.ts";
import { listTime } from "./moments.ts";
import { writeRoute } from "./route.ts";
import { actingPerson, chatsOf, isTyping, messagesIn, openChat, unreadKey } from "./state.ts";
import type { State } from "./state.ts";

type Row = {
  name: string;
  id: number;
  isBot: boolean;
  isTopic: boolean;
  title: string;
  preview: string;
  time: string;
  unread: number;
  isTyping: boolean;
  isOpen: boolean;
  href: string;
};

/** The chats of the acting person; the topics of a forum stand below it. */
export function createChatList(state: State) {
  const draw = createRegion(part("chat-list", HTMLElement));
  return {
    render(): void {
      const person = actingPerson(state);
      const rows = chatsOf(state, person).flatMap((chat) => [
        rowOf(state, { chat, thread: null, title: chat.title }),
        ...chat.topics.map((t) => rowOf(state, { chat, thread: t.threadId, title: t.name })),
      ]);
      draw(rows, () => rows.map(rowElement));
    },
  };
}

function rowOf(state: State, place: { chat: Chat; thread: number | null; title: string }): Row {
  const { chat, thread, title } = place;
  const person = actingPerson(state);
  const open = openChat(state);
  const last = messagesIn(state, chat, thread).at(-1);
  const typing = isTyping(state, chat, thread);
  return {
    name: thread === null ? `chat-${chat.id}` : `topic-${thread}`,
    id: chat.id,
    isBot: chat.kind === "private",
    isTopic: thread !== null,
    title,
    preview: typing ? "typing…" : previewOf(last, { chat, person: person.id }),
    time: last === undefined ? "" : listTime(last.date),
    unread: state.unread.get(unreadKey(person.id, { chat: chat.id, thread })) ?? 0,
    isTyping: typing,
    isOpen: state.route.tab !== "mail" && open?.chat.id === chat.id && open.thread === thread,
    href: writeRoute({ person: person.id, chat: chat.id, thread }),
  };
}

function previewOf(last: Message | undefined, viewer: { chat: Chat; person: number }): string {
  if (last === undefined) return viewer.chat.kind === "private" ? "Say hello" : "No messages yet";
  const words = snippetOf(last);
  if (last.service !== undefined) return words;
  if (last.fromId === viewer.person) return `You: ${words}`;
  return viewer.chat.kind === "private" ? words : `${last.fromName}: ${words}`;
}

function rowElement(row: Row): HTMLElement {
  const unread = row.unread > 0 ? el("span", { class: "count" }, String(row.unread)) : null;
  unread?.setAttribute("aria-label", `${row.unread} unread`);
  return el(
    "a",
    {
      class: row.isTopic ? "chat topic" : "chat",
      href: row.href,
      "data-testid": row.name,
      "aria-current": row.isOpen ? "page" : null,
    },
    row.isTopic ? icon("hash") : avatar({ id: row.id, name: row.title, isBot: row.isBot }),
    el("span", { class: "chat-title" }, row.title),
    el("span", { class: "chat-time" }, row.time),
    el("span", { class: row.isTyping ? "chat-preview typing" : "chat-preview" }, row.preview),
    unread,
  );
}
