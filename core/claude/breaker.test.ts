import { expect, test } from "bun:test";
import { type Breaker, createBreaker, type Leave } from "./breaker.ts";
import type { ErrorKind } from "./classify.ts";

const SECOND = 1_000;

test("three transient failures within a minute open it for 15 s, then 30, 60 and so on up to 300 s", () => {
  const it = start();
  it.fail("overloaded");
  it.pass(61 * SECOND);
  it.fail("overloaded");
  it.pass(30 * SECOND);
  it.fail("timeout");
  expect(it.breaker.state()).toBe("closed"); // the first is more than a minute ago
  const [since] = [it.now() - 30 * SECOND];
  it.fail("unreachable");
  expect(it.breaker.outage()).toEqual({ kind: "unreachable", since, until: it.now() + 15 * SECOND });

  for (const wait of [15, 30, 60, 120, 240, 300, 300]) {
    it.pass(wait * SECOND - 1);
    expect(it.breaker.state()).toBe("open");
    expect(it.breaker.ask()).toEqual({ kind: expect.any(String), waitMs: 1 });
    it.pass(1);
    expect(it.breaker.state()).toBe("half_open");
    it.fail("overloaded");
  }
  expect(it.breaker.outage()?.since).toBe(since); // still the same outage
});

test("an answer between failures starts the count anew; one that began before them does not", () => {
  const it = start();
  it.fail("overloaded");
  it.fail("overloaded");
  it.answer();
  it.fail("overloaded");
  it.fail("overloaded");
  expect(it.breaker.state()).toBe("closed");

  const slow = it.leave();
  it.pass(1);
  it.answer();
  it.fail("overloaded");
  it.fail("overloaded");
  it.breaker.ended(slow, null, null);
  it.fail("overloaded");
  expect(it.breaker.state()).toBe("open");
});

test("half open, the first call is the probe and the others are refused at once", () => {
  const it = start();
  const before = it.leave();
  it.open();
  it.pass(15 * SECOND);
  const probe = it.leave();
  expect(it.breaker.ask()).toEqual({ kind: "overloaded", waitMs: 0 });
  it.breaker.ended(before, null, null); // began before the outage, and says nothing about it
  expect(it.breaker.state()).toBe("half_open");
  it.breaker.progressed(probe); // text is an answer that has begun
  expect(it.breaker.state()).toBe("closed");
  it.breaker.ended(probe, null, null);
  it.open();
  expect(it.breaker.outage()?.until).toBe(it.now() + 15 * SECOND); // after an answer the waits begin anew
});

test("a probe that a person stopped leaves the next one to find out", () => {
  const it = start();
  it.open();
  it.pass(15 * SECOND);
  it.fail("stopped");
  expect(it.breaker.state()).toBe("half_open");
  it.answer();
  expect(it.breaker.state()).toBe("closed");
});

test("answers that break off count although they begin well", () => {
  const it = start();
  for (let n = 0; n < 3; n += 1) {
    const call = it.leave();
    it.breaker.progressed(call);
    it.breaker.ended(call, "interrupted", null);
  }
  expect(it.breaker.state()).toBe("open");
  it.pass(15 * SECOND);
  const probe = it.leave();
  it.breaker.progressed(probe);
  expect(it.breaker.state()).toBe("half_open");
  it.breaker.ended(probe, null, null);
  expect(it.breaker.state()).toBe("closed");
});

test("a rate limit opens it for as long as it says, one without a time for half a minute", () => {
  for (const kind of ["rate_limited", "busy"] as const) {
    const it = start();
    it.fail(kind, 42);
    expect(it.breaker.ask()).toEqual({ kind, waitMs: 42 * SECOND });
    it.pass(42 * SECOND);
    it.fail(kind);
    expect(it.breaker.ask()).toEqual({ kind, waitMs: 30 * SECOND });
  }
});

test("failures that name a time keep it open for that long, when it is longer than the wait", () => {
  const it = start();
  for (let n = 0; n < 3; n += 1) it.fail("overloaded", 40);
  expect(it.breaker.ask()).toEqual({ kind: "overloaded", waitMs: 40 * SECOND });
  it.pass(40 * SECOND);
  it.fail("overloaded", 5);
  expect(it.breaker.ask()).toEqual({ kind: "overloaded", waitMs: 30 * SECOND });
});

