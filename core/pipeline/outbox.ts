import { sql, type SQL } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inSystem, oneInSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { storable } from "./storable.ts";
import { holds, LeaseLostError, type Lease } from "./lease.ts";

/** One message as it will be shown. Entities and keyboard are in the messenger's own terms; core only carries them. */
export type OutgoingMessage = {
  readonly text: string;
  readonly entities?: readonly object[];
  readonly keyboard?: readonly (readonly { text: string; data: string }[])[];
  readonly file?: { readonly name: string; readonly content: string };
  /** The message that this one answers. */
  readonly replyTo?: number;
  /** The message that an edit or a deletion is about. */
  readonly messageId?: number;
};

/**
 * `open`: a message that will be edited. `final`: a part of an answer, an edit
 * when its part is open, else a new message. `notice`: anything else we say.
 */
type OutboxKind = "open" | "final" | "notice" | "edit" | "delete";

export type OutboxItem = {
  readonly botId: number;
  readonly chatId: number;
  readonly threadId: number;
  readonly kind: OutboxKind;
  readonly message: OutgoingMessage;
  /** Says the same thing only once, whoever asks for it again. */
  readonly key: string;
  readonly orgId?: string;
  readonly turnId?: string;
  readonly part?: number;
  /** The language of whoever reads it: of what is added when it may be a repeat, or is given up. */
  readonly locale?: string;
  /** What led to it, for the log. */
  readonly correlationId?: string;
};

export type OutboxRow = {
  readonly id: number;
  readonly chatId: number;
  readonly threadId: number;
  readonly kind: OutboxKind;
  readonly message: OutgoingMessage;
  readonly turnId: string | null;
  /** The message to change or to remove; null for a new one. */
  readonly target: number | null;
  readonly attempts: number;
  /** How many earlier attempts may have arrived: with one, this is a repeat. */
  readonly maybeSent: number;
  readonly ageMs: number;
  readonly locale: string | null;
  readonly correlationId: string | null;
};

/** The channel that the sender listens on; the payload is the bot's id. */
export const OUTBOX_CHANNEL = "outbox";
/** So many are due at once, at most. */
export const DUE_MAX = 500;

type Raw = {
  id: string;
  chat_id: string;
  thread_id: string;
  kind: OutboxKind;
  payload: OutgoingMessage;
  turn_id: string | null;
  target: string | null;
  attempts: number;
  maybe_sent: number;
  age_ms: string;
  locale: string | null;
  correlation_id: string | null;
};

/**
 * The message that a row of the outbox, called `o`, changes: the one it names,
 * or for a part of an answer the one that shows this part already. A file is
 * always a message of its own.
 */
export const TARGET = sql`coalesce((o.payload->>'messageId')::bigint,
  CASE WHEN o.kind = 'final' AND o.payload->>'file' IS NULL THEN
    (SELECT m.message_id FROM pipeline.outbox m
      WHERE m.turn_id = o.turn_id AND m.part = o.part AND m.message_id IS NOT NULL ORDER BY m.id DESC LIMIT 1) END)`;

/**
 * Writes what is to be said, in the transaction of the change it tells about.
 * Its commit wakes the sender. An item whose key is known is skipped.
 */
export async function enqueue(tx: Tx, items: readonly OutboxItem[]): Promise<void> {
  if (items.length === 0) return;
  await tx.execute(sql`WITH item AS (${insertion(items, "queued")} RETURNING bot_id)
    SELECT pg_notify(${OUTBOX_CHANNEL}, bot_id::text) FROM item GROUP BY bot_id`);
}

/** Writes an item that is being sent at once by the caller. Null when its key is known. */
export async function enqueueSending(app: App, lease: Lease, item: OutboxItem): Promise<number | null> {
  return inSystem(app, async (tx) => {
    const [fence] = await tx.execute(sql`SELECT 1 WHERE ${holds(lease)}`);
    if (fence === undefined) throw new LeaseLostError();
    const [row] = await tx.execute<{ id: string }>(sql`${insertion([item], "sending")} RETURNING id`);
    return row === undefined ? null : Number(row.id);
  });
}

