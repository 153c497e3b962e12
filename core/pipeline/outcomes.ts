import { sql } from "drizzle-orm";
import { inSystem, inTenant, oneInSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { createKeyboard } from "../buttons.ts";
import { sentence } from "../text/text.ts";
import { holds, type Lease } from "./lease.ts";
import { enqueue, TARGET } from "./outbox.ts";

/** What became of one attempt. `maybeSent`: it may have arrived, so that the next one is a repeat. */
export type Delivery =
  | { readonly state: "sent"; readonly messageId: number | null }
  | {
      readonly state: "queued";
      readonly afterMs: number;
      readonly error: string;
      readonly maybeSent: boolean;
    }
  | Failed;

type Failed = {
  readonly state: "failed";
  readonly error: string;
  /** Why nobody can be told that something was given up: nobody is there, or we may not write. */
  readonly unreachable: "gone" | "muted" | null;
};

/** A new message whose attempts may all have arrived is not sent more often than this. */
export const SENDS_MAX = 5;

/**
 * Writes the outcome of an attempt. What has been delivered, or given up, keeps
 * no text. An answer that is given up is said to be, with a button that asks again.
 */
export async function settleItem(app: App, lease: Lease, id: number, delivery: Delivery): Promise<void> {
  if (delivery.state === "failed") return giveUp(app, lease, id, delivery);
  const done = delivery.state === "sent";
  await oneInSystem(
    app,
    sql`UPDATE pipeline.outbox SET state = ${delivery.state},
      payload = ${done ? sql`NULL` : sql`payload`},
      done_at = ${done ? sql`clock_timestamp()` : sql`NULL`},
      message_id = coalesce(${done ? delivery.messageId : null}::bigint, message_id),
      next_at = clock_timestamp() + ${done ? 0 : delivery.afterMs} * interval '1 ms',
      maybe_sent = maybe_sent + ${done || !delivery.maybeSent ? 0 : 1},
      error = ${done ? null : delivery.error}
      WHERE id = ${id} AND state IN ('queued', 'sending') AND ${holds(lease)}`,
  );
}

/**
 * What a dead process was sending may have arrived. Changes and removals are
 * queued again as they are, new messages once more as repeats, up to
 * `SENDS_MAX`; an opening is given up, for its turn opens anew.
 */
export async function recoverSending(app: App, lease: Lease): Promise<{ requeued: number; givenUp: number }> {
  const [requeued, rest] = await inSystem(app, async (tx) => [
    await tx.execute(sql`UPDATE pipeline.outbox o SET state = 'queued', next_at = clock_timestamp(),
      maybe_sent = maybe_sent + CASE WHEN ${CHANGES} THEN 0 ELSE 1 END
      WHERE bot_id = ${lease.botId} AND state = 'sending' AND kind <> 'open'
        AND (${CHANGES} OR maybe_sent + 1 < ${SENDS_MAX}) AND ${holds(lease)} RETURNING id`),
    await tx.execute<{ id: string }>(
      sql`SELECT id FROM pipeline.outbox WHERE bot_id = ${lease.botId} AND state = 'sending' AND ${holds(lease)} ORDER BY id`,
    ),
  ]);
  // One by one: each has its own team.
  for (const { id } of rest)
    await giveUp(app, lease, Number(id), { error: "outcome unknown", unreachable: null });
  return { requeued: requeued.length, givenUp: rest.length };
}

const CHANGES = sql`(o.kind = 'delete' OR ${TARGET} IS NOT NULL)`;

type GivenUp = {
  kind: string;
  org_id: string | null;
  turn_id: string | null;
  chat_id: string;
  thread_id: string;
  locale: string | null;
  correlation_id: string | null;
};

async function giveUp(
  app: App,
  lease: Lease,
  id: number,
  { error, unreachable }: Omit<Failed, "state">,
): Promise<void> {
  await inSystem(app, async (tx) => {
    const [row] = await tx.execute<GivenUp>(sql`UPDATE pipeline.outbox
      SET state = 'failed', payload = NULL, done_at = clock_timestamp(), error = ${error}
      WHERE id = ${id} AND state IN ('queued', 'sending') AND ${holds(lease)}
      RETURNING kind, org_id, turn_id, chat_id, thread_id, locale, correlation_id`);
    if (row === undefined || row.kind !== "final" || unreachable !== null) return;
    await sayGivenUp(app, lease, row);
  });
}

// One word for all parts of an answer. It belongs to no turn, so that nothing is said about its own fate.
async function sayGivenUp(app: App, lease: Lease, row: GivenUp): Promise<void> {
  const { org_id: orgId, turn_id: turnId, locale, correlation_id: correlationId } = row;
  if (orgId === null || turnId === null) return;
  const chatId = Number(row.chat_id);
  await inTenant({ app, orgId }, async (tx) => {
    // Who had it deleted meanwhile wants nothing more of it, and no button can lead to it.
    const turn = await tx.execute(
      sql`SELECT FROM app.turns WHERE org_id = ${orgId} AND id = ${turnId} FOR KEY SHARE`,
    );
    if (turn.length === 0) return;
    const label = sentence(locale, "button_retry");
    const keyboard = await createKeyboard(tx, { app, orgId }, chatId, [{ label, kind: "retry", turnId }]);
    await enqueue(tx, [
      {
        orgId,
        botId: lease.botId,
        chatId,
        threadId: Number(row.thread_id),
        kind: "final",
        message: { text: sentence(locale, "answer_not_shown"), keyboard },
        key: `turn:${turnId}:not-shown`,
        ...(locale === null ? {} : { locale }),
        ...(correlationId === null ? {} : { correlationId }),
      },
    ]);
  });
}
