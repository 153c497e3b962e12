import { createRunner, createSequentialSink, createSource, type RunnerHandle } from "@grammyjs/runner";
import type { Api } from "grammy";
import type { App } from "../core/app.ts";
import { createConflictWatch } from "../core/pipeline/conflicts.ts";
import { LeaseLostError, type Lease } from "../core/pipeline/lease.ts";
import { nextOffset, storeBatch, type UpdateRow } from "../core/pipeline/updates.ts";
import { failureOf, POLL_SECONDS, type CallFailure } from "./client.ts";
import { routeOf } from "./route.ts";

// Only what we handle; Telegram keeps the last list when none is given.
const ALLOWED_UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"] as const;
const BATCH_MAX = 100;
const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 30_000;
const CONFLICT_MS_MIN = 3_000;
const CONFLICT_MS_MAX = 30_000;

/** Why the inbox stopped. `stalled` after polls that ended well, `never polled` without a single one. */
export type InboxEnd = "lease lost" | "token revoked" | "stalled" | "never polled";

type InboxOptions = {
  app: App;
  api: Api;
  me: { id: number; username: string };
  lease: Lease;
  onUpdate: (row: UpdateRow) => void;
  onEnd: (why: InboxEnd) => void;
};

/**
 * The durable source of updates: each batch is stored together with the new
 * offset, and only then is Telegram asked for more, which confirms it.
 * `onUpdate` gets each new update once and must return at once.
 */
export function createInbox(options: InboxOptions) {
  const { app } = options;
  const stopping = new AbortController();
  const conflicts = createConflictWatch(app, options.lease);
  let offset: number | null = null;
  let failures = 0;
  let ended = false;
  let beganAt: number | null = null;
  let hasPolled = false;

  // The runner ends for good when this throws, so every failure waits here and yields nothing.
  async function supply(): Promise<UpdateRow[]> {
    if (ended) {
      await app.clock.sleep(BACKOFF_MS, stopping.signal);
      return [];
    }
    try {
      beganAt = app.clock.now();
      offset ??= await nextOffset(app, options.lease);
      const { rows, next } = await poll(options, offset, stopping.signal);
      offset = next;
      failures = 0;
      beganAt = null;
      hasPolled = true;
      await conflicts.polled();
      return rows;
    } catch (err) {
      beganAt = null;
      if (!stopping.signal.aborted) await afterError(err);
      return [];
    }
  }

  async function afterError(err: unknown): Promise<void> {
    const failure = failureOf(err);
    if (err instanceof LeaseLostError || failure.kind === "revoked") {
      ended = true;
      return options.onEnd(err instanceof LeaseLostError ? "lease lost" : "token revoked");
    }
    failures += 1;
    if (failure.kind === "conflict") await conflicts.refused();
    const waitMs = Math.round(waitAfter(failure, failures));
    const what = failure.kind === "not_telegram" ? { err } : { failure: failure.kind };
    app.log.warn({ ...what, waitMs, failures }, "polling failed");
    await app.clock.sleep(waitMs, stopping.signal);
  }

  let runner: RunnerHandle | null = null;
  return {
    start(): void {
      const consume = async (row: UpdateRow): Promise<void> => options.onUpdate(row);
      const sink = createSequentialSink<UpdateRow>({ consume }, async (err) => {
        app.log.error({ err }, "an update could not be handed over");
      });
      runner = createRunner(createSource({ supply }), sink);
      runner.start();
    },
    /** For how many milliseconds the present poll has gone on, storing included; 0 between polls and while we back off. */
    pollMs: () => (beganAt === null ? 0 : app.clock.now() - beganAt),
    /** Whether any poll has ended well. */
    hasPolled: () => hasPolled,
    /** Stops asking Telegram; what is being stored is stored to its end. */
    async stop(): Promise<void> {
      stopping.abort();
      await runner?.stop();
    },
  };
}

export type Inbox = ReturnType<typeof createInbox>;

async function poll(
  { app, api, me, lease }: InboxOptions,
  offset: number,
  signal: AbortSignal,
): Promise<{ rows: UpdateRow[]; next: number }> {
  const request = { offset, limit: BATCH_MAX, timeout: POLL_SECONDS, allowed_updates: ALLOWED_UPDATES };
  // safe: grammY names a polyfill's type, and only listens for the abort
  const updates = await api.getUpdates(request, signal as unknown as Parameters<typeof api.getUpdates>[1]);
  const rows = await storeBatch(
    app,
    lease,
    updates.map((update) => ({ updateId: update.update_id, payload: update, ...routeOf(me, update) })),
  );
  return { rows, next: (updates.at(-1)?.update_id ?? offset - 1) + 1 };
}

// Full jitter, so that many instances do not return at once.
function waitAfter(failure: CallFailure, failures: number): number {
  if (failure.kind === "retry_after") return failure.seconds * 1_000;
  if (failure.kind === "conflict")
    return CONFLICT_MS_MIN + Math.random() * (CONFLICT_MS_MAX - CONFLICT_MS_MIN);
  return BACKOFF_MS + Math.random() * Math.min(BACKOFF_MS * 2 ** Math.min(failures, 10), BACKOFF_MS_MAX);
}
