import { createCallbacks } from "./callbacks.ts";
import { createCommandLists } from "./command-lists.ts";
import { createFaults } from "./faults.ts";
import { createFeed } from "./feed.ts";
import { createFiles } from "./files.ts";
import { createJournal } from "./journal.ts";
import { createLimits } from "./limits.ts";
import { simMessage } from "./message-view.ts";
import type { StoredMessage } from "./message.ts";
import { createMessages } from "./messages.ts";
import { createPoller } from "./poll.ts";
import { createRoster } from "./roster.ts";
import { openStore } from "./store.ts";
import { createUpdates } from "./updates.ts";

/** Everything that the simulated service is made of; the HTTP server and the people act through it. */
export type Telegram = ReturnType<typeof createTelegram>;

const BOT_FIRST_NAME = "BlockBot";

export function createTelegram(options: {
  statePath: string;
  token: string;
  botUsername: string;
  now: () => number;
  rateLimits: boolean;
}) {
  const { token, now } = options;
  const botId = Number(token.split(":")[0]);
  if (!Number.isSafeInteger(botId) || botId <= 0) {
    throw new Error('The simulated bot token must look like "123:secret"');
  }
  const store = openStore(options.statePath);
  const updates = createUpdates(store, now);
  const poller = createPoller(updates);
  const feed = createFeed();
  const roster = createRoster(store);
  const telegram = {
    botId,
    token,
    now,
    store,
    updates,
    poller,
    feed,
    roster,
    messages: createMessages(store, (chat) => roster.group(chat)?.traits.basic === true),
    files: createFiles(store, now),
    callbacks: createCallbacks(store, now),
    commandLists: createCommandLists(store),
    limits: createLimits({ now, enabled: options.rateLimits }),
    faults: createFaults(),
    journal: createJournal(),
    /** Aborted when the simulator stops. */
    closing: new AbortController(),
    bot() {
      const firstName = store.setting("name ") || BOT_FIRST_NAME;
      return { id: botId, username: options.botUsername, firstName };
    },
    /** Whether privacy mode is off: then the bot hears everything that is said in its groups. */
    hearsAll(): boolean {
      return store.setting("hears all") === "yes";
    },
    /** Unix seconds, as the API has dates. */
    date(): number {
      return Math.floor(now() / 1000);
    },
    /** Queues an update and wakes the waiting poll. */
    update(kind: string, content: unknown): void {
      updates.add(kind, content);
      poller.wake();
    },
    tellMessage(type: "message" | "edited", message: StoredMessage): void {
      feed.tell({ type, message: simMessage(telegram, message) });
    },
  };
  return telegram;
}
