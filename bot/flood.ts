import { limit } from "@grammyjs/ratelimiter";
import type { MiddlewareFn } from "grammy";
import type { Clock } from "../core/clock.ts";
import type { LimitRules } from "../core/limit-rules.ts";
import { conclude } from "./conclude.ts";
import type { Ctx } from "./context.ts";

const PEOPLE_MAX = 10_000;

type Counter = { hits: number; readonly beganAt: number };

/**
 * The cheap first shield, before anybody is looked up: so many updates in a
 * window per person. What exceeds it is ended without a reply; a button is
 * answered all the same, so that it does not go on spinning.
 */
export function flood(options: { clock: Clock; rule: LimitRules["flood"] }): MiddlewareFn<Ctx> {
  const { clock, rule } = options;
  const shield = limit<Ctx, Counters>({
    limit: rule.limit,
    timeFrame: rule.windowMs,
    keyPrefix: "",
    keyGenerator: (ctx) => ctx.from?.id.toString(),
    storageClient: createCounters(clock, rule.windowMs),
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
function createCounters(clock: Clock, windowMs: number) {
  const counters = new Map<string, Counter>(); // in the order in which the windows began

  const isRunning = ({ beganAt }: Counter, now: number) => now >= beganAt && now < beganAt + windowMs;

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
