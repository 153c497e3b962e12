import { type ErrorKind, POLICIES } from "./classify.ts";

/** How much trouble opens the breaker, and for how long; milliseconds. */
export type BreakerBounds = {
  /** So many transient failures within `windowMs`, with no answer between them, open it. */
  failuresMax: number;
  windowMs: number;
  /** The first wait after transient failures; each further one is twice as long, up to `waitMaxMs`. */
  waitMs: number;
  waitMaxMs: number;
  /** A rate limit that names no time. */
  limitedMs: number;
  /** What only a person can mend: so often one question may find out whether somebody has. */
  pausedMs: number;
};

const BREAKER_BOUNDS: Readonly<BreakerBounds> = {
  failuresMax: 3,
  windowMs: 60_000,
  waitMs: 15_000,
  waitMaxMs: 300_000,
  limitedMs: 30_000,
  pausedMs: 300_000,
};

/** `since` is when the first failure of it happened; until `until` nothing is let through, then one call is. */
export type Outage = { readonly kind: ErrorKind; readonly since: number; readonly until: number };

export type BreakerState = "closed" | "open" | "half_open";

/** Leave to make one call. Its holder reports the end of that call, and that text came. */
export type Leave = { readonly at: number };
/** Why there is no leave now, and how long there will be none; 0 while another call is finding out. */
export type Refusal = { readonly kind: ErrorKind; readonly waitMs: number };

/** What a retrieved model proves: that an outage of this kind is over, or nothing about it. */
type Proof = "over" | "over_after_wait" | "nothing";

// The Models API costs nothing and needs no capacity: it cannot tell whether there is credit or room for an answer.
const PROOFS: Partial<Record<ErrorKind, Proof>> = {
  unreachable: "over",
  intercepted: "over",
  auth: "over",
  model_missing: "over",
  not_connected: "over",
  billing: "nothing",
  forbidden: "nothing",
};

/** What the breaker remembers. `openings` counts since the last answer that came whole. */
type Circuit = {
  readonly failures: readonly number[];
  readonly openings: number;
  readonly outage: Outage | null;
  /** The one call that was let through in an outage. */
  readonly probe: Leave | null;
};

const CLOSED: Circuit = { failures: [], openings: 0, outage: null, probe: null };

/**
 * The circuit breaker of one credential: no timers, no network, `now` in
 * milliseconds. Closed, it lets everything through. Open, it refuses at once.
 * Half open, the first call is the probe and the others are refused.
 */
export function createBreaker(options: { now: () => number; bounds?: Partial<BreakerBounds> }) {
  const { now } = options;
  const bounds = { ...BREAKER_BOUNDS, ...options.bounds };
  let circuit = CLOSED;

  const isDue = (outage: Outage): boolean => circuit.probe === null && now() >= outage.until;

  return {
    ask(): Leave | Refusal {
      const { outage } = circuit;
      const leave: Leave = { at: now() };
      if (outage === null) return leave;
      if (!isDue(outage)) return { kind: outage.kind, waitMs: Math.max(0, outage.until - leave.at) };
      circuit = { ...circuit, probe: leave };
      return leave;
    },

    /** The call has text: Claude answers again, whatever becomes of the rest. Only where answers broke off, a beginning proves nothing. */
    progressed(call: Leave): void {
      const { outage, probe, openings } = circuit;
      if (outage !== null && call === probe && outage.kind !== "interrupted")
        circuit = { ...CLOSED, openings };
    },

    /** `kind` is null for an answer. */
    ended(call: Leave, kind: ErrorKind | null, retryAfterSeconds: number | null): void {
      // What began before an outage says nothing about how it goes on.
      if (circuit.outage !== null && call !== circuit.probe) return;
      const isAnswer = kind === null || POLICIES[kind].breaker === "success";
      circuit = isAnswer
        ? { ...CLOSED, failures: circuit.failures.filter((failedAt) => failedAt > call.at) }
        : afterFailure({ ...circuit, probe: null }, { kind, retryAfterSeconds, at: now() }, bounds);
    },

    /** The end of a background probe; `kind` is null when the model was retrieved. */
    probed(kind: ErrorKind | null): void {
      const { outage, openings } = circuit;
      if (kind !== null) {
        if (outage === null || isDue(outage))
          circuit = afterFailure(circuit, { kind, retryAfterSeconds: null, at: now() }, bounds);
        return;
      }
      const proof = outage === null ? "nothing" : (PROOFS[outage.kind] ?? "over_after_wait");
      const isOver = proof === "over" || (proof === "over_after_wait" && now() >= (outage?.until ?? 0));
      if (isOver) circuit = { ...CLOSED, openings };
    },

    /** Goes on with an outage that another process left. What only a person could mend is tried at once: they may have. */
    resume(outage: Outage): void {
      if (circuit.outage !== null) return;
      const isTimed = POLICIES[outage.kind].breaker !== "open";
      circuit = { ...circuit, outage: { ...outage, until: isTimed ? outage.until : now() } };
    },

    state(): BreakerState {
      if (circuit.outage === null) return "closed";
      return now() >= circuit.outage.until ? "half_open" : "open";
    },
    outage: (): Outage | null => circuit.outage,
    /** Whether transient failures are being counted. */
    isSuspicious: (): boolean => recent(circuit.failures, now(), bounds).length > 0,
  };
}

export type Breaker = ReturnType<typeof createBreaker>;

type FailureAt = { kind: ErrorKind; retryAfterSeconds: number | null; at: number };

function afterFailure(circuit: Circuit, failure: FailureAt, bounds: BreakerBounds): Circuit {
  const { kind, retryAfterSeconds, at } = failure;
  const { outage, openings } = circuit;
  switch (POLICIES[kind].breaker) {
    case "count": {
      const failures = [...recent(circuit.failures, at, bounds), at];
      if (outage === null && failures.length < bounds.failuresMax) return { ...circuit, failures };
      const backoffMs = Math.min(bounds.waitMs * 2 ** openings, bounds.waitMaxMs);
      const waitMs = Math.max(backoffMs, (retryAfterSeconds ?? 0) * 1_000);
      return { ...opened({ ...circuit, failures }, failure, waitMs, bounds), openings: openings + 1 };
    }
    case "open":
      return opened(circuit, failure, bounds.pausedMs, bounds);
    case "open_until_retry_after":
      return opened(
        circuit,
        failure,
        retryAfterSeconds === null ? bounds.limitedMs : retryAfterSeconds * 1_000,
        bounds,
      );
    case "ignore":
    case "success":
      return circuit; // says nothing about Claude: the next call finds out
  }
}

function opened(circuit: Circuit, failure: FailureAt, waitMs: number, bounds: BreakerBounds): Circuit {
  const { kind, at } = failure;
  const since = circuit.outage?.since ?? recent(circuit.failures, at, bounds)[0] ?? at;
  return { ...circuit, failures: [], probe: null, outage: { kind, since, until: at + waitMs } };
}

function recent(failures: readonly number[], at: number, bounds: BreakerBounds): number[] {
  return failures.filter((failedAt) => failedAt > at - bounds.windowMs);
}
