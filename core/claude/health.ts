import type { Clock } from "../clock.ts";
import {
  type BreakerBounds,
  type BreakerState,
  createBreaker,
  type Leave,
  type Outage,
  type Refusal,
} from "./breaker.ts";
import { type ErrorKind, isOutage, POLICIES } from "./classify.ts";

const FAULTS_MAX = 100;

/**
 * `sinceMs` is the clock's time at which this state began, whatever kinds followed; null while nothing is known.
 * `untilMs` is when the next call will be let through; null when it would be now.
 */
export type ClaudeReport = {
  readonly state: "unknown" | "ok" | "unavailable" | "limited" | "not_connected";
  readonly kind: ErrorKind | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  readonly breaker: BreakerState;
};

/** A call that failed through our own fault, or could not be read: Claude is there, and the operator must know. */
export type Fault = { readonly kind: ErrorKind; readonly incident: string };

/** An outage as other processes are told of it. */
export type CredentialOutage = Outage & { readonly credential: string };

type Verdict = { readonly kind: ErrorKind | null; readonly since: number; readonly at: number };

/**
 * What is known of Claude, by credential: each has a breaker of its own, so that
 * one team's key does not stop another's. Kept in memory; the holder of the
 * bot's lease writes outages down.
 */
export function createClaudeHealth(clock: Pick<Clock, "now">, bounds: Partial<BreakerBounds> = {}) {
  const standings = new Map<string, Standing>();
  const teams = new Map<string, string>();
  let faults: Fault[] = [];
  let waiting = false;

  function of(credential: string): Standing {
    const known = standings.get(credential) ?? createStanding(clock, bounds);
    standings.set(credential, known);
    return known;
  }

  return {
    ask: (credential: string): Leave | Refusal => of(credential).breaker.ask(),

    progressed: (credential: string, call: Leave): void => of(credential).breaker.progressed(call),

    ended(
      credential: string,
      call: Leave,
      end: { kind: ErrorKind | null; retryAfterSeconds: number | null; incident: string },
    ): void {
      const { kind } = end;
      const standing = of(credential);
      standing.breaker.ended(call, kind, end.retryAfterSeconds);
      standing.note(kind);
      if (kind === null || isOutage(kind) || POLICIES[kind].alert === "none") return;
      faults = [...faults, { kind, incident: end.incident }].slice(-FAULTS_MAX);
    },

    /** The end of a background probe; `kind` is null when the model was retrieved. */
    probed(credential: string, kind: ErrorKind | null): void {
      const standing = of(credential);
      standing.breaker.probed(kind);
      // A model that can be retrieved ends no outage that has not ended by itself.
      if (kind !== null || (standing.breaker.outage() === null && !standing.breaker.isSuspicious()))
        standing.note(kind);
    },

    /** Goes on with an outage that another process left. */
    resume({ credential, ...outage }: CredentialOutage): void {
      const standing = of(credential);
      standing.breaker.resume(outage);
      standing.note(outage.kind, outage.since);
    },

    report: (credential: string): ClaudeReport => of(credential).report(),

    outages: (): CredentialOutage[] =>
      [...standings].flatMap(([credential, { breaker }]) => {
        const outage = breaker.outage();
        return outage === null ? [] : [{ credential, ...outage }];
      }),

    /** A credential that is not used any more: its outage is nobody's. */
    forget(credential: string): void {
      standings.delete(credential);
    },

    /** What a team's calls are made with. */
    noteTeam: (orgId: string, credential: string): void => void teams.set(orgId, credential),
    credentialOf: (orgId: string): string | undefined => teams.get(orgId),
    /** The credentials of all teams, each with one of its teams. */
    inUse: (): Map<string, string> => new Map([...teams].map(([orgId, credential]) => [credential, orgId])),

    /** A question has been stored that waits for Claude. */
    noteWaiting(): void {
      waiting = true;
    },
    /** Whether one has been stored since this was last asked. */
    takeWaiting(): boolean {
      const was = waiting;
      waiting = false;
      return was;
    },

    /** Hands over what the operator has not been told yet. */
    takeFaults(): Fault[] {
      const taken = faults;
      faults = [];
      return taken;
    },
  };
}

export type ClaudeHealth = ReturnType<typeof createClaudeHealth>;

type Standing = ReturnType<typeof createStanding>;

/** The breaker of one credential, and what its last telling call said. */
function createStanding(clock: Pick<Clock, "now">, bounds: Partial<BreakerBounds>) {
  const breaker = createBreaker({ now: () => clock.now(), bounds });
  let last: Verdict | null = null;

  return {
    breaker,

    note(kind: ErrorKind | null, since = clock.now()): void {
      const verdict = verdictOf(kind);
      if (verdict === undefined) return;
      const goesOn = last !== null && (last.kind === null) === (verdict === null);
      last = { kind: verdict, since: goesOn && last !== null ? last.since : since, at: clock.now() };
    },

    report(): ClaudeReport {
      const outage = breaker.outage();
      const kind = outage?.kind ?? last?.kind ?? null;
      const untilMs = outage === null || outage.until <= clock.now() ? null : outage.until;
      return {
        state: stateOf(kind, last),
        kind,
        // An answer that was on its way when the outage began does not end it.
        sinceMs: outage?.since ?? last?.since ?? null,
        untilMs,
        breaker: breaker.state(),
      };
    },
  };
}

/** An outage as a report, for whoever has only read of it. */
export function reportOf(outage: Outage, nowMs: number): ClaudeReport {
  const isOpen = outage.until > nowMs;
  return {
    state: stateOf(outage.kind, null),
    kind: outage.kind,
    sinceMs: outage.since,
    untilMs: isOpen ? outage.until : null,
    breaker: isOpen ? "open" : "half_open",
  };
}

/** What a call says about Claude: null that it answers, undefined nothing. A refusal is an answer. */
function verdictOf(kind: ErrorKind | null): ErrorKind | null | undefined {
  if (kind === null || POLICIES[kind].breaker === "success") return null;
  return POLICIES[kind].breaker === "ignore" ? undefined : kind;
}

function stateOf(kind: ErrorKind | null, last: Verdict | null): ClaudeReport["state"] {
  if (kind === null) return last === null ? "unknown" : "ok";
  if (kind === "not_connected") return "not_connected";
  return POLICIES[kind].breaker === "open_until_retry_after" ? "limited" : "unavailable";
}
