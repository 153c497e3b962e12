import { Redis } from "ioredis";
import { randomBytes } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/**
 * At most `limit` hits on `key` within any `windowMs`. A key belongs to one
 * window length; keys that are charged together share a `{hash tag}`.
 */
export type Charge = { key: string; limit: number; windowMs: number };

export type Limits = {
  /**
   * Checks all charges, then makes all of them, or none. `retryAfterMs` is 0
   * when allowed, else how long until all of them would fit. Never throws.
   */
  take(charges: readonly Charge[]): Promise<{ allowed: boolean; retryAfterMs: number }>;
  /** `off` without Redis, `degraded` while it does not answer and only this process counts. */
  state(): "off" | "ok" | "degraded";
  /** The time of one write in Redis, in milliseconds; null without Redis or without an answer. Its outcome moves `state`. */
  ping(): Promise<number | null>;
  /** Ends the connection at once. Charges go on in the process. */
  close(): Promise<void>;
};

const KEY_PREFIX = "blockbot:";
const COMMAND_TIMEOUT_MS = 100;
const CONNECT_TIMEOUT_MS = 300;
const DISCONNECT_TIMEOUT_MS = 100;
const RECONNECT_MS = 500;
const PROBE: Charge = { key: "probe", limit: 1_000_000, windowMs: 1_000 };
const MEMBER_BYTES = 9;
const LOCAL_KEYS_MAX = 50_000;
// More than the greatest limit that can be configured, so that no single key outgrows it.
const LOCAL_HITS_MAX = 250_000;

// Returns the wait in milliseconds, 0 when everything was charged. Microseconds of Redis's own clock stay exact in a double.
const TAKE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local wait = 0
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[2 * i])
  local window = tonumber(ARGV[2 * i + 1]) * 1000
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local over = redis.call('ZCARD', key) - limit
  if over >= 0 then
    local blocking = redis.call('ZRANGE', key, over, over, 'WITHSCORES')
    local leaves = blocking[2] and tonumber(blocking[2]) or now
    wait = math.max(wait, leaves + window - now)
  end
end
if wait > 0 then return math.ceil(wait / 1000) end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now, ARGV[1] .. ':' .. i)
  redis.call('PEXPIRE', key, ARGV[2 * i + 1])
