import { sql } from "drizzle-orm";
import { inSystem } from "../../db/tenant.ts";
import { alertOperator, mayAlert } from "../alerts.ts";
import type { App } from "../app.ts";
import type { Lease } from "./lease.ts";

/** So many refusals within `CALM_MS` are another program, not a poll of ours that Telegram still thought open. */
const CONFLICTS_TOLD = 3;
/** After so long without one it is over. Shorter, and two programs that back off in turns would seem to come and go. */
const CALM_MS = 5 * 60_000;

/**
 * Watches whether another program polls with our token, and tells the operator
 * once that it does and once that it is over, restarts in between included.
 * Neither function throws.
 */
export function createConflictWatch(app: App, lease: Lease) {
  const subject = String(lease.botId);
  let refusedAt: number[] = [];
  let calmSince = app.clock.now();
  let isCalm = false; // an earlier process may have told

  function said(work: Promise<void>): Promise<void> {
    return work.catch((err: unknown) =>
      app.log.warn({ err }, "the operator could not be told of a conflict"),
    );
  }

  return {
    /** Telegram has refused a poll because of another one. */
    async refused(): Promise<void> {
      const now = app.clock.now();
      refusedAt = [...refusedAt.filter((at) => now - at < CALM_MS), now];
      calmSince = now;
      isCalm = false;
      if (refusedAt.length < CONFLICTS_TOLD) return;
      await said(
        inSystem(app, async (tx) => {
          if (!(await mayAlert(tx, { kind: "conflict", subject, everyMs: null, nowMs: now }))) return;
          await alertOperator(app, lease.botId, { kind: "conflict", key: `${subject}:${now}`, params: {} });
        }),
      );
    },
    /** A poll has ended well. */
    async polled(): Promise<void> {
      const now = app.clock.now();
      if (isCalm || now - calmSince < CALM_MS) return;
      isCalm = true;
      await said(
        inSystem(app, async (tx) => {
          const told = await tx.execute(
            sql`DELETE FROM pipeline.alerts WHERE kind = 'conflict' AND subject = ${subject} RETURNING 1`,
          );
          if (told.length === 0) return;
          await alertOperator(app, lease.botId, {
            kind: "conflict_over",
            key: `${subject}:${now}`,
            params: {},
          });
        }),
      );
    },
  };
}
