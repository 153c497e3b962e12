import { expect, test } from "bun:test";
import type { ErrorKind } from "./classify.ts";
import { createClaudeHealth } from "./health.ts";

test("only calls that say something about Claude change its health", () => {
  let now = 1_000;
  const health = createClaudeHealth({ now: () => now, sleep: () => Promise.resolve() });
  expect(health.report()).toEqual({ state: "unknown", kind: null, sinceMs: null });

  health.note(failed("stopped"));
  health.note(failed("too_long"));
  expect(health.report().state).toBe("unknown");

  health.note(answered);
  expect(health.report()).toEqual({ state: "ok", kind: null, sinceMs: 1_000 });

  now = 2_000;
  health.note(failed("overloaded"));
  now = 3_000;
  health.note(failed("timeout"));
  for (const kind of ["stopped", "too_long", "too_large"] as const) health.note(failed(kind));
  // The outage is one, however its kind changes.
  expect(health.report()).toEqual({ state: "unavailable", kind: "timeout", sinceMs: 2_000 });

  now = 4_000;
  health.note(failed("refused"));
  expect(health.report()).toEqual({ state: "ok", kind: null, sinceMs: 4_000 });

  for (const kind of ["auth", "billing", "our_bug", "garbled", "rate_limited"] as const) {
    health.note(failed(kind));
    expect(health.report()).toMatchObject({ state: "unavailable", kind });
  }
  health.note(failed("not_connected"));
  expect(health.report()).toMatchObject({ state: "not_connected", kind: "not_connected" });
});

const answered = { error: null };

function failed(kind: ErrorKind) {
  return { error: { kind } };
}
