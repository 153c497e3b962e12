import { startCode } from "./links.ts";

/** What the address of the page says: who is acting and what is open. */
export type Route = {
  person: number | null;
  tab: "chats" | "mail" | "hard";
  chat: number | null;
  thread: number | null;
  mail: string | null;
};

const EMPTY: Route = { person: null, tab: "chats", chat: null, thread: null, mail: null };

/** Reads the hash of the page, such as `#as=7&chat=-100&thread=3`; unknown parts are ignored. */
export function readRoute(hash: string): Route {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const tab = parts.get("tab");
  return {
    person: integerIn(parts.get("as")),
    tab: tab === "mail" || tab === "hard" ? tab : "chats",
    chat: integerIn(parts.get("chat")),
    thread: integerIn(parts.get("thread")),
    mail: parts.get("mail"),
  };
}

/** The hash that `readRoute` reads back as this route. */
export function writeRoute(route: Partial<Route>): string {
  const { person, tab, chat, thread, mail } = { ...EMPTY, ...route };
  const parts = new URLSearchParams();
  if (person !== null) parts.set("as", String(person));
  if (tab !== "chats") parts.set("tab", tab);
  if (chat !== null) parts.set("chat", String(chat));
  if (thread !== null) parts.set("thread", String(thread));
  if (mail !== null) parts.set("mail", mail);
  return `#${parts.toString()}`;
}

/** The start code in the page's query (`?start=CODE`), taken out of the address so that a reload forgets it. */
export function takeStartCode(): string | null {
  const query = new URLSearchParams(location.search);
  const code = startCode(query.get("start"));
  if (query.has("start")) history.replaceState(null, "", location.pathname + location.hash);
  return code;
}

function integerIn(text: string | null): number | null {
  return text !== null && /^-?\d{1,16}$/.test(text) ? Number(text) : null;
}
