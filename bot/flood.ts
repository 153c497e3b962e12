import { limit } from "@grammyjs/ratelimiter";
import type { MiddlewareFn } from "grammy";
import type { Clock } from "../core/clock.ts";
import { conclude } from "./conclude.ts";
import type { Ctx } from "./context.ts";

const UPDATES_MAX = 60;
const WINDOW_MS = 10_000;
const PEOPLE_MAX = 10_000;

type Counter = { hits: number; readonly beganAt: number };

/**
 * The cheap first shield, before anybody is looked up: sixty updates in ten
 * seconds per person. What exceeds it is ended without a reply; a button is
 * answered all the same, so that it does not go on spinning.
 */
export function flood(options: { clock: Clock }): MiddlewareFn<Ctx> {
  const shield = limit<Ctx, Counters>({
    limit: UPDATES_MAX,
    timeFrame: WINDOW_MS,
    keyPrefix: "",
    keyGenerator: (ctx) => ctx.from?.id.toString(),
    storageClient: createCounters(options.clock),
    // The library calls this for the first excess update of a window only.
    onLimitExceeded: (ctx) => ctx.front.app.log.debug({ from: ctx.from?.id }, "a flood begins to be dropped"),
  });
  return async (ctx, next) => {
    let passed = false;
    await shield(ctx, () => {
      passed = true;
      return next();
    });
    if (!passed) await drop(ctx);
  };
}

// The row is ended too: an update that stays undone would be handled again.
async function drop(ctx: Ctx): Promise<void> {
  ctx.note.outcome = "dropped: flood";
  await conclude(ctx, null);
  if (ctx.callbackQuery !== undefined) {
    ctx.answerCallbackQuery().catch((err: unknown) => ctx.front.app.log.debug({ err }, "no callback answer"));
  }
}

type Counters = ReturnType<typeof createCounters>;

/**
 * What the library expects of Redis, in the process. A window has its end from
 * its first hit on, so that no hit is counted for ever; when too many people
 * have one, the oldest window is forgotten first.
 */
function createCounters(clock: Clock) {
  const counters = new Map<string, Counter>(); // in the order in which the windows began

  const isRunning = ({ beganAt }: Counter, now: number) => now >= beganAt && now < beganAt + WINDOW_MS;

  function begin(key: string, now: number): number {
    counters.delete(key);
    counters.set(key, { hits: 1, beganAt: now });
    for (const [oldest, counter] of counters) {
      if (counters.size <= PEOPLE_MAX && isRunning(counter, now)) break;
      counters.delete(oldest);
    }
    return 1;
  }

  return {
    async incr(key: string): Promise<number> {
      const now = clock.now();
      const counter = counters.get(key);
      if (counter === undefined || !isRunning(counter, now)) return begin(key, now);
      counter.hits += 1;
      return counter.hits;
    },
    /** Nothing is left to set: `incr` began the window with its end. */
    async pexpire(key: string): Promise<number> {
      return counters.has(key) ? 1 : 0;
    },
  };
}
