import type { UserFromGetMe } from "grammy/types";
import { healthRecipients, type HealthRecipient } from "../core/accounts/health-alerts.ts";
import type { Recipient } from "../core/alerts.ts";
import type { App } from "../core/app.ts";
import { ALERT_BOUNDS } from "../core/claude/outages.ts";
import { sayDatabaseIsBack, type WaitingChat } from "../core/database-outage.ts";
import { sentence } from "../core/text/text.ts";
import { createCalls, wasNotSent, type Spot } from "./calls.ts";
import { createApi, failureOf } from "./client.ts";
import { createPeek } from "./peek.ts";

/** How often Postgres is asked, and when people are told; milliseconds. */
export type DatabaseBounds = {
  readonly everyMs: number;
  /** What takes longer is no answer. */
  readonly answerMs: number;
  /** What is over within this time was a blip, and nobody is told. */
  readonly blipMs: number;
  /** Owners are told at most so often. */
  readonly repeatMs: number;
};

const DATABASE_BOUNDS: DatabaseBounds = {
  everyMs: 2_000,
  answerMs: 2_000,
  blipMs: ALERT_BOUNDS.blipMs,
  repeatMs: ALERT_BOUNDS.repeatMs,
};

type Outage = {
  readonly since: number;
  /** Null until they may be told. */
  owed: Map<number, Recipient> | null;
  readonly told: Map<number, Recipient>;
  readonly chats: Map<number, WaitingChat>;
};

/**
 * Watches over Postgres from the process that has the bot, beside its tenures,
 * which end without Postgres. In an outage it tells the owners once and each
 * chat that writes once, past the outbox, which is in Postgres: nothing else
 * ever goes that way. That it is over goes through the outbox again.
 */
export function createDatabaseWatch(
  app: App,
  settings: { token: string; apiRoot: string; database?: Partial<DatabaseBounds> },
  me: UserFromGetMe,
) {
  const bounds = { ...DATABASE_BOUNDS, ...settings.database };
  const probe = createProbe(app, bounds.answerMs);
  const tellAt = createVoice(app, settings);
  const peek = createPeek({ app, api: createApi(settings, "poll"), me, onWritten: tellChat });
  let serves = false;
  let isOurs = false; // whether this process had the bot when Postgres was last there
  let outage: Outage | null = null;
  let ending: Promise<void> | null = null;
  let telling: Promise<void> = Promise.resolve();
  let toldAt = -Infinity;

  async function goOn(): Promise<void> {
    const now = app.clock.now();
    if (outage === null) app.log.warn("Postgres is away");
    outage ??= { since: now, owed: null, told: new Map(), chats: new Map() };
    if (!isOurs || now - outage.since < bounds.blipMs) return;
    if (outage.owed === null && now - toldAt >= bounds.repeatMs) {
      toldAt = now;
      outage.owed = new Map(probe.recipients().map((recipient) => [recipient.chatId, recipient]));
    }
    // A tenure polls by itself, and ends soon.
    if (!serves) peek.start();
    telling = tellOwed(outage, tellAt, () => ending !== null);
    await telling;
  }

  async function tellChat(where: WaitingChat): Promise<void> {
    const current = outage;
    if (current === null || current.chats.has(where.chatId) || current.told.has(where.chatId)) return;
    if (await tellAt(where, sentence(where.locale, "away"))) current.chats.set(where.chatId, where);
  }

  /** Ends the outage, if there is one: no poll of ours is open afterwards. Never throws: what fails is tried at the next look. */
  function end(): Promise<void> {
    ending ??= endNow()
      .catch((err: unknown) => app.log.warn({ err }, "that Postgres is back could not be told yet"))
      .finally(() => {
        ending = null;
      });
    return ending;
  }

  async function endNow(): Promise<void> {
    await peek.stop();
    await telling;
    if (outage === null) return;
    await sayItIsOver(app, me.id, outage);
    outage = null;
  }

  return {
    /** Looks until `signal`. */
    async keep(signal: AbortSignal): Promise<void> {
      for (; !signal.aborted; await app.clock.sleep(bounds.everyMs, signal)) {
        if (await probe.answers()) {
          isOurs = serves;
          await end();
        } else await goOn();
      }
      await peek.stop();
    },
    /** This process has taken the lease, so Postgres is there, and is about to poll. */
    async taken(): Promise<void> {
      serves = true;
      isOurs = true;
      await end();
    },
    /** The tenure has ended. */
    left(): void {
      serves = false;
    },
  };
}

export type DatabaseWatch = ReturnType<typeof createDatabaseWatch>;

/** Tells who is owed it. When the outage ends meanwhile, those who have heard of it by then hear of that as well. */
async function tellOwed({ owed, told }: Outage, tellAt: Voice, isEnding: () => boolean): Promise<void> {
  for (const [chatId, recipient] of owed ?? []) {
    if (isEnding()) return;
    const text = sentence(recipient.locale, "alert_part_down", { part: "database", count: 0 });
    if (!(await tellAt({ chatId, threadId: 0 }, text))) continue; // again at the next look
    owed?.delete(chatId);
    told.set(chatId, recipient);
  }
}

async function sayItIsOver(app: App, botId: number, { since, told, chats }: Outage): Promise<void> {
  const waiting = [...chats.values()].filter(({ chatId }) => !told.has(chatId));
  const over = { since, told: [...told.values()], chats: waiting };
  if (told.size + chats.size > 0) await sayDatabaseIsBack(app, botId, over);
  app.log.warn({ ms: app.clock.now() - since, owners: told.size, chats: chats.size }, "Postgres is back");
}

/** Whether Postgres answers in time, and who is to hear when it does not. One that hangs is not asked again before it has answered. */
function createProbe(app: App, answerMs: number) {
  let recipients: readonly HealthRecipient[] = [];
  let asking: Promise<boolean> | null = null;

  async function ask(): Promise<boolean> {
    try {
      recipients = await healthRecipients(app);
      return true;
    } catch (err) {
      app.log.debug({ err }, "Postgres does not answer");
      return false;
    }
  }

  return {
    async answers(): Promise<boolean> {
      asking ??= ask().finally(() => {
        asking = null;
      });
      const answered = new AbortController();
      const late = app.clock.sleep(answerMs, answered.signal).then(() => false);
      return Promise.race([asking, late]).finally(() => answered.abort());
    },
    recipients: () => recipients,
  };
}

/** Sends past the outbox. False when it was certainly not sent. */
function createVoice(app: App, settings: { token: string; apiRoot: string }) {
  const calls = createCalls(createApi(settings, "send"));
  let pausedUntil = -Infinity;

  return async (spot: Spot, text: string): Promise<boolean> => {
    if (app.clock.now() < pausedUntil) return false;
    try {
      await calls.send(spot, { text });
      return true;
    } catch (err) {
      const failure = failureOf(err);
      if (failure.kind === "retry_after") pausedUntil = app.clock.now() + failure.seconds * 1_000;
      app.log.warn({ failure: failure.kind }, "that Postgres is away could not be told");
      return !wasNotSent(failure);
    }
  };
}

type Voice = ReturnType<typeof createVoice>;
