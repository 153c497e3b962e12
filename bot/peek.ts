import type { Api } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";
import type { App } from "../core/app.ts";
import type { WaitingChat } from "../core/database-outage.ts";
import { languageOf } from "../core/text/text.ts";
import { addressedTo } from "./addressing.ts";
import { failureOf, POLL_SECONDS } from "./client.ts";
import { threadOf } from "./route.ts";

const PAUSE_MS = 5_000;
const BATCH_MAX = 100;
/** The first refusal may be about a poll of ours that Telegram still thinks open; the next means that another process serves the bot. */
const CONFLICTS_MAX = 2;

/**
 * Looks at what waits at Telegram without confirming any of it, for as long as
 * nothing can be stored: who polls afterwards gets all of it. Without an offset
 * Telegram shows the oldest hundred updates, again and again.
 */
export function createPeek(options: {
  app: App;
  /** For polls. */
  api: Api;
  me: UserFromGetMe;
  onWritten: (where: WaitingChat) => Promise<void>;
}) {
  const { app, api, me } = options;
  let running: { stopping: AbortController; done: Promise<void> } | null = null;

  async function run(signal: AbortSignal): Promise<void> {
    for (let conflicts = 0; !signal.aborted && conflicts < CONFLICTS_MAX;) {
      try {
        const request = { limit: BATCH_MAX, timeout: POLL_SECONDS };
        // safe: grammY names a polyfill's type, and only listens for the abort
        const updates = await api.getUpdates(request, signal as unknown as Parameters<Api["getUpdates"]>[1]);
        for (const update of updates) {
          const where = whereWritten(update, me);
          if (where !== null && !signal.aborted) await options.onWritten(where);
        }
        if (updates.length > 0) await app.clock.sleep(PAUSE_MS, signal);
      } catch (err) {
        if (signal.aborted) return;
        const failure = failureOf(err);
        if (failure.kind === "conflict") conflicts += 1;
        app.log.warn({ failure: failure.kind }, "what waits at Telegram could not be looked at");
        const waitMs = failure.kind === "retry_after" ? failure.seconds * 1_000 : PAUSE_MS;
        await app.clock.sleep(waitMs, signal);
      }
    }
  }

  return {
    /** Once until it is stopped, also when another process was met meanwhile. */
    start(): void {
      if (running !== null) return;
      const stopping = new AbortController();
      running = { stopping, done: run(stopping.signal) };
    },
    /** Resolves when no poll of ours is open any more. */
    async stop(): Promise<void> {
      running?.stopping.abort();
      await running?.done;
      running = null;
    },
  };
}

// Who is a member cannot be known now, so whoever writes in private is answered, and in groups whoever speaks to us.
function whereWritten({ message, callback_query: press }: Update, me: UserFromGetMe): WaitingChat | null {
  const about = message ?? press?.message;
  const from = message?.from ?? press?.from;
  if (about === undefined || from === undefined || from.is_bot) return null;
  if (message !== undefined && message.chat.type !== "private" && !addressedTo(message, me)) return null;
  const threadId = threadOf(about);
  return { chatId: about.chat.id, threadId, locale: languageOf(from.language_code) };
}