function insertion(items: readonly OutboxItem[], state: "queued" | "sending"): SQL {
  const rows = items.map(
    (
      item,
    ) => sql`(${item.orgId ?? null}::uuid, ${item.botId}::bigint, ${item.chatId}::bigint, ${item.threadId}::bigint, ${item.turnId ?? null}::uuid,
      ${item.part ?? 0}::int, ${item.kind}, ${JSON.stringify(storable(item.message))}::jsonb, ${item.key}, ${state}, ${state === "sending" ? 1 : 0}::int,
      ${item.locale ?? null}, ${item.correlationId ?? null})`,
  );
  return sql`INSERT INTO pipeline.outbox
    (org_id, bot_id, chat_id, thread_id, turn_id, part, kind, payload, idempotency_key, state, attempts, locale, correlation_id)
    VALUES ${sql.join(rows, sql`, `)} ON CONFLICT (idempotency_key) DO NOTHING`;
}

/**
 * What is due now, oldest first, without claiming it. In a chat nothing is due
 * before what was written earlier for it; chats in `busy` are left out. `edits`
 * says that a message will be changed or removed instead of sent.
 */
export async function dueItems(
  app: App,
  lease: Lease,
  busy: readonly number[] = [],
): Promise<{ id: number; chatId: number; edits: boolean }[]> {
  const others = busy.length === 0 ? sql`true` : sql`o.chat_id NOT IN ${[...busy]}`;
  const rows = await oneInSystem<{
    id: string;
    chat_id: string;
    edits: boolean;
  }>(
    app,
    sql`SELECT o.id, o.chat_id, ${TARGET} IS NOT NULL AS edits
      FROM pipeline.outbox o
      WHERE o.bot_id = ${lease.botId} AND o.state = 'queued' AND ${others} AND NOT EXISTS (
        SELECT FROM pipeline.outbox e WHERE e.bot_id = o.bot_id AND e.chat_id = o.chat_id AND e.id <= o.id
          AND e.state = 'queued' AND e.next_at > clock_timestamp())
      ORDER BY o.id LIMIT ${DUE_MAX}`,
  );
  return rows.map((row) => ({ id: Number(row.id), chatId: Number(row.chat_id), edits: row.edits }));
}

/**
 * Commits `sending` before the send, so that a crash in between is known to
 * have an unknown outcome. Null when it is no longer ours. Nothing is asked of
 * the database between this and the call: what is claimed is as good as sent.
 */
export async function claimItem(app: App, lease: Lease, id: number): Promise<OutboxRow | null> {
  const [row] = await oneInSystem<Raw>(
    app,
    sql`UPDATE pipeline.outbox o SET state = 'sending', attempts = attempts + 1
      WHERE id = ${id} AND state = 'queued' AND ${holds(lease)}
      RETURNING id, chat_id, thread_id, kind, payload, turn_id, attempts, maybe_sent, locale, correlation_id, ${TARGET} AS target,
        extract(epoch FROM clock_timestamp() - created_at) * 1000 AS age_ms`,
  );
  return row === undefined ? null : fromRaw(row);
}

/** The messages that an earlier attempt at this turn opened, by part. */
export async function openMessages(app: App, turnId: string): Promise<{ part: number; messageId: number }[]> {
  const rows = await oneInSystem<{
    part: number;
    message_id: string;
  }>(
    app,
    sql`SELECT DISTINCT ON (part) part, message_id FROM pipeline.outbox
      WHERE turn_id = ${turnId} AND kind = 'open' AND message_id IS NOT NULL ORDER BY part, id DESC`,
  );
  return rows.map((row) => ({ part: row.part, messageId: Number(row.message_id) }));
}

/**
 * Whether a message that once began to show this turn was given up for a later
 * one: nobody wrote down that it had arrived, and the turn opened anew.
 */
export async function isContinuedBelow(
  app: App,
  shown: { turnId: string; chatId: number; messageId: number },
): Promise<boolean> {
  const [row] = await oneInSystem<{
    known: boolean;
    below: boolean;
  }>(
    app,
    sql`SELECT bool_or(message_id = ${shown.messageId}) AS known,
        bool_or(message_id > ${shown.messageId}) AS below
      FROM pipeline.outbox WHERE turn_id = ${shown.turnId} AND chat_id = ${shown.chatId}`,
  );
  return row?.known === false && row.below;
}

function fromRaw(row: Raw): OutboxRow {
  return {
    id: Number(row.id),
    chatId: Number(row.chat_id),
    threadId: Number(row.thread_id),
    kind: row.kind,
    message: row.payload,
    turnId: row.turn_id,
    target: row.target === null ? null : Number(row.target),
    attempts: row.attempts,
    maybeSent: row.maybe_sent,
    ageMs: Number(row.age_ms),
    locale: row.locale,
    correlationId: row.correlation_id,
  };
}
