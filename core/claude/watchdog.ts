const HEADERS_MS = 15_000;
const FIRST_EVENT_MS = 30_000;
const IDLE_MS = 45_000;
const IDLE_ALIVE_MS = 120_000;
const TOTAL_MS = 240_000;

/**
 * How long one call may wait for each thing, in milliseconds. `idleMs` is the silence allowed between two
 * events; while bytes still arrive (pings), the silence may last `idleAliveMs`.
 */
export type WatchdogBounds = {
  headersMs: number;
  firstEventMs: number;
  idleMs: number;
  idleAliveMs: number;
  totalMs: number;
};

export const WATCHDOG_BOUNDS: Readonly<WatchdogBounds> = {
  headersMs: HEADERS_MS,
  firstEventMs: FIRST_EVENT_MS,
  idleMs: IDLE_MS,
  idleAliveMs: IDLE_ALIVE_MS,
  totalMs: TOTAL_MS,
};

export type StallPhase = "headers" | "first_event" | "idle" | "total";

export class StallError extends Error {
  readonly phase: StallPhase;

  constructor(phase: StallPhase) {
    super(`Claude went silent: ${phase}`);
    this.name = "StallError";
    this.phase = phase;
  }
}

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export type Watchdog = ReturnType<typeof createWatchdog>;

// Like the timers below, and unlike the time of day, this one never jumps.
const clock = () => performance.now();

/**
 * Watches one call. The clock starts at once; `signal` aborts with a `StallError` when a bound is passed.
 * The caller hands `signal` to the request, sends it through `fetch`, reports every event with `progress`
 * as it arrives (not when somebody reads it, so that a slow reader is not taken for a silent Claude), and
 * calls `stop` at the end, after which nothing can stall.
 */
export function createWatchdog(options: { bounds: WatchdogBounds; fetch: Fetch }) {
  const { bounds } = options;
  const controller = new AbortController();
  const startedAt = clock();
  let headersAt: number | null = null;
  let lastByteAt = startedAt;
  let lastEventAt: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function check(): void {
    const moments = { startedAt, headersAt, lastByteAt, lastEventAt };
    const { phase, at } = nextDeadline(bounds, moments);
    const waitMs = at - clock();
    if (waitMs > 0) {
      timer = setTimeout(check, Math.ceil(waitMs));
      return;
    }
    controller.abort(new StallError(phase));
  }

  function rearm(): void {
    if (timer === undefined || controller.signal.aborted) return;
    clearTimeout(timer);
    check();
  }

  async function watchedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const response = await options.fetch(input, init);
    headersAt = clock();
    lastByteAt = headersAt;
    rearm();
    return response.body === null ? response : copyOf(response, response.body, () => (lastByteAt = clock()));
  }

  check();
  return {
    signal: controller.signal,
    fetch: watchedFetch,
    headersArrived: () => headersAt !== null,
    progress(): void {
      const first = lastEventAt === null;
      lastEventAt = clock();
      // Bytes and later events only ever move the deadline away: the running timer finds that out by itself.
      if (first) rearm();
    },
    stop(): void {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

type Moments = {
  startedAt: number;
  headersAt: number | null;
  lastByteAt: number;
  lastEventAt: number | null;
};

function nextDeadline(bounds: WatchdogBounds, moments: Moments): { phase: StallPhase; at: number } {
  const total = moments.startedAt + bounds.totalMs;
  const { phase, at } = silenceDeadline(bounds, moments);
  return at < total ? { phase, at } : { phase: "total", at: total };
}

function silenceDeadline(bounds: WatchdogBounds, moments: Moments): { phase: StallPhase; at: number } {
  const { startedAt, headersAt, lastByteAt, lastEventAt } = moments;
  if (headersAt === null) return { phase: "headers", at: startedAt + bounds.headersMs };
  if (lastEventAt === null) return { phase: "first_event", at: headersAt + bounds.firstEventMs };
  const silent = Math.max(lastByteAt, lastEventAt) + bounds.idleMs;
  return { phase: "idle", at: Math.min(silent, lastEventAt + bounds.idleAliveMs) };
}

function copyOf(response: Response, body: ReadableStream<Uint8Array>, onBytes: () => void): Response {
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, out) {
        onBytes();
        out.enqueue(chunk);
      },
    }),
  );
  return new Response(counted, {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  });
}
