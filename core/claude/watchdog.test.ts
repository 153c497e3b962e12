import { expect, test } from "bun:test";
import { createWatchdog, type Fetch, StallError, WATCHDOG_BOUNDS, type WatchdogBounds } from "./watchdog.ts";

const FOREVER = {
  headersMs: 60_000,
  firstEventMs: 60_000,
  idleMs: 60_000,
  idleAliveMs: 60_000,
  totalMs: 60_000,
};

test("each phase has its own bound", async () => {
  const silent: Fetch = () => new Promise(() => undefined);
  expect(await phaseOf({ headersMs: 5 }, silent)).toBe("headers");
  expect(await phaseOf({ firstEventMs: 5 }, endless())).toBe("first_event");
  expect(await phaseOf({ idleMs: 5 }, endless(), { events: 1 })).toBe("idle");
  expect(await phaseOf({ totalMs: 5 }, silent)).toBe("total");
  expect(await phaseOf({ totalMs: 20 }, endless(), { events: 1 })).toBe("total");
});

test("a shorter later phase is not hidden by a longer earlier one", async () => {
  expect(await phaseOf({ headersMs: 30_000, firstEventMs: 10, idleMs: 5 }, endless())).toBe("first_event");
  expect(await phaseOf({ firstEventMs: 30_000, idleMs: 5 }, endless(), { events: 1 })).toBe("idle");
});

test("pings keep a silent Claude alive longer, but not for ever", async () => {
  const bounds = { idleMs: 400, idleAliveMs: 800 };
  const startedAt = performance.now();
  expect(await phaseOf(bounds, endless({ pingMs: 10 }), { events: 1 })).toBe("idle");
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(bounds.idleAliveMs);
});

test("events keep a call alive, and a stopped watchdog never bites", async () => {
  const watchdog = createWatchdog({
    bounds: { ...FOREVER, idleMs: 300, idleAliveMs: 300 },

    fetch: endless(),
  });
  await watchdog.fetch("http://claude.test");
  expect(watchdog.headersArrived()).toBe(true);
  for (let n = 0; n < 8; n += 1) {
    watchdog.progress();
    await Bun.sleep(50);
  }
  expect(watchdog.signal.aborted).toBe(false);
  watchdog.stop();
  watchdog.progress();
  const early = createWatchdog({ bounds: { ...FOREVER, headersMs: 300 }, fetch: endless() });
  early.stop();
  early.progress();
  await Bun.sleep(400);
  expect([watchdog.signal.aborted, early.signal.aborted]).toEqual([false, false]);
});

test("the answer passes through unchanged", async () => {
  const fetch: Fetch = async () =>
    new Response("späte Grüße", { status: 529, headers: { "request-id": "req_1", "retry-after": "7" } });
  const watchdog = createWatchdog({ bounds: FOREVER, fetch });
  const response = await watchdog.fetch("http://claude.test");
  expect(response.status).toBe(529);
  expect(response.headers.get("request-id")).toBe("req_1");
  expect(response.headers.get("retry-after")).toBe("7");
  expect(await response.text()).toBe("späte Grüße");
  watchdog.stop();
});

test("the bounds grow from the headers to the whole call", () => {
  const { headersMs, firstEventMs, idleMs, idleAliveMs, totalMs } = WATCHDOG_BOUNDS;
  const bounds = [headersMs, firstEventMs, idleMs, idleAliveMs, totalMs];
  expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
});

async function phaseOf(bounds: Partial<WatchdogBounds>, fetch: Fetch, { events = 0 } = {}): Promise<string> {
  const watchdog = createWatchdog({ bounds: { ...FOREVER, ...bounds }, fetch });
  const stalled = new Promise<unknown>((resolve) => {
    watchdog.signal.addEventListener("abort", () => resolve(watchdog.signal.reason));
  });
  const response = watchdog.fetch("http://claude.test", { signal: watchdog.signal });
  const reading = response.then(async (answer) => {
    for (let n = 0; n < events; n += 1) watchdog.progress();
    await answer.body?.pipeTo(new WritableStream(), { signal: watchdog.signal });
  });
  reading.catch((error: unknown) => expect(error).toBeInstanceOf(StallError));
  const reason = await stalled;
  return reason instanceof StallError ? reason.phase : String(reason);
}

/** Headers at once, then a body that never ends: silent, or with a ping now and then. */
function endless({ pingMs }: { pingMs?: number } = {}): Fetch {
  return async () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(out) {
        if (pingMs === undefined) return;
        timer = setInterval(() => out.enqueue(new TextEncoder().encode("event: ping\n\n")), pingMs);
      },
      cancel: () => clearInterval(timer),
    });
    return new Response(body);
  };
}
