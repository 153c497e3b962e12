import { sql } from "drizzle-orm";
import type { UserFromGetMe } from "grammy/types";
import { createApp, type App } from "../core/app.ts";
import type { Clock } from "../core/clock.ts";
import { createLog } from "../core/log.ts";
import { takeLease } from "../core/pipeline/lease.ts";
import { enqueue, type OutboxItem, type OutgoingMessage } from "../core/pipeline/outbox.ts";
import type { Scope } from "../core/scope.ts";
import { testSettings } from "../core/test-app.ts";
import { createSql } from "../db/client.ts";
import { createTestDatabase } from "../db/test-db.ts";
import { inSystem } from "../db/tenant.ts";
import { ANN, startSim } from "../ops/sim/telegram/test-sim.ts";
import { TELEGRAM_ALLOWANCES } from "./budget.ts";
import { createApi } from "./client.ts";
import type { Front } from "./context.ts";
import { createDownloads } from "./downloads.ts";
import { createLanes } from "./lanes.ts";
import { createSender } from "./sender.ts";
import { createSlots } from "./slots.ts";

const STARTED_AT = 1_800_000_000_000;
/** Who gets what the operator is told. */
const OPERATOR = 4242;
const BOT = { id: 7001, is_bot: true as const, first_name: "Bot", username: "blockbot_test_bot" };

type OutboxState = {
  text: string | null;
  kind: string;
  state: string;
  error: string | null;
  maybeSent: number;
  messageId: number | null;
};

/** A clock on which every wait is over at once and moves the time: `slept` are the waits in their order. */
export function createSkippingClock() {
  let now = STARTED_AT;
  const slept: number[] = [];
  return {
    slept: slept as readonly number[],
    now: () => now,
    async sleep(ms: number): Promise<void> {
      if (ms > 0) slept.push(ms);
      now += Math.max(0, ms);
      await new Promise((resolve) => setImmediate(resolve)); // a loop that only waits must not lock out the rest
    },
  };
}

/**
 * One bot's side on a database of its own and on the simulated Telegram, where
 * Ann has written to the bot. `isHeld` says whether its process may still speak.
 */
export async function startFront(clock: Clock, isHeld: () => boolean = () => true) {
  const database = await createTestDatabase();
  const telegram = await startSim({ clock: clock.now, rateLimits: false });
  await telegram.meetAnn();
  const { app, lines } = loggedApp(database.databaseUrl, clock);
  const settings = { token: telegram.token, apiRoot: telegram.sim.url };
  let keys = 0;
  const front = await frontOf(app, settings, isHeld);
  return {
    ...telegram,
    ...outboxOf(app),
    front,
    settings,
    lines,
    scope: scopeOfAnn(app),
    /** Something to say to Ann, unless told otherwise. */
    item: (
      kind: OutboxItem["kind"],
      message: OutgoingMessage,
      more: Partial<OutboxItem> = {},
    ): OutboxItem => ({
      botId: BOT.id,
      chatId: ANN,
      threadId: 0,
      kind,
      message,
      key: `item:${(keys += 1)}`,
      ...more,
    }),
    /** Runs one statement as the database's superuser, for what a test breaks. */
    async asAdmin(statement: string): Promise<void> {
      const admin = createSql(database.adminUrl, { max: 1 });
      await admin.unsafe(statement);
      await admin.end();
    },
    /** The texts that the bot has shown in a chat, oldest first. */
    shown: (chat: number = ANN): string[] =>
      telegram.sim.messages(chat).flatMap((message) => (message.fromBot ? [message.text] : [])),
    async [Symbol.asyncDispose](): Promise<void> {
      await telegram.sim.stop();
      await app.close();
      await database.drop();
    },
  };
}

function loggedApp(databaseUrl: string, clock: Clock) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const app = createApp(
    { ...testSettings(databaseUrl), operatorChatIds: [OPERATOR] },
    {
      clock,
      log: createLog({ level: "debug", destination }),
    },
  );
  return { app, lines: lines as readonly Record<string, unknown>[] };
}

async function frontOf(
  app: App,
  settings: { token: string; apiRoot: string },
  isHeld: () => boolean,
): Promise<Front> {
  const lease = await takeLease(app, BOT);
  if ("heldBy" in lease) throw new Error("a new database has a free lease");
  const api = createApi(settings, "send");
  return {
    app,
    api,
    me: BOT as unknown as UserFromGetMe, // safe: the rest of it is read nowhere
    lease,
    sender: createSender({ app, api, lease, allowances: TELEGRAM_ALLOWANCES, isHeld }),
    lanes: createLanes({ step: async () => false, log: app.log }),
    fetchFile: createDownloads({ ...settings, api, log: app.log }),
    withFileSlot: createSlots(1),
  };
}

function scopeOfAnn(app: App) {
  const [orgId, userId, accountId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  return {
    app,
    orgId,
    team: "Ann's team",
    actor: { type: "user", userId, accountId, role: "owner", name: "Ann" },
    correlationId: "abcdefghjk",
    locale: "en",
    timeZone: "UTC",
    log: app.log,
  } satisfies Scope;
}

function outboxOf(app: App) {
  return {
    /** Puts items into the outbox, without delivering them. */
    owe: (...items: OutboxItem[]): Promise<void> => inSystem(app, (tx) => enqueue(tx, items)),
    /** What stands in the outbox, oldest first. */
    async outbox(): Promise<OutboxState[]> {
      const rows = await inSystem(app, (tx) =>
        tx.execute<
          Omit<OutboxState, "maybeSent" | "messageId"> & { maybe_sent: number; message_id: string | null }
        >(
          sql`SELECT payload->>'text' AS text, kind, state, error, maybe_sent, message_id FROM pipeline.outbox ORDER BY id`,
        ),
      );
      return rows.map(({ message_id: id, maybe_sent: maybeSent, ...row }) => ({
        ...row,
        maybeSent,
        messageId: id === null ? null : Number(id),
      }));
    },
    /** Lets every backoff in the outbox be over. */
    async makeDue(): Promise<void> {
      await inSystem(app, (tx) => tx.execute(sql`UPDATE pipeline.outbox SET next_at = now()`));
    },
  };
}
