import type { UserFromGetMe } from "grammy/types";
import type { App } from "../core/app.ts";
import { LEASE_RENEW_MS, markRevoked, releaseLease, renewLease, type Lease } from "../core/pipeline/lease.ts";
import { OUTBOX_CHANNEL, recoverSending } from "../core/pipeline/outbox.ts";
import { undone } from "../core/pipeline/updates.ts";
import { LANGUAGES } from "../core/text/text.ts";
import { publishCommands } from "./bot.ts";
import { TELEGRAM_ALLOWANCES, type Allowances } from "./budget.ts";
import { createApi, failureOf } from "./client.ts";
import type { Front } from "./context.ts";
import { createDispatch, type Dispatch } from "./dispatch.ts";
import { createInbox, type InboxEnd } from "./inbox.ts";
import { createLanes } from "./lanes.ts";
import { resumeTurns } from "./recovery.ts";
import { createSender } from "./sender.ts";

const DRAIN_MS = 20_000;
const ABANDON_MS = 2_000;
const SWEEP_MS = 30_000;

export type BotSettings = {
  readonly token: string;
  readonly apiRoot: string;
  readonly limits: Front["limits"];
  /** What each chat may be told; Telegram's own limits unless a bench raises them. */
  readonly allowances?: Allowances;
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
  const front = createFront(app, settings, held, (lane) => dispatch.step(lane));
  const dispatch = createDispatch(front, settings);
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
  const unlisten = await app.database.listen(
    OUTBOX_CHANNEL,
    (botId) => botId === String(me.id) && front.sender.wake(),
    () => front.sender.wake(),
  );
  await recover(front, dispatch);
  inbox.start();
  const background = [
    front.sender.run(drained.signal),
    keepLease(app, lease, drained.signal, end),
    keepSweeping(front, dispatch, stop),
    publishMenu(front),
  ];
  await aborted(stop);

  await inbox.stop();
  if (why === "token revoked") await markRevoked(app, lease.botId);
  await drain(front, dispatch, why === "stopped" ? DRAIN_MS : 0);
  drained.abort();
  await Promise.all([...background, unlisten()]);
  await releaseLease(app, lease).catch((err: unknown) =>
    app.log.warn({ err }, "the lease could not be given back"),
  );
  return why;
}

function createFront(
  app: App,
  settings: BotSettings,
  held: { me: UserFromGetMe; lease: Lease },
  step: (lane: string) => Promise<boolean>,
): Front {
  const api = createApi(settings, "send");
  return {
    app,
    api,
    ...held,
    sender: createSender({
      app,
      api,
      lease: held.lease,
      allowances: settings.allowances ?? TELEGRAM_ALLOWANCES,
    }),
    lanes: createLanes({ step, log: app.log }),
    limits: settings.limits,
  };
}

// A lane takes up its interrupted turn before what was said after it.
async function recover(front: Front, dispatch: Dispatch): Promise<void> {
  const outbox = await recoverSending(front.app, front.lease);
  const turns = await resumeTurns(front);
  const updates = await sweep(front, dispatch);
  if (outbox.requeued + outbox.givenUp + turns + updates > 0)
    front.app.log.info({ ...outbox, turns, updates }, "took up what was left");
}

async function sweep(front: Front, dispatch: Dispatch): Promise<number> {
  const found = await undone(front.app, front.lease);
  for (const row of found.control) dispatch.take(row);
  for (const lane of found.lanes) front.lanes.wake(lane);
  return found.control.length + found.lanes.length;
}

// What an outage left behind is taken up again without a restart.
async function keepSweeping(front: Front, dispatch: Dispatch, signal: AbortSignal): Promise<void> {
  const { app } = front;
  for (await app.clock.sleep(SWEEP_MS, signal); !signal.aborted; await app.clock.sleep(SWEEP_MS, signal)) {
    await sweep(front, dispatch).catch((err: unknown) => app.log.warn({ err }, "the sweep failed"));
  }
}

// While Postgres is away nobody else can take the lease either, so a failed renewal is no loss.
async function keepLease(
  app: App,
  lease: Lease,
  signal: AbortSignal,
  end: (why: InboxEnd) => void,
): Promise<void> {
  for (
    await app.clock.sleep(LEASE_RENEW_MS, signal);
    !signal.aborted;
    await app.clock.sleep(LEASE_RENEW_MS, signal)
  ) {
    try {
      if (!(await renewLease(app, lease))) end("lease lost");
    } catch (err) {
      app.log.warn({ err }, "the lease could not be renewed");
    }
  }
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
  lanes.abandon();
  await Promise.race([Promise.all([quiet, sender.flush()]), app.clock.sleep(ABANDON_MS)]);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