test("an outage begins with the failures that made it, not with one of long ago", () => {
  const it = start();
  it.fail("timeout");
  it.pass(3_600 * SECOND);
  it.fail("auth");
  expect(it.breaker.outage()?.since).toBe(it.now());
});

test("what only a person can mend opens it at once; now and then one call may find out", () => {
  for (const kind of [
    "auth",
    "billing",
    "forbidden",
    "model_missing",
    "intercepted",
    "not_connected",
  ] as const) {
    const it = start();
    it.fail(kind);
    it.pass(299 * SECOND);
    expect(it.breaker.ask()).toEqual({ kind, waitMs: SECOND });
    it.pass(SECOND);
    it.answer();
    expect(it.breaker.state()).toBe("closed");
  }
});

test("a good background probe ends what it disproves, at once or after the wait, and never a lack of money", () => {
  const after = (kind: ErrorKind, ms: number) => {
    const it = start();
    for (let n = 0; n < 3 && it.breaker.outage() === null; n += 1) it.fail(kind);
    it.pass(ms);
    it.breaker.probed(null);
    return it.breaker.state();
  };
  for (const kind of ["unreachable", "intercepted", "auth", "model_missing"] as const)
    expect([kind, after(kind, SECOND)]).toEqual([kind, "closed"]);
  for (const kind of ["overloaded", "timeout", "interrupted", "rate_limited"] as const) {
    expect([kind, after(kind, SECOND)]).toEqual([kind, "open"]);
    expect([kind, after(kind, 30 * SECOND)]).toEqual([kind, "closed"]);
  }
  for (const kind of ["billing", "forbidden"] as const)
    expect([kind, after(kind, 300 * SECOND)]).toEqual([kind, "half_open"]);
});

test("a bad background probe counts like a failure, and spares people the next try", () => {
  const it = start();
  it.fail("unreachable");
  it.breaker.probed("unreachable");
  it.breaker.probed("unreachable");
  expect(it.breaker.state()).toBe("open");
  it.pass(10 * SECOND);
  it.breaker.probed("unreachable"); // within the wait it changes nothing
  it.pass(5 * SECOND);
  expect(it.breaker.state()).toBe("half_open");
  it.breaker.probed("unreachable");
  expect(it.breaker.ask()).toEqual({ kind: "unreachable", waitMs: 30 * SECOND });
});

test("what is about one request, or about ourselves, changes nothing", () => {
  const it = start();
  for (const kind of ["too_long", "too_large", "our_bug", "garbled", "stopped", "refused", "empty"] as const)
    for (let n = 0; n < 3; n += 1) it.fail(kind);
  expect(it.breaker.state()).toBe("closed");
  expect(it.breaker.isSuspicious()).toBe(false);
});

test("an outage goes on in the next process; what a person may have mended is tried at once", () => {
  const it = start();
  const outage = {
    kind: "overloaded" as const,
    since: it.now() - 60 * SECOND,
    until: it.now() + 20 * SECOND,
  };
  it.breaker.resume(outage);
  expect(it.breaker.outage()).toEqual(outage);
  expect(it.breaker.state()).toBe("open");
  const other = start();
  other.breaker.resume({ ...outage, kind: "auth" });
  expect(other.breaker.state()).toBe("half_open");
  other.answer();
  other.breaker.resume(outage);
  other.breaker.resume({ ...outage, kind: "auth" }); // the first one counts
  expect(other.breaker.outage()?.kind).toBe("overloaded");
});

function start() {
  let now = 1_000_000;
  const breaker: Breaker = createBreaker({ now: () => now });
  const leave = (): Leave => {
    const given = breaker.ask();
    if ("kind" in given) throw new Error(`refused: ${given.kind}`);
    return given;
  };
  const fail = (kind: ErrorKind, retryAfterSeconds: number | null = null) =>
    breaker.ended(leave(), kind, retryAfterSeconds);
  return {
    breaker,
    now: () => now,
    pass(ms: number) {
      now += ms;
    },
    leave,
    fail,
    answer: () => breaker.ended(leave(), null, null),
    open() {
      for (let n = 0; n < 3; n += 1) fail("overloaded");
    },
  };
}
