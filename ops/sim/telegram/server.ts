import {
  addGroup,
  edit,
  type NewGroup,
  press,
  type Press,
  type Rewording,
  say,
  type Saying,
  sendFile,
  type Sending,
  setBlocked,
  setBotMember,
} from "./acts.ts";
import { answerApi } from "./api.ts";
import type { CallbackAnswer } from "./callbacks.ts";
import type { CommandList } from "./command-lists.ts";
import { answerControl } from "./control.ts";
import { answerDownload } from "./download.ts";
import type { Fault } from "./faults.ts";
import { groupActs } from "./group-acts.ts";
import type { Call, Violation } from "./journal.ts";
import { simMessage } from "./message-view.ts";
import type { SimMessage } from "./message.ts";
import type { Person } from "./roster.ts";
import { createTelegram, type Telegram } from "./telegram.ts";
import { type Topic, topicsOf } from "./topics.ts";
import { waitFor } from "./wait.ts";

type Answer = (request: Request) => Response | Promise<Response>;

export type TelegramSimOptions = {
  /** Default 127.0.0.1. */
  hostname?: string;
  /** 0, the default, takes a free port. */
  port?: number;
  /** A SQLite file, or ":memory:". */
  statePath: string;
  /** "<bot id>:<secret>" */
  token: string;
  botUsername: string;
  /** Milliseconds; drives dates, rate limits and the age of button presses, but not how long a poll waits. */
  clock?: () => number;
  /** Default true. */
  rateLimits?: boolean;
  /** Further servers by path prefix, for example "/sim/mail". */
  routes?: Record<string, Answer>;
  /** An HTML import, served at "/". */
  page?: unknown;
};

export type TelegramSim = Awaited<ReturnType<typeof createTelegramSim>>;

const BODY_BYTES_MAX = 64 * 1024 * 1024;
const WAIT_MS = 5000;

/**
 * Starts a strict stand-in for the Bot API. `url` is the API root for the bot;
 * the same server carries the control API of the chat page under "/sim".
 */
export async function createTelegramSim(options: TelegramSimOptions) {
  const { statePath, token, botUsername, clock = Date.now, rateLimits = true } = options;
  const telegram = createTelegram({ statePath, token, botUsername, now: clock, rateLimits });
  const server = serve(telegram, options);
  const { hostname = "127.0.0.1" } = options;
  return {
    url: `http://${hostname}:${server.port}`,
    get bot() {
      return telegram.bot();
    },
    ...people(telegram),
    ...observations(telegram),
    ...troubles(telegram),
    /** Closes the connections, waiting polls and the state. */
    async stop(): Promise<void> {
      telegram.closing.abort();
      telegram.poller.stop();
      await server.stop(true);
      telegram.store.close();
    },
  };
}

function people(telegram: Telegram) {
  return {
    /** Does nothing for a known id. */
    addPerson(person: Person): void {
      if (telegram.roster.addPerson(person)) telegram.feed.tell({ type: "chats" });
    },
    /** A supergroup (negative id). Topics make it a forum. The bot is told nothing; does nothing for a known id. */
    addGroup: (group: NewGroup): void => addGroup(telegram, group),
    topics: (chat: number): Topic[] => topicsOf(telegram, chat),
    /** Returns the message id; `chat` defaults to the private chat. */
    say: (saying: Saying): number => say(telegram, saying),
    sendFile: (sending: Sending): number => sendFile(telegram, sending),
    edit: (change: Rewording): void => edit(telegram, change),
    /** Returns the callback query's id; throws when the message has no such button. */
    press: (button: Press): string => press(telegram, button),
    setBlocked: (person: number, blocked: boolean): void => setBlocked(telegram, person, blocked),
    /** The person's account is gone: sends to it fail with 403. */
    setDeactivated(person: number, deactivated: boolean): void {
      telegram.roster.mark(person, "deactivated", deactivated);
    },
    setBotMember: (chat: number, member: boolean): void => setBotMember(telegram, chat, member),
    ...groupActs(telegram),
  };
}

function observations(telegram: Telegram) {
  const { journal } = telegram;
  return {
    /** Oldest first, with edits in place; without `thread` those of all topics. */
    messages(chat: number, thread?: number): SimMessage[] {
      const all = telegram.messages.inChat(chat).map((message) => simMessage(telegram, message));
      return thread === undefined ? all : all.filter((message) => message.thread === thread);
    },
    callbackAnswer: (id: string): CallbackAnswer | null => telegram.callbacks.answerTo(id),
    commands: (): CommandList[] => telegram.commandLists.all(),
    /** Calls in the order of their answers; a call still waiting is not among them. */
    calls: journal.calls as readonly Call[],
    /** Calls that were rejected because the caller was wrong. */
    violations: journal.violations as readonly Violation[],
    /** Not yet confirmed by an offset. */
    pendingUpdates: (): number => telegram.updates.pending(),
    waitFor<T>(what: () => T | undefined | null | false, timeoutMs = WAIT_MS): Promise<T> {
      return waitFor(telegram, what, timeoutMs);
    },
  };
}

function troubles(telegram: Telegram) {
  return {
    /** A raw update whatever the bot asked for; returns its id. */
    inject(update: Record<string, unknown>): number {
      const id = telegram.updates.addRaw(update);
      telegram.poller.wake();
      return id;
    },
    /** The next update is delivered twice under one id. */
    duplicateNextUpdate: (): void => telegram.updates.duplicateNext(),
    /** May be negative, as after a week without updates. */
    jumpUpdateId: (by: number): void => telegram.updates.jump(by),
    fault: (fault: Fault): void => telegram.faults.add(fault),
    clearFaults: (): void => telegram.faults.clear(),
    /** Every send and edit answers 429. */
    setFlood(on: boolean): void {
      telegram.limits.setFlood(on);
      telegram.feed.tell({ type: "chats" });
    },
  };
}

function serve(
  telegram: Telegram,
  { hostname = "127.0.0.1", port = 0, routes = {}, page }: TelegramSimOptions,
) {
  const answers = Object.entries(routes).sort(([a], [b]) => b.length - a.length);
  return Bun.serve({
    hostname,
    port,
    // A poll may wait for 50 seconds and an event stream for ever.
    idleTimeout: 0,
    maxRequestBodySize: BODY_BYTES_MAX,
    development: false,
    reusePort: false, // `development: false` would share a taken port without a word
    routes: { "/": (page as Bun.HTMLBundle | undefined) ?? nothing }, // safe: the option takes an HTML import
    async fetch(request, server) {
      const hosts = ["127.0.0.1", "localhost", hostname].map((name) => `${name}:${server.port}`);
      if (isForeign(request, hosts))
        return Response.json({ error: "This is not for other sites." }, { status: 403 });
      const { pathname } = new URL(request.url);
      const mounted = answers.find(([prefix]) => pathname === prefix || pathname.startsWith(`${prefix}/`));
      if (mounted) return mounted[1](request);
      if (pathname.startsWith("/sim/")) return answerControl(telegram, request);
      if (pathname.startsWith("/file/")) return answerDownload(telegram, request);
      return answerApi(telegram, request);
    },
  });
}

function nothing(): Response {
  return new Response("Not Found", { status: 404 });
}

/** A page of another site, or one that reached this server under another name. */
function isForeign(request: Request, hosts: readonly string[]): boolean {
  const origin = request.headers.get("origin");
  const host = request.headers.get("host") ?? "";
  return !hosts.includes(host) || (origin !== null && !hosts.some((own) => origin === `http://${own}`));
}
