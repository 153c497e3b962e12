import { Redis } from "ioredis";
import { randomBytes } from "node:crypto";
import type { Clock } from "./clock.ts";
import { createLocalWindows, type Charge, type WindowState } from "./local-windows.ts";
import type { Log } from "./log.ts";

/** Whether a request may go on. `retryAfterMs` is 0 then, else how long until all of its charges would fit. */
type Verdict = {
  readonly allowed: boolean;
  readonly retryAfterMs: number;
  /** The window that refuses, or the one with the least left after this request: for the headers of an answer. */
  readonly tightest: { readonly limit: number; readonly remaining: number; readonly resetMs: number };
};

export type Limits = {
  /** Checks all charges, then makes all of them, or none. Never throws, and never waits for Redis longer than 100 ms. */
  take(charges: readonly Charge[]): Promise<Verdict>;
  /** `listener` is called at most once a minute while charges are made that only this process counts, although Redis is wanted. One of them. */
  onDegraded(listener: () => void): void;
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
const DEGRADED_NOTE_MS = 60_000;

// Returns waitMs, remaining and resetMs of each key; charged only when every wait is 0. Microseconds of Redis's own
// clock stay exact in a double.
const TAKE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local blocked = false
local cards, oldest, waits = {}, {}, {}
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[2 * i])
  local window = tonumber(ARGV[2 * i + 1]) * 1000
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  cards[i] = redis.call('ZCARD', key)
  oldest[i] = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or now)
  waits[i] = 0
  local over = cards[i] - limit
  if over >= 0 then
    local blocking = redis.call('ZRANGE', key, over, over, 'WITHSCORES')
    waits[i] = tonumber(blocking[2] or now) + window - now
    blocked = true
  end
end
local answer = {}
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[2 * i])
  local window = tonumber(ARGV[2 * i + 1])
  local used = cards[i]
  if not blocked then
    redis.call('ZADD', key, now, ARGV[1] .. ':' .. i)
    redis.call('PEXPIRE', key, window)
    used = used + 1
  end
  answer[3 * i - 2] = math.ceil(waits[i] / 1000)
  answer[3 * i - 1] = math.max(0, limit - used)
  answer[3 * i] = used == 0 and 0 or math.ceil((oldest[i] + window * 1000 - now) / 1000)
end
return answer
`;

/**
 * Sliding windows, shared by every process through Redis. The process counts
 * along: with Redis gone the same windows go on, and what it knows to be full
 * is refused without asking. Opens no connection before the first use.
 */
export function createLimits(options: { redisUrl: string | null; clock: Clock; log: Log }): Limits {
  const { clock, log, redisUrl } = options;
  const local = createLocalWindows(clock);
  const shared = redisUrl === null ? null : createSharedWindows(redisUrl, log);
  let notedAt = -Infinity;
  let note = (): void => undefined;

  function noteDegraded(): void {
    if (shared?.state() !== "degraded" || clock.now() - notedAt < DEGRADED_NOTE_MS) return;
    notedAt = clock.now();
    note();
  }

  return {
    async take(charges) {
      const known = local.look(charges);
      if (isBlocked(known)) return verdictOf(charges, known);
      const told = shared === null ? null : await shared.take(charges);
      noteDegraded();
      // While Redis was asked, other requests may have filled our own windows, which end a little later.
      const own = local.look(charges);
      if (isBlocked(told ?? []) || isBlocked(own))
        return verdictOf(charges, isBlocked(own) ? own : (told ?? own));
      // Redis counts fractions of a millisecond; rounding up keeps our own wait from being shorter than its.
      local.charge(charges, told === null ? 0 : 1);
      return verdictOf(charges, told ?? local.look(charges).map((state) => ({ ...state, waitMs: 0 })));
    },
    onDegraded(listener) {
      note = listener;
    },
    state: () => shared?.state() ?? "off",
    ping: async () => (shared === null ? null : shared.ping()),
    close: async () => shared?.close(),
  };
}

function isBlocked(states: readonly WindowState[]): boolean {
  return states.some(({ waitMs }) => waitMs > 0);
}

function verdictOf(charges: readonly Charge[], states: readonly WindowState[]): Verdict {
  const rated = states.map((state, index) => ({ ...state, limit: charges[index]?.limit ?? 0 }));
  const [tightest] = rated.toSorted((a, b) => b.waitMs - a.waitMs || a.remaining - b.remaining);
  const retryAfterMs = tightest?.waitMs ?? 0;
  const { limit = 0, remaining = 0, resetMs = 0 } = tightest ?? {};
  return {
    allowed: retryAfterMs === 0,
    retryAfterMs,
    tightest: { limit, remaining, resetMs: Math.max(resetMs, retryAfterMs) },
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

  async function run(charges: readonly Charge[]): Promise<WindowState[]> {
    opened ??= redis.connect().catch(() => undefined); // the command below fails and says so
    await opened;
    hits += 1;
    const keys = charges.map((charge) => KEY_PREFIX + charge.key);
    const bounds = charges.flatMap((charge) => [charge.limit, charge.windowMs]);
    const member = `${processId}:${hits.toString(36)}`;
    return statesOf(charges, await redis.eval(TAKE, keys.length, ...keys, member, ...bounds));
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
    /** How each window stands; charged when none of them has to wait. Null when only this process can tell. */
    async take(charges: readonly Charge[]): Promise<WindowState[] | null> {
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

function statesOf(charges: readonly Charge[], answer: unknown): WindowState[] {
  const numbers = answer as number[]; // safe: TAKE returns three numbers a key
  return charges.map((_, index) => {
    const [waitMs = 0, remaining = 0, resetMs = 0] = numbers.slice(3 * index, 3 * index + 3);
    return { waitMs, remaining, resetMs };
  });
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