end
return 0
`;

/**
 * Sliding windows, shared by every process through Redis. The process counts
 * along: with Redis gone the same windows go on, and what it knows to be full
 * is refused without asking. Opens no connection before the first use.
 */
export function createLimits(options: { redisUrl: string | null; clock: Clock; log: Log }): Limits {
  const local = createLocalWindows(options.clock);
  const shared = options.redisUrl === null ? null : createSharedWindows(options.redisUrl, options.log);

  return {
    async take(charges) {
      const knownWaitMs = local.waitMs(charges);
      if (knownWaitMs > 0) return { allowed: false, retryAfterMs: knownWaitMs };
      const sharedWaitMs = shared === null ? null : await shared.take(charges);
      // While Redis was asked, other requests may have filled our own windows, which end a little later.
      const retryAfterMs = sharedWaitMs === 0 ? 0 : Math.max(sharedWaitMs ?? 0, local.waitMs(charges));
      if (retryAfterMs > 0) return { allowed: false, retryAfterMs };
      // Redis counts fractions of a millisecond; rounding up keeps our own wait from being shorter than its.
      local.charge(charges, sharedWaitMs === null ? 0 : 1);
      return { allowed: true, retryAfterMs: 0 };
    },
    state: () => shared?.state() ?? "off",
    ping: async () => (shared === null ? null : shared.ping()),
    close: async () => shared?.close(),
  };
}

function createSharedWindows(redisUrl: string, log: Log) {
  const redis = createClient(redisUrl);
  const processId = randomBytes(MEMBER_BYTES).toString("base64url");
  let hits = 0;
  let opened: Promise<void> | null = null;
  let degraded = false;
  let replacing = false;
  let closed = false;

  redis.on("error", (err) => log.debug({ err }, "redis connection"));
  redis.on("ready", () => degraded && void ping());
  redis.on("close", () => {
    replacing = false;
    degrade(new Error("the connection to Redis is closed"));
  });

  async function run(charges: readonly Charge[]): Promise<number> {
    opened ??= redis.connect().catch(() => undefined); // the command below fails and says so
    await opened;
    hits += 1;
    const keys = charges.map((charge) => KEY_PREFIX + charge.key);
    const bounds = charges.flatMap((charge) => [charge.limit, charge.windowMs]);
    const member = `${processId}:${hits.toString(36)}`;
    return Number(await redis.eval(TAKE, keys.length, ...keys, member, ...bounds));
  }

  async function ping(): Promise<number | null> {
    if (closed) return null;
    const startedAt = performance.now();
    try {
      await run([PROBE]);
      recover();
      return performance.now() - startedAt;
    } catch (err) {
      degrade(err);
      replaceConnection();
      return null;
    }
  }

  function degrade(err: unknown): void {
    if (degraded || closed) return;
    degraded = true;
    log.warn({ err }, "Redis does not answer; limits are counted in this process");
    replaceConnection();
  }

  // An open connection may lead nowhere, or to a server that has become a replica. Each new one is tried by `ping`.
  function replaceConnection(): void {
    if (replacing || closed || redis.status !== "ready") return;
    replacing = true;
    redis.disconnect(true);
  }

  function recover(): void {
    if (!degraded || closed) return;
    degraded = false;
    log.warn("Redis answers again; limits are shared again");
  }

  return {
    /** The wait in milliseconds, 0 when everything was charged, null when only this process can tell. */
    async take(charges: readonly Charge[]): Promise<number | null> {
      if (degraded || closed) return null;
      try {
        return await run(charges);
      } catch (err) {
        degrade(err);
        return null;
      }
    },
    state: (): "ok" | "degraded" => (degraded ? "degraded" : "ok"),
    ping,
    close(): void {
      closed = true;
      redis.disconnect();
    },
  };
}

// Every failure is known at once; a broken connection is opened again for ever, never a command sent again.
function createClient(redisUrl: string): Redis {
  return new Redis(redisUrl, {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: () => RECONNECT_MS,
  });
}

type LocalWindow = { readonly hits: number[]; endsAt: number };

/** The same windows in this process. When there are too many, those charged longest ago are forgotten first. */
function createLocalWindows(clock: Clock) {
  const now = steadyTime(clock);
  const windows = new Map<string, LocalWindow>();
  let stored = 0;

  function forget(key: string): void {
    stored -= windows.get(key)?.hits.length ?? 0;
    windows.delete(key);
  }

  function forgetStale(at: number): void {
    for (const [key, { endsAt }] of windows) {
      if (endsAt > at && windows.size <= LOCAL_KEYS_MAX && stored <= LOCAL_HITS_MAX) return;
      forget(key);
    }
  }

  function waitFor(charge: Charge, at: number): number {
    const hits = windows.get(charge.key)?.hits ?? [];
    const left = hits.findIndex((hit) => hit > at - charge.windowMs);
    stored -= hits.splice(0, left === -1 ? hits.length : left).length;
    const over = hits.length - charge.limit;
    return over < 0 ? 0 : (hits[over] ?? at) + charge.windowMs - at;
  }

  return {
    /** How long until all of these fit, 0 when they fit now. */
    waitMs(charges: readonly Charge[]): number {
      const at = now();
      return Math.ceil(charges.reduce((wait, charge) => Math.max(wait, waitFor(charge, at)), 0));
    },
    /** Charges without checking, dated `aheadMs` from now. */
    charge(charges: readonly Charge[], aheadMs: number): void {
      const at = now() + aheadMs;
      for (const { key, windowMs } of charges) {
        const hits = windows.get(key)?.hits ?? [];
        const hit = Math.max(at, hits.at(-1) ?? at); // sorted, whichever of the two dated the last one
        hits.push(hit);
        stored += 1;
        windows.delete(key); // the most recent stands last
        windows.set(key, { hits, endsAt: hit + windowMs });
      }
      forgetStale(at);
    },
  };
}

/** Milliseconds that never run backwards, so that setting the machine's clock back prolongs no wait. */
function steadyTime(clock: Clock): () => number {
  let last = clock.now();
  let behind = 0;
  return () => {
    const current = clock.now();
    behind += Math.max(0, last - current);
    last = current;
    return current + behind;
  };
}
