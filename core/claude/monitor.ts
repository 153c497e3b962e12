import type { App } from "../app.ts";
import { alertOperator, mayAlert } from "../alerts.ts";
import { inSystem } from "../../db/tenant.ts";
import { keptPlaces, offerKept } from "../chat/kept.ts";
import type { Lease } from "../pipeline/lease.ts";
import { everyTeam } from "../accounts/teams.ts";
import type { ClaudeAccess } from "./access.ts";
import type { ErrorKind } from "./classify.ts";
import { credentialOf, instanceAccess, teamAccess } from "./credentials.ts";
import type { Fault } from "./health.ts";
import { ALERT_BOUNDS, type AlertBounds, openOutages, recordOutages } from "./outages.ts";

const FAULT_REPEAT_MS: Partial<Record<ErrorKind, number>> = { garbled: 3_600_000 };

/** How often the monitor looks, in milliseconds. */
export type MonitorBounds = AlertBounds & {
  readonly tickMs: number;
  /** Between two background probes in an outage. */
  readonly probeMs: number;
  /** The same while a failure has not made an outage yet. */
  readonly doubtMs: number;
  /** Between two looks for questions that wait to be offered. */
  readonly offerMs: number;
  /** So long after the last failure at a place people may press Retry themselves. */
  readonly graceMs: number;
};

const MONITOR_BOUNDS: Readonly<MonitorBounds> = {
  ...ALERT_BOUNDS,
  tickMs: 1_000,
  probeMs: 30_000,
  doubtMs: 10_000,
  offerMs: 5_000,
  graceMs: 30_000,
};

/**
 * Watches over Claude for as long as this process holds the bot's lease: finds
 * out in the background whether an outage is over, writes outages down, tells
 * owners and operator, and offers to answer what was asked meanwhile. None of it
 * needs a worker, or anybody to ask something. While all is well it does
 * nothing. Ends with `signal`.
 */
export async function monitorClaude(
  app: App,
  lease: Lease,
  options: { signal: AbortSignal; bounds?: Partial<MonitorBounds> },
): Promise<void> {
  const { signal } = options;
  const bounds = { ...MONITOR_BOUNDS, ...options.bounds };
  const prober = createProber(app, bounds);
  const offers = createOffers(app, lease, bounds);
  let open: number | null = null; // not known yet
  for (; !signal.aborted; await app.clock.sleep(bounds.tickMs, signal)) {
    try {
      open ??= await takeOver(app);
      await offers.tick();
      prober.tick(open > 0 || offers.areOwed(), signal);
      if (open > 0 || app.claudeHealth.outages().length > 0) open = await record(app, lease, bounds);
      for (const fault of app.claudeHealth.takeFaults()) await tellFault(app, lease, fault, bounds);
    } catch (err) {
      app.log.warn({ err }, "Claude's state could not be written down");
    }
  }
  await prober.settled();
}

// What another process met goes on here; an outage of a credential that is not used any more waits for its successor to work.
async function takeOver(app: App): Promise<number> {
  for (const team of await everyTeam(app)) await teamAccess(app, team);
  const outages = await openOutages(app);
  for (const outage of outages) if (isInUse(app, outage.credential)) app.claudeHealth.resume(outage);
  return outages.length;
}

function isInUse({ claude, claudeHealth }: App, credential: string): boolean {
  return credential === claude.credential || claudeHealth.inUse().has(credential);
}

async function record(app: App, lease: Lease, bounds: MonitorBounds): Promise<number> {
  const current = app.claudeHealth.outages();
  const { state } = app.claudeHealth.report(app.claude.credential);
  const isOver = (credential: string): boolean =>
    !current.some((outage) => outage.credential === credential) &&
    (isInUse(app, credential) || state === "ok" || !app.claude.connected);
  return recordOutages(app, lease, { current, isOver, bounds });
}

async function tellFault(app: App, lease: Lease, fault: Fault, bounds: MonitorBounds): Promise<void> {
  const { kind, incident } = fault;
  const everyMs = Math.max(bounds.repeatMs, FAULT_REPEAT_MS[kind] ?? 0);
  const alert = { kind: "claude_fault", subject: kind, everyMs, nowMs: app.clock.now() } as const;
  await inSystem(app, async (tx) => {
    if (await mayAlert(tx, alert))
      await alertOperator(app, lease.botId, {
        kind: "claude_fault",
        key: incident,
        params: { kind, code: incident },
      });
  });
}

