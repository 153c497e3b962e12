import type { UserFromGetMe } from "grammy/types";
import { REMOVED_CHANNEL } from "../core/accounts/members.ts";
import type { App } from "../core/app.ts";
import {
  LEASE_RENEW_MS,
  LEASE_TTL_MS,
  markRevoked,
  releaseLease,
  renewLease,
  type Lease,
} from "../core/pipeline/lease.ts";
import { monitorClaude, type MonitorBounds } from "../core/claude/monitor.ts";
import { watchParts, type PartBounds } from "../core/part-outages.ts";
import { OUTBOX_CHANNEL } from "../core/pipeline/outbox.ts";
import { recoverSending } from "../core/pipeline/outcomes.ts";
import { undone } from "../core/pipeline/updates.ts";
import { LANGUAGES } from "../core/text/text.ts";
import { publishCommands } from "./bot.ts";
import { TELEGRAM_ALLOWANCES, type Allowances } from "./budget.ts";
import { createApi, failureOf } from "./client.ts";
import type { Front } from "./context.ts";
import type { DatabaseBounds } from "./database-watch.ts";
import { createDownloads } from "./downloads.ts";
import { createDispatch, type Dispatch } from "./dispatch.ts";
import { createInbox, type Inbox, type InboxEnd } from "./inbox.ts";
import { resumeKept } from "./kept.ts";
import { createLanes } from "./lanes.ts";
import { createRecovery, takeSuspects, type Recovery } from "./recovery.ts";
import { createSender } from "./sender.ts";
import { createSlots } from "./slots.ts";

const DRAIN_MS = 20_000;
const ABANDON_MS = 2_000;
const SWEEP_MS = 5_000;
const OUTBOX_POLL_MS = 1_000;
const WATCH_BOUNDS = { everyMs: 10_000, stallMs: 120_000 };
const LEASE_MARGIN_MS = 2_000;
// Each may hold its files and the request that they make: together some 500 MB at the very most.
const FILE_TURNS_RUNNING_MAX = 6;

export type BotSettings = {
  readonly token: string;
  readonly apiRoot: string;
  /** What each chat may be told; Telegram's own limits unless a bench raises them. */
  readonly allowances?: Allowances;
  /** How often Claude is looked after, and when people are told; other than usual for tests. */
  readonly monitor?: Partial<MonitorBounds>;
  /** The same for the other parts of the health report. */
  readonly parts?: Partial<PartBounds>;
  /** The same for Postgres. */
  readonly database?: Partial<DatabaseBounds>;
  /** How often polling is looked after, and after how long a poll has stalled; other than usual for tests. */
  readonly watch?: { readonly everyMs: number; readonly stallMs: number };
};

/**
 * Everything that happens while this process holds the bot's lease: recovery,
 * then polling, answering and sending, until we are stopped, lose the lease or
 * the token. Ends with a drain of at most twenty seconds and gives the lease back.
 */
export async function serve(
  app: App,
  settings: BotSettings,
  held: { me: UserFromGetMe; lease: Lease },
  stopping: AbortSignal,
): Promise<InboxEnd | "stopped"> {
  const { lease, me } = held;
  const ended = new AbortController();
  let why = "stopped" as InboxEnd | "stopped"; // a closure changes it, which the compiler cannot see
  const end = (reason: InboxEnd): void => {
    why = reason;
    ended.abort();
  };
  const hold = createHold(app, lease, end);
  const front = createFront(app, settings, { ...held, isHeld: hold.isHeld }, (lane) => dispatch.step(lane));
  const dispatch = createDispatch(front, settings);
  const recovery = createRecovery(front);
  const inbox = createInbox({
    app,
    api: createApi(settings, "poll"),
    me,
    lease,
    onUpdate: dispatch.take,
    onEnd: end,
  });

  const stop = AbortSignal.any([stopping, ended.signal]);
  const drained = new AbortController();
  const listening = app.database.listen(
    OUTBOX_CHANNEL,
    (botId) => botId === String(me.id) && front.sender.wake(),
    () => front.sender.wake(),
  );
  const removals = app.database.listen(
    REMOVED_CHANNEL,
    (userId) => abortTurns(front, "stop", userId),
    () => undefined,
  );
  const background = [hold.keep(drained.signal), keepSending(front, drained.signal)];
  try {
    await Promise.all([listening, removals]);
    await recover(front, dispatch, recovery);
    inbox.start();
    background.push(
      keepSweeping(front, dispatch, recovery, stop),
      publishMenu(front),
      keepWatch(app, inbox, { signal: stop, ...(settings.watch ?? WATCH_BOUNDS) }, end),
      monitorClaude(app, lease, { signal: stop, bounds: settings.monitor ?? {} }),
      watchParts(app, lease, { signal: stop, bounds: settings.parts ?? {} }),
    );
    await aborted(stop);
  } finally {
    ended.abort();
    await bounded(app, inbox.stop());
    await drain(front, dispatch, why === "stopped" ? DRAIN_MS : 0);
    drained.abort();
    // With Postgres hanging some of it never ends.
    await bounded(app, Promise.all(background));
    // With Postgres away these would wait for it, and nothing depends on them: the lease expires by itself.
    const unlistened = [listening, removals].map((channel) => channel.then((unlisten) => unlisten()));
    await Promise.all([...unlistened, releaseLease(app, lease)].map((work) => bounded(app, work)));
  }
  if (why === "token revoked") await markRevoked(app, lease.botId);
  return why;
}

async function bounded(app: App, work: Promise<unknown>): Promise<void> {
  const finished = work.catch((err: unknown) => app.log.warn({ err }, "the tenure did not end cleanly"));
  await Promise.race([finished, app.clock.sleep(ABANDON_MS)]);
}

