import type { Clock } from "../clock.ts";
import { type ErrorKind, POLICIES } from "./classify.ts";

/** `sinceMs` is the clock's time at which this state began, whatever kinds followed; `null` while nothing was asked. */
type ClaudeHealthReport = {
  state: "unknown" | "ok" | "unavailable" | "not_connected";
  kind: ErrorKind | null;
  sinceMs: number | null;
};

export type ClaudeHealth = ReturnType<typeof createClaudeHealth>;

/**
 * What the last telling call says about Claude. Calls that a person stopped, or
 * whose question was too long, say nothing; a refusal is an answer.
 */
export function createClaudeHealth(clock: Clock) {
  let current: ClaudeHealthReport = { state: "unknown", kind: null, sinceMs: null };

  return {
    note(line: { readonly error: { readonly kind: ErrorKind } | null }): void {
      const next = verdictOf(line.error?.kind ?? null);
      if (next === null) return;
      current = { ...next, sinceMs: next.state === current.state ? current.sinceMs : clock.now() };
    },

    report(): ClaudeHealthReport {
      return current;
    },
  };
}

function verdictOf(kind: ErrorKind | null): Pick<ClaudeHealthReport, "state" | "kind"> | null {
  if (kind === null || POLICIES[kind].breaker === "success") return { state: "ok", kind: null };
  if (kind === "not_connected") return { state: "not_connected", kind };
  return POLICIES[kind].alert === "none" ? null : { state: "unavailable", kind };
}
