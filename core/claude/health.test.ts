import { expect, test } from "bun:test";
import type { ErrorKind } from "./classify.ts";
import { createClaudeHealth } from "./health.ts";

const KEY = "key-1";

test("only calls that say something about Claude change what is known of it", () => {
  const it = start();
  expect(it.report()).toEqual({
    state: "unknown",
    kind: null,
    sinceMs: null,
    untilMs: null,
    breaker: "closed",
  });
  it.end("stopped");
  it.end("too_long");
  it.end("our_bug");
  expect(it.report().state).toBe("unknown");
  it.end(null);
  expect(it.report()).toMatchObject({ state: "ok", kind: null, sinceMs: 1_000 });

  it.at(2_000);
  it.end("overloaded");
  it.at(3_000);
  it.end("timeout");
  for (const kind of ["stopped", "too_long", "too_large", "garbled"] as const) it.end(kind);
  // The trouble is one, however its kind changes.
  expect(it.report()).toMatchObject({
    state: "unavailable",
    kind: "timeout",
    sinceMs: 2_000,
    breaker: "closed",
  });

  it.at(4_000);
  it.end("refused");
  expect(it.report()).toMatchObject({ state: "ok", kind: null, sinceMs: 4_000 });

  it.end("rate_limited", 20);
  expect(it.report()).toMatchObject({ state: "limited", untilMs: 24_000, breaker: "open" });
  it.at(24_000);
  expect(it.report()).toMatchObject({ state: "limited", untilMs: null, breaker: "half_open" });
});

test("each credential has a breaker of its own", () => {
  const it = start();
  it.end("auth");
  expect(it.report()).toMatchObject({ state: "unavailable", kind: "auth", breaker: "open" });
  expect(it.health.report("key-2")).toMatchObject({ state: "unknown", breaker: "closed" });
  expect("kind" in it.health.ask("key-2")).toBe(false);
  expect(it.health.outages()).toEqual([{ credential: KEY, kind: "auth", since: 1_000, until: 301_000 }]);
});

test("a background probe tells an outage from its end, and trouble from what is over", () => {
  const it = start();
  it.end("unreachable");
  it.health.probed(KEY, null);
  expect(it.report().state).toBe("unavailable"); // one failure a moment ago weighs more than one model retrieved
  it.at(70_000);
  it.health.probed(KEY, null);
  expect(it.report()).toMatchObject({ state: "ok", sinceMs: 70_000 });

  it.end("billing");
  it.at(9_000_000);
  it.health.probed(KEY, null);
  expect(it.report()).toMatchObject({ state: "unavailable", kind: "billing", sinceMs: 70_000 });
});

test("an outage that another process left keeps its beginning", () => {
  const it = start();
  it.health.resume({ credential: KEY, kind: "overloaded", since: 400, until: 5_000 });
  expect(it.report()).toEqual({
    state: "unavailable",
    kind: "overloaded",
    sinceMs: 400,
    untilMs: 5_000,
    breaker: "open",
  });
});

test("faults of ours are handed over once, with the question that met them", () => {
  const it = start();
  it.end("our_bug");
  it.end("garbled");
  it.end("too_long");
  it.end("overloaded");
  expect(it.health.takeFaults()).toEqual([
    { kind: "our_bug", incident: "inc" },
    { kind: "garbled", incident: "inc" },
  ]);
  expect(it.health.takeFaults()).toEqual([]);
});

function start() {
  let now = 1_000;
  const health = createClaudeHealth({ now: () => now });
  return {
    health,
    at(ms: number) {
      now = ms;
    },
    report: () => health.report(KEY),
    end(kind: ErrorKind | null, retryAfterSeconds: number | null = null) {
      const leave = health.ask(KEY);
      if ("kind" in leave) throw new Error(`refused: ${leave.kind}`);
      health.ended(KEY, leave, { kind, retryAfterSeconds, incident: "inc" });
    },
  };
}
