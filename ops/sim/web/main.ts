import { fetchMessages, fetchWorld } from "./api.ts";
import type { Message, MessageButton, SimEvent } from "./api.ts";
import { createChatHeader } from "./chat-header.ts";
import { createChatList } from "./chat-list.ts";
import { createComposer } from "./composer.ts";
import { createConversationLog } from "./conversation-log.ts";
import { part } from "./dom.ts";
import { followEvents } from "./events.ts";
import { botLink, safeHref } from "./links.ts";
import { createMailbox, openMail } from "./mailbox.ts";
import { createNotices } from "./notices.ts";
import { createOutgoing } from "./outgoing.ts";
import { createPanel } from "./panel.ts";
import { createPeople } from "./people.ts";
import { createPresses } from "./presses.ts";
import { readRoute, takeStartCode, writeRoute } from "./route.ts";
import { createScrollKeeper } from "./scroll.ts";
import { createStartBar } from "./start-bar.ts";
import { actingPerson, chatsOf, createStore, messagesIn, openChat, removeMessage } from "./state.ts";
import { setTyping, TYPING_MS, unreadKey, upsertMessage } from "./state.ts";
import { createTabs } from "./tabs.ts";

/** Below this width the page is one column. The style sheets say the same number. */
const NARROW = matchMedia("(max-width: 760px)");
const OWNER_NAME = "Alice";
const READS_MAX = 5;

const store = createStore({
  world: {
    bot: { id: 0, username: "", firstName: "" },
    people: [],
    chats: [],
    commands: [],
    groupCommands: [],
    flood: false,
  },
  route: readRoute(location.hash),
  messages: new Map(),
  unread: new Map(),
  typing: new Map(),
  pressed: new Set(),
  startCode: null,
  claude: null,
  mails: null,
  mailsSeen: new Set(),
  isNarrow: NARROW.matches,
});
const { state } = store;
let eventsSeen = 0;
const linkCode = takeStartCode();
const notices = createNotices();
const scroll = createScrollKeeper();
const outgoing = createOutgoing(state, { notices, sent: scroll.toEnd });
const composer = createComposer(state, { notices, outgoing });
const presses = createPresses(store, notices);
const panel = createPanel(store, notices);
const mailbox = createMailbox(store, notices);
const log = createConversationLog(state, {
  scroll,
  actions: {
    get botUsername() {
      return state.world.bot.username;
    },
    sendCommand: (command) => outgoing.sendCommand(command),
    startBot,
    reply: composer.reply,
    edit: composer.edit,
    press,
    show: (messageId) => log.show(messageId),
  },
});
const startBar = createStartBar(store, { notices, outgoing });
const views = [
  createPeople(state),
  createChatList(state),
  createTabs(state),
  createChatHeader(state),
  log,
  composer,
  startBar,
  mailbox,
  panel,
];

store.onChange(() => {
  if (state.world.people.length === 0) return;
  markRead();
  for (const view of views) view.render();
});
window.addEventListener("hashchange", () => showRoute(location.hash));
document.addEventListener("click", (event) => {
  const link =
    event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="#"]') : null;
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  // The address changes only after this event: whoever types on at once must type into the new chat.
  if (link !== null && isPlain && !event.defaultPrevented) showRoute(link.hash);
});
NARROW.addEventListener("change", () => store.change(() => (state.isNarrow = NARROW.matches)));
document.addEventListener("visibilitychange", () => store.change(markRead));
followEvents({
  opened: () => void notices.attempt(load()),
  lost: () => showConnection(false),
  happened,
});

function showRoute(hash: string): void {
  store.change(() => (state.route = readRoute(hash)));
}

function openPrivateChat(person: number): void {
  const hash = writeRoute({ person, chat: person });
  location.hash = hash;
  showRoute(hash);
}

/** Reads everything anew: at the start, and after a break in which events were missed. */
async function load(): Promise<void> {
  showConnection(true);
  const isFirst = state.world.people.length === 0;
  const world = await fetchWorld();
  store.change(() => (state.world = world));
  if (isFirst && world.people.length > 0) {
    openStartLink();
    void mailbox.follow();
  }
  await Promise.all([panel.load(), ...world.people.map((person) => loadChats(person.id))]);
}

async function loadChats(personId: number): Promise<void> {
  const person = state.world.people.find((p) => p.id === personId);
  if (person === undefined) return;
  for (const chat of chatsOf(state, person)) {
    if (chat.kind !== "private" && chat.members[0] !== personId) continue;
    const messages = await settledMessages(chat.id, personId);
    store.change(() => state.messages.set(chat.id, messages));
  }
}

/** Reads a chat again when something happened meanwhile: an event must not be undone by an older answer. */
async function settledMessages(chat: number, person: number): Promise<Message[]> {
  for (let tries = 1; ; tries += 1) {
    const before = eventsSeen;
    const messages = await fetchMessages(chat, person);
    if (before === eventsSeen || tries === READS_MAX) return messages;
  }
}

function openStartLink(): void {
  if (linkCode === null) return;
  const { people } = state.world;
  const owner = people.find((p) => p.firstName === OWNER_NAME) ?? people[0];
  if (owner === undefined) return;
  store.change(() => (state.startCode = linkCode));
  openPrivateChat(owner.id);
}

function startBot(code: string | null): void {
  if (code !== null) store.change(() => (state.startCode = code));
  openPrivateChat(actingPerson(state).id);
}

function press(message: Message, button: MessageButton): void {
  const { url } = button;
  if (url === undefined) return presses.press(message, button);
  const start = botLink(url, state.world.bot.username);
  const href = safeHref(url);
  if (start !== null) startBot(start.code);
  else if (href !== null) window.open(href, "_blank", "noopener,noreferrer");
}

function happened(event: SimEvent): void {
  eventsSeen += 1;
  switch (event.type) {
    case "message":
    case "edited":
      return store.change(() => arrived(event.message));
    case "deleted":
      return store.change(() => removeMessage(state, event.chat, event.messageId));
    case "typing":
      setTimeout(() => store.change(() => undefined), TYPING_MS);
      return store.change(() => setTyping(state, event));
    case "callback":
      return presses.answered(event);
    case "commands":
    case "chats":
      void notices.attempt(load());
  }
}

function arrived(message: Message): void {
  if (!upsertMessage(state, message)) return;
  const open = openChat(state);
  const isHere = open !== null && messagesIn(state, open.chat, open.thread).includes(message);
  if (isHere && message.fromId !== open.person.id) scroll.arrived();
  for (const person of state.world.people) {
    const isTold = chatsOf(state, person).some((chat) => chat.id === message.chat);
    const key = unreadKey(person.id, message);
    if (isTold && person.id !== message.fromId) state.unread.set(key, (state.unread.get(key) ?? 0) + 1);
  }
}

function markRead(): void {
  if (document.hidden) return;
  const mail = openMail(state);
  if (mail !== null) state.mailsSeen.add(mail.id);
  const open = openChat(state);
  if (open === null || state.route.tab === "mail") return;
  state.unread.delete(unreadKey(open.person.id, { chat: open.chat.id, thread: open.thread }));
}

function showConnection(isConnected: boolean): void {
  part("connection", HTMLElement).hidden = isConnected;
}