/** Offers what waits once Claude is known to be there. Looks only while something may wait. */
function createOffers(app: App, lease: Lease, bounds: MonitorBounds) {
  let owed = true; // what an earlier process left
  let lookedAt = -Infinity;

  return {
    areOwed: (): boolean => owed,
    async tick(): Promise<void> {
      owed = app.claudeHealth.takeWaiting() || owed;
      const now = app.clock.now();
      if (!owed || now - lookedAt < bounds.offerMs) return;
      lookedAt = now;
      const places = await keptPlaces(app, lease, "waiting");
      owed = places.length > 0;
      for (const place of places) {
        if (app.claudeHealth.report(credentialOf(place.scope)).state !== "ok") continue;
        const count = await offerKept(place, lease, bounds.graceMs);
        if (count > 0) app.log.info({ orgId: place.scope.orgId, count }, "kept questions were offered");
      }
    },
  };
}

/**
 * Retrieves the model now and then with each credential in use, one at a time,
 * while it is not known that Claude answers to it and somebody wants to know.
 */
function createProber(app: App, bounds: MonitorBounds) {
  const probing = new Map<string, Promise<void>>();
  const lastAt = new Map<string, number>();

  async function probe(credential: string, signal: AbortSignal): Promise<void> {
    const access = await accessOf(app, credential);
    // The team has another one now, or uses the instance's.
    if (access?.credential !== credential) return app.claudeHealth.forget(credential);
    const { kind } = await app.claude.retrieve(signal, access);
    if (signal.aborted) return;
    app.claudeHealth.probed(credential, kind);
    app.log.debug({ credential, kind, breaker: app.claudeHealth.report(credential).breaker }, "claude probe");
  }

  function look(credential: string, isAwaited: boolean, signal: AbortSignal): void {
    const now = app.clock.now();
    const everyMs = intervalOf(app, credential, { isAwaited, bounds });
    const isDue = everyMs !== null && now - (lastAt.get(credential) ?? -Infinity) >= everyMs;
    if (probing.has(credential) || !isDue) return;
    lastAt.set(credential, now);
    const running = probe(credential, signal)
      .catch((err: unknown) => app.log.warn({ err }, "Claude could not be probed"))
      .finally(() => probing.delete(credential));
    probing.set(credential, running);
  }

  return {
    tick(isAwaited: boolean, signal: AbortSignal): void {
      const met = app.claudeHealth.outages().map(({ credential }) => credential);
      const inUse = app.claudeHealth.inUse().keys();
      for (const credential of new Set([app.claude.credential, ...inUse, ...met]))
        look(credential, isAwaited, signal);
    },
    settled: async (): Promise<void> => {
      await Promise.all(probing.values());
    },
  };
}

/** What the team has now that was using this credential; null when no team is known to. */
async function accessOf(app: App, credential: string): Promise<ClaudeAccess | null> {
  if (credential === app.claude.credential) return instanceAccess(app);
  const orgId = app.claudeHealth.inUse().get(credential);
  const team = (await everyTeam(app)).find((each) => each.orgId === orgId);
  return team === undefined ? null : teamAccess(app, team);
}

// Null when there is nothing to find out, or when asking would make it worse.
function intervalOf(
  app: App,
  credential: string,
  { isAwaited, bounds }: { isAwaited: boolean; bounds: MonitorBounds },
): number | null {
  const { state, kind, sinceMs, untilMs, breaker } = app.claudeHealth.report(credential);
  switch (state) {
    case "ok":
    case "not_connected":
      return null;
    case "unknown":
      return isAwaited ? bounds.probeMs : null;
    case "limited":
      return untilMs === null ? bounds.probeMs : null;
    case "unavailable":
      // Whoever stands between us and Claude is not shown the key more often than necessary.
      if (kind === "intercepted" && untilMs !== null) return null;
      if (breaker !== "closed") return bounds.probeMs;
      return app.clock.now() - (sinceMs ?? 0) < bounds.doubtMs ? null : bounds.doubtMs;
  }
}
