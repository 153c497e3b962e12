import type { Clock } from "../core/clock.ts";

/** What one chat may be told: `burst` at once, then one every `refillMs`. */
export type Allowance = { readonly burst: number; readonly refillMs: number };

export type Allowances = {
  readonly private: Allowance;
  readonly groupSend: Allowance;
  readonly groupEdit: Allowance;
};

/**
 * Telegram's documented limits: about one message a second to a person, twenty
 * a minute to a group, for sends and for edits. Burst + one minute's refill
 * stays within twenty.
 */
export const TELEGRAM_ALLOWANCES: Allowances = {
  private: { burst: 3, refillMs: 1_000 },
  groupSend: { burst: 4, refillMs: 3_750 },
  groupEdit: { burst: 4, refillMs: 3_750 },
};

const CHATS_MAX = 20_000;

type Bucket = { tokens: number; at: number };

/**
 * One budget per chat, shared by everything that is sent there. `delayMs` says
 * how long to wait before the next call and takes it from the budget; `tryTake`
 * takes only when there is something left now.
 */
export function createBudget(clock: Clock, allowances: Allowances) {
  const buckets = new Map<string, Bucket>();
  const pausedUntil = new Map<number, number>();

  const allowanceOf = (chatId: number, kind: "send" | "edit"): Allowance =>
    chatId > 0 ? allowances.private : kind === "send" ? allowances.groupSend : allowances.groupEdit;

  function bucketOf(chatId: number, kind: "send" | "edit"): Bucket {
    const { burst, refillMs } = allowanceOf(chatId, kind);
    const key = chatId > 0 ? String(chatId) : `${chatId}:${kind}`;
    // What is booked in a pause goes at its end, so that is when it is taken from the budget.
    const at = clock.now() + pauseMs(chatId);
    const known = buckets.get(key) ?? { tokens: burst, at };
    const passedMs = Math.max(0, at - known.at); // a clock that is set back silences nobody
    const bucket = { tokens: Math.min(burst, known.tokens + passedMs / refillMs), at };
    remember(buckets, key, bucket);
    return bucket;
  }

  const pauseMs = (chatId: number): number => Math.max(0, (pausedUntil.get(chatId) ?? 0) - clock.now());

  /** Whether a call may go now. */
  const hasRoom = (chatId: number, kind: "send" | "edit"): boolean =>
    pauseMs(chatId) === 0 && bucketOf(chatId, kind).tokens >= 1;

  return {
    /** Milliseconds to wait before this call, which is booked now. */
    delayMs(chatId: number, kind: "send" | "edit"): number {
      const bucket = bucketOf(chatId, kind);
      bucket.tokens -= 1;
      return pauseMs(chatId) + Math.max(0, -bucket.tokens) * allowanceOf(chatId, kind).refillMs;
    },
    hasRoom,
    /** True when the call may go now; false drops it and books nothing. */
    tryTake(chatId: number, kind: "send" | "edit"): boolean {
      if (!hasRoom(chatId, kind)) return false;
      bucketOf(chatId, kind).tokens -= 1;
      return true;
    },
    /** Telegram said retry_after: nothing goes to this chat before. */
    pause(chatId: number, seconds: number): void {
      remember(pausedUntil, chatId, clock.now() + Math.max(pauseMs(chatId), seconds * 1_000));
    },
    pauseMs,
  };
}

export type Budget = ReturnType<typeof createBudget>;

// The most recent stands last, so that the oldest is forgotten first.
function remember<Key, Value>(known: Map<Key, Value>, key: Key, value: Value): void {
  known.delete(key);
  known.set(key, value);
  const oldest = known.keys().next().value;
  if (known.size > CHATS_MAX && oldest !== undefined) known.delete(oldest);
}