function createFront(
  app: App,
  settings: BotSettings,
  held: { me: UserFromGetMe; lease: Lease; isHeld: () => boolean },
  step: (lane: string) => Promise<boolean>,
): Front {
  const { me, lease, isHeld } = held;
  const api = createApi(settings, "send");
  const allowances = settings.allowances ?? TELEGRAM_ALLOWANCES;
  return {
    app,
    api,
    me,
    lease,
    sender: createSender({ app, api, lease, allowances, isHeld }),
    lanes: createLanes({ step, log: app.log }),
    fetchFile: createDownloads({ ...settings, api, log: app.log }),
    withFileSlot: createSlots(FILE_TURNS_RUNNING_MAX),
  };
}

async function recover(front: Front, dispatch: Dispatch, recovery: Recovery): Promise<void> {
  const outbox = await recoverSending(front.app, front.lease);
  const alone = await takeSuspects(front, dispatch.take);
  const turns = await recovery.resumeTurns();
  const kept = await resumeKept(front);
  const updates = await sweep(front, dispatch, recovery);
  if (outbox.requeued + outbox.givenUp + alone + turns + kept + updates > 0)
    front.app.log.info({ ...outbox, alone, turns, kept, updates }, "took up what was left");
}

// A lane takes up its interrupted turn before what was said after it.
async function sweep(front: Front, dispatch: Dispatch, recovery: Recovery): Promise<number> {
  await recovery.resumeTurns();
  const found = await undone(front.app, front.lease);
  for (const row of found.control) dispatch.take(row);
  for (const lane of found.lanes) front.lanes.wake(lane);
  return found.control.length + found.lanes.length;
}

// What an outage left behind is taken up again without a restart.
async function keepSweeping(
  front: Front,
  dispatch: Dispatch,
  recovery: Recovery,
  signal: AbortSignal,
): Promise<void> {
  const { app } = front;
  for (await app.clock.sleep(SWEEP_MS, signal); !signal.aborted; await app.clock.sleep(SWEEP_MS, signal)) {
    await sweep(front, dispatch, recovery).catch((err: unknown) => app.log.warn({ err }, "the sweep failed"));
  }
}

// A poll ends within its timeout, stored or refused. One that does not has met something that hangs.
async function keepWatch(
  app: App,
  inbox: Inbox,
  { signal, everyMs, stallMs }: { signal: AbortSignal; everyMs: number; stallMs: number },
  end: (why: InboxEnd) => void,
): Promise<void> {
  for (; !signal.aborted; await app.clock.sleep(everyMs, signal)) {
    if (inbox.pollMs() <= stallMs) continue;
    app.log.error({ pollMs: Math.round(inbox.pollMs()) }, "polling has stalled");
    end(inbox.hasPolled() ? "stalled" : "never polled");
  }
}

// NOTIFY wakes the outbox; this stands behind it.
async function keepSending({ app, sender }: Front, signal: AbortSignal): Promise<void> {
  for (; !signal.aborted; await app.clock.sleep(OUTBOX_POLL_MS, signal)) sender.wake();
}

/**
 * Renews the lease. Once it has not been renewed for nearly its whole life it
 * counts as lost, whatever kept us from renewing it: another process may hold it.
 */
function createHold(app: App, lease: Lease, end: (why: InboxEnd) => void) {
  let renewedAt = app.clock.now();
  const isHeld = (): boolean => app.clock.now() - renewedAt < LEASE_TTL_MS - LEASE_MARGIN_MS;

  // A database that hangs must not keep us from noticing that the lease may be gone: then null.
  async function withinHold(renewal: Promise<boolean>): Promise<boolean | null> {
    const finished = new AbortController();
    const heldMs = Math.max(0, renewedAt + LEASE_TTL_MS - LEASE_MARGIN_MS - app.clock.now());
    const late = app.clock.sleep(heldMs, finished.signal).then(() => null);
    return Promise.race([renewal, late]).finally(() => finished.abort());
  }

  return {
    isHeld,
    async keep(signal: AbortSignal): Promise<void> {
      for (; !signal.aborted; await app.clock.sleep(LEASE_RENEW_MS, signal)) {
        const askedAt = app.clock.now();
        try {
          const renewed = await withinHold(renewLease(app, lease));
          if (renewed === false) return end("lease lost");
          if (renewed === true) renewedAt = askedAt;
        } catch (err) {
          app.log.warn({ err }, "the lease could not be renewed");
        }
        if (!isHeld()) end("lease lost");
      }
    },
  };
}

async function publishMenu(front: Front): Promise<void> {
  try {
    await publishCommands(front.api, LANGUAGES);
  } catch (err) {
    front.app.log.warn({ failure: failureOf(err).kind }, "the command menu could not be set");
  }
}

// Running answers are finished first; what takes longer stays a running turn for the next start.
async function drain(front: Front, dispatch: Dispatch, graceMs: number): Promise<void> {
  const { app, lanes, sender } = front;
  const quiet = Promise.all([lanes.drain(), dispatch.settled()]);
  await Promise.race([quiet, app.clock.sleep(graceMs)]);
  abortTurns(front, "shutdown"); // what still runs is left to the next start
  await Promise.race([Promise.all([quiet, sender.flush()]), app.clock.sleep(ABANDON_MS)]);
}

function abortTurns({ lanes }: Front, reason: "stop" | "shutdown", askerId?: string): void {
  for (const turn of lanes.turns()) {
    if (askerId === undefined || turn.askerId === askerId) turn.controller.abort(reason);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
