import { tooManyRequests } from "./api-error.ts";

type Effect = "send" | "edit";

type Bucket = { tokens: number; at: number };

const CHAT_PER_SECOND = 1;
const CHAT_BURST = 4;
const GROUP_PER_WINDOW = 20;
const GROUP_WINDOW_MS = 60_000;
/** Over all chats that have not written lately. */
const QUIET_PER_SECOND = 30;
const QUIET_AFTER_MS = 10 * 60_000;
const FLOOD_RETRY_SECONDS = 3;

/**
 * The limits of the service: one message or edit a second in a chat with a small
 * burst, 20 sends and 20 edits a minute in a group, 30 sends a second to chats
 * that did not write lately. A refused call starts a pause in which every
 * further one is refused too.
 */
export function createLimits({ now, enabled }: { now: () => number; enabled: boolean }) {
  const buckets = new Map<string, Bucket>();
  const windows = new Map<string, number[]>();
  const pausedUntil = new Map<string, number>();
  const heardAt = new Map<number, number>();
  const wroteAt = new Map<number, number>();
  let flood = false;

  /** Takes one token; returns how long to wait, in ms, when there is none. */
  function take(key: string, perSecond: number, burst: number): number {
    const at = now();
    const bucket = buckets.get(key) ?? { tokens: burst, at };
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at });
    return tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000;
  }

  function takeInWindow(key: string): number {
    const at = now();
    const recent = (windows.get(key) ?? []).filter((time) => time > at - GROUP_WINDOW_MS);
    const oldest = recent[0];
    const full = recent.length >= GROUP_PER_WINDOW && oldest !== undefined;
    windows.set(key, full ? recent : [...recent, at]);
    return full ? oldest + GROUP_WINDOW_MS - at : 0;
  }

  function checkPause(key: string): void {
    const leftMs = (pausedUntil.get(key) ?? 0) - now();
    if (leftMs > 0) throw tooManyRequests(Math.ceil(leftMs / 1000));
  }

  function pauseIf(key: string, waitMs: number): void {
    if (waitMs <= 0) return;
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    pausedUntil.set(key, now() + seconds * 1000);
    throw tooManyRequests(seconds);
  }

  return {
    /** Counts one send or edit; throws 429 with the seconds to wait when it is one too many. */
    spend(chat: number, effect: Effect): void {
      if (flood) throw tooManyRequests(FLOOD_RETRY_SECONDS);
      if (!enabled) return;
      const perEffect = `${chat} ${effect}`;
      checkPause(String(chat));
      checkPause(perEffect);
      pauseIf(String(chat), take(String(chat), CHAT_PER_SECOND, CHAT_BURST));
      if (chat < 0) pauseIf(perEffect, takeInWindow(perEffect));
      const quiet = now() - (heardAt.get(chat) ?? Number.NEGATIVE_INFINITY) > QUIET_AFTER_MS;
      if (quiet && effect === "send") pauseIf(perEffect, take("quiet", QUIET_PER_SECOND, QUIET_PER_SECOND));
    },
    /** Slow mode: one message of the bot in that many seconds; throws 429 for what comes before. */
    checkSlowMode(chat: number, seconds: number): void {
      if (seconds === 0) return;
      const leftMs = (wroteAt.get(chat) ?? Number.NEGATIVE_INFINITY) + seconds * 1_000 - now();
      if (leftMs > 0) throw tooManyRequests(Math.ceil(leftMs / 1_000));
      wroteAt.set(chat, now());
    },
    /** A person wrote in this chat or pressed a button there. */
    heard(chat: number): void {
      heardAt.set(chat, now());
    },
    setFlood(on: boolean): void {
      flood = on;
    },
    flood(): boolean {
      return flood;
    },
  };
}
