import { systemClock } from "../../core/clock.ts";
import { createLimits, type Limits } from "../../core/limits.ts";
import type { Charge } from "../../core/local-windows.ts";
import { createLog } from "../../core/log.ts";
import { HAS_REDIS, startRedis, type TestRedis } from "../../core/test-redis.ts";
import { quantile, type BenchResult, type Figure } from "./figures.ts";

const REQUESTS = 20_000;
const ASKING = 20;
const PAUSE_MS = 1;
const TROUBLE_MS = 3_000;
const MANY_KEYS = 1_000_000;
const AT_ONCE = 500;
const HOUR_MS = 3_600_000;
const COMMAND_TIMEOUT_MS = 100;
const RECOVERY_MS_MAX = 2_000;

/** What a request waits for the limiter: in calm, while Redis is stopped and killed under load, and with endless keys. */
export async function limits(): Promise<BenchResult> {
  if (!HAS_REDIS) return { figures: [], notes: ["There is no redis-server here."] };
  await using redis = await startRedis();
  const shared = limiterOn(redis.url);
  const alone = limiterOn(null);
  const calm = await pace(shared, "calm");
  const local = await pace(alone, "alone");
  const figures: Figure[] = [
    { what: "a request's charges, p50", value: calm.p50Us, unit: "µs", baseline: local.p50Us },
    { what: "a request's charges, p99", value: calm.p99Us, unit: "µs", baseline: local.p99Us },
    ...(await underTrouble(redis, shared, "stopped (SIGSTOP)")),
    ...(await underTrouble(redis, shared, "killed")),
    ...(await endlessKeys(redis, shared)),
  ];
  await shared.close();
  await alone.close();
  return {
    figures,
    notes: [
      "Baseline: the same charges without Redis. A request has a charge of its own, its person's and its team's.",
      `Under trouble ${ASKING} callers ask without end while Redis is away for ${TROUBLE_MS / 1_000} s and comes back.`,
    ],
  };
}

function limiterOn(redisUrl: string | null): Limits {
  const log = createLog({ level: "silent" });
  return createLimits({ redisUrl, clock: systemClock, log });
}

function chargesOf(name: string, n: number): Charge[] {
  return [
    { key: `{${name}}:endpoint:${n}`, limit: 100, windowMs: 60_000 },
    { key: `{${name}}:person:${n % 50}`, limit: 100_000, windowMs: 60_000 },
    { key: `{${name}}:team`, limit: 200_000, windowMs: 60_000 },
  ];
}

async function pace(limiter: Limits, name: string): Promise<{ p50Us: number; p99Us: number }> {
  const waitedMs: number[] = [];
  for (let n = 0; n < REQUESTS; n += 1) {
    const askedAt = performance.now();
    await limiter.take(chargesOf(name, n));
    waitedMs.push(performance.now() - askedAt);
  }
  return { p50Us: quantile(waitedMs, 0.5) * 1_000, p99Us: quantile(waitedMs, 0.99) * 1_000 };
}

async function underTrouble(
  redis: TestRedis,
  limiter: Limits,
  trouble: "stopped (SIGSTOP)" | "killed",
): Promise<Figure[]> {
  const waitedMs: number[] = [];
  const done = new AbortController();
  let allowed = 0;
  const shared: Charge = { key: `{${trouble}}:team`, limit: 2_000, windowMs: HOUR_MS };
  const callers = Array.from({ length: ASKING }, async (_, caller) => {
    for (let n = 0; !done.signal.aborted; n += 1) {
      const own = { key: `{${trouble}}:${caller}:${n}`, limit: 1, windowMs: 1_000 };
      const askedAt = performance.now();
      const answer = await limiter.take(n % 2 === 0 ? [own] : [own, shared]);
      waitedMs.push(performance.now() - askedAt);
      if (answer.allowed && n % 2 === 1) allowed += 1;
      await Bun.sleep(PAUSE_MS);
    }
  });
  await Bun.sleep(TROUBLE_MS / 3);
  if (trouble === "killed") await redis.kill();
  else redis.signal("SIGSTOP");
  await Bun.sleep(TROUBLE_MS);
  if (trouble === "killed") await redis.start();
  else redis.signal("SIGCONT");
  const backAt = performance.now();
  while (limiter.state() !== "ok") await Bun.sleep(1);
  const recoveryMs = performance.now() - backAt;
  await Bun.sleep(TROUBLE_MS / 3);
  done.abort();
  await Promise.all(callers);
  return [
    { what: `Redis ${trouble}: requests`, value: waitedMs.length, unit: "" },
    {
      what: `Redis ${trouble}: p99 of the wait`,
      value: quantile(waitedMs, 0.99),
      unit: "ms",
      goal: { atMost: 150 },
    },
    {
      what: `Redis ${trouble}: worst wait`,
      value: quantile(waitedMs, 1),
      unit: "ms",
      // The timeout, and what this busy process needs to notice it.
      goal: { atMost: COMMAND_TIMEOUT_MS * 1.5 },
    },
    { what: `Redis ${trouble}: allowed of 2000`, value: allowed, unit: "", goal: { atMost: 2_000 } },
    {
      what: `Redis ${trouble}: shared again after`,
      value: recoveryMs,
      unit: "ms",
      goal: { atMost: RECOVERY_MS_MAX },
    },
  ];
}

async function endlessKeys(redis: TestRedis, limiter: Limits): Promise<Figure[]> {
  const before = process.memoryUsage.rss();
  let most = 0;
  for (let n = 0; n < MANY_KEYS; n += AT_ONCE) {
    const charges = Array.from({ length: AT_ONCE }, (_, i) => ({
      key: `{${n + i}}:ask`,
      limit: 1,
      windowMs: 2_000,
    }));
    await Promise.all(charges.map((charge) => limiter.take([charge])));
    if (n % (AT_ONCE * 200) === 0) most = Math.max(most, await memoryOf(redis));
  }
  const grown = process.memoryUsage.rss() - before;
  while (Number(await redis.command("DBSIZE")) > REQUESTS * 3) await Bun.sleep(50);
  return [
    { what: "a million keys: most memory of Redis", value: most / 1e6, unit: "MB" },
    { what: "a million keys: Redis afterwards", value: (await memoryOf(redis)) / 1e6, unit: "MB" },
    { what: "a million keys: growth of this process", value: grown / 1e6, unit: "MB" },
  ];
}

async function memoryOf(redis: TestRedis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await redis.command("INFO", "memory")))?.[1] ?? 0);
}
