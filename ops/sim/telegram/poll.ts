import { ApiError } from "./api-error.ts";
import type { Update, Updates } from "./updates.ts";

type Poll = { offset: number; limit: number; timeoutSeconds: number; signal: AbortSignal };

type Waiter = { limit: number; end: (outcome: Update[] | ApiError, afterMs?: number) => void };

const LIMIT_MAX = 100;
const TIMEOUT_MAX_SECONDS = 50;
/** Updates that come together are delivered together. */
const WAKE_AFTER_MS = 1;
const CONFLICT_PAUSE_MS = 3000;
const REPEAT_SINGLE_MS = 500;
const REPEAT_TIMEOUT_MS = 3000;
const REPEAT_TIMEOUT_SECONDS = 3;
const CONFLICT =
  "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

/** getUpdates as the service answers it, with at most one waiting call. */
export function createPoller(updates: Updates) {
  let waiter: Waiter | null = null;
  const open = new Set<Waiter>();
  let waking = false;
  let lastConflictAt = Number.NEGATIVE_INFINITY;
  const slowedDown = createBrake();

  function conflict(older: Waiter): void {
    const startedAt = performance.now();
    const again = startedAt - lastConflictAt < CONFLICT_PAUSE_MS;
    lastConflictAt = startedAt;
    older.end(new ApiError(409, CONFLICT), again ? CONFLICT_PAUSE_MS : 0);
  }

  function wait(limit: number, timeoutSeconds: number, signal: AbortSignal): Promise<Update[]> {
    return new Promise((resolve, reject) => {
      const mine: Waiter = {
        limit,
        end(outcome, afterMs = 0) {
          clearTimeout(timer);
          if (afterMs > 0) {
            timer = setTimeout(() => mine.end(outcome), afterMs);
            return;
          }
          open.delete(mine);
          if (waiter === mine) waiter = null;
          if (outcome instanceof ApiError) reject(outcome);
          else resolve(outcome);
        },
      };
      let timer = setTimeout(() => mine.end([]), timeoutSeconds * 1000);
      signal.addEventListener("abort", () => mine.end([]), { once: true });
      const older = waiter;
      waiter = mine;
      open.add(mine);
      if (older) conflict(older);
    });
  }

  function deliver(): void {
    waking = false;
    const batch = waiter === null ? [] : updates.first(waiter.limit);
    if (batch.length > 0) waiter?.end(batch);
  }

  return {
    /** Answers at once when there are updates, else waits; a newer waiting call ends an older one with 409. */
    async poll(request: Poll): Promise<Update[]> {
      const { limit, timeoutSeconds } = slowedDown(request);
      updates.confirm(request.offset);
      const batch = updates.first(limit);
      if (batch.length > 0 || timeoutSeconds === 0) return batch;
      return wait(limit, timeoutSeconds, request.signal);
    },
    wake(): void {
      if (waiter === null || waking) return;
      waking = true;
      setTimeout(deliver, WAKE_AFTER_MS);
    },
    stop(): void {
      for (const waiting of open) waiting.end([]);
    },
  };
}

/** Slows down a caller that repeats an offset: one update at a time, then no short polls. */
function createBrake() {
  let previous = { offset: Number.NaN, startedAt: Number.NEGATIVE_INFINITY };
  return (poll: Poll): { limit: number; timeoutSeconds: number } => {
    const startedAt = performance.now();
    const sinceMs = poll.offset === previous.offset ? startedAt - previous.startedAt : Infinity;
    previous = { offset: poll.offset, startedAt };
    const limit = Math.min(Math.max(poll.limit, 1), LIMIT_MAX);
    const shortest = sinceMs < REPEAT_TIMEOUT_MS ? REPEAT_TIMEOUT_SECONDS : 0;
    const timeoutSeconds = Math.min(Math.max(poll.timeoutSeconds, shortest), TIMEOUT_MAX_SECONDS);
    return { limit: sinceMs < REPEAT_SINGLE_MS ? 1 : limit, timeoutSeconds };
  };
}
