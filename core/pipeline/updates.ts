import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inSystem, isAway, oneInSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { holds, LeaseLostError, type Lease } from "./lease.ts";
import { enqueue, type OutboxItem } from "./outbox.ts";
import { storable } from "./storable.ts";

/** One stored update. `payload` is what Telegram sent, as it came. */
export type UpdateRow = {
  readonly updateId: number;
  readonly lane: string;
  readonly control: boolean;
  readonly payload: Record<string, unknown>;
  /** How many tenures have had it in hand. */
  readonly attempts: number;
  /** Milliseconds since the epoch, by the database's clock. */
  readonly receivedAt: number;
};

/** An update that so many tenures have ended with in hand is parked. */
const ATTEMPTS_MAX = 3;
/** After so many it may be what they died of. */
const SUSPECT_ATTEMPTS = 2;
const LANE_ROWS_MAX = 50;

type Raw = {
  update_id: string;
  lane: string;
  control: boolean;
  payload: Record<string, unknown>;
  attempts: number;
  received_ms: string;
};

const COLUMNS = sql`update_id, lane, control, payload, attempts, extract(epoch FROM received_at) * 1000 AS received_ms`;

/** The offset that Telegram is to be asked for next. */
export async function nextOffset(app: App, lease: Lease): Promise<number> {
  const [row] = await oneInSystem<{ next_offset: string }>(
    app,
    sql`SELECT next_offset FROM pipeline.bots WHERE bot_id = ${lease.botId} AND epoch = ${lease.epoch}`,
  );
  if (row === undefined) throw new LeaseLostError();
  return Number(row.next_offset);
}

/**
 * Stores a batch and moves the offset in one transaction, and stamps the
 * completed poll. Returns the updates that were new, in their order. Only then
 * may Telegram be asked for the next offset.
 */
export async function storeBatch(
  app: App,
  lease: Lease,
  batch: readonly { updateId: number; lane: string; control: boolean; payload: object }[],
): Promise<UpdateRow[]> {
  return inSystem(app, async (tx) => {
    const last = batch.at(-1);
    const moved = await tx.execute(sql`UPDATE pipeline.bots SET last_poll_at = clock_timestamp(),
      next_offset = ${last === undefined ? sql`next_offset` : last.updateId + 1}
      WHERE bot_id = ${lease.botId} AND epoch = ${lease.epoch} RETURNING bot_id`);
    if (moved.length === 0) throw new LeaseLostError();
    if (last === undefined) return [];
    const rows = batch.map(
      (update) =>
        sql`(${lease.botId}::bigint, ${update.updateId}::bigint, ${update.lane}, ${update.control}::boolean, ${JSON.stringify(storable(update.payload))}::jsonb)`,
    );
    const stored =
      await tx.execute<Raw>(sql`INSERT INTO pipeline.updates (bot_id, update_id, lane, control, payload)
      VALUES ${sql.join(rows, sql`, `)} ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`);
    return stored.map(fromRaw);
  });
}

/** The undone updates of one lane, oldest first, at most fifty, and the database's time, which they are stamped with. */
export async function readyInLane(
  app: App,
  lease: Lease,
  lane: string,
): Promise<{ rows: UpdateRow[]; now: number }> {
  const rows = await oneInSystem<Raw & { now_ms: string }>(
    app,
    sql`SELECT ${COLUMNS}, extract(epoch FROM clock_timestamp()) * 1000 AS now_ms
      FROM pipeline.updates
      WHERE bot_id = ${lease.botId} AND lane = ${lane} AND state = 'ready' AND NOT control
      ORDER BY received_at, update_id LIMIT ${LANE_ROWS_MAX}`,
  );
  return { rows: rows.map(fromRaw), now: Number(rows[0]?.now_ms ?? 0) };
}

/** What a start finds undone: the control updates themselves, and the names of lanes with something waiting. */
export async function undone(app: App, lease: Lease): Promise<{ control: UpdateRow[]; lanes: string[] }> {
  return inSystem(app, async (tx) => {
    const control = await tx.execute<Raw>(sql`SELECT ${COLUMNS} FROM pipeline.updates
      WHERE bot_id = ${lease.botId} AND state = 'ready' AND control ORDER BY received_at, update_id`);
    const lanes = await tx.execute<{ lane: string }>(sql`SELECT lane FROM pipeline.updates
      WHERE bot_id = ${lease.botId} AND state = 'ready' AND NOT control GROUP BY lane ORDER BY min(received_at)`);
    return { control: control.map(fromRaw), lanes: lanes.map((row) => row.lane) };
  });
}

/** What earlier tenures may have died of, oldest first. */
export async function suspects(app: App, lease: Lease): Promise<UpdateRow[]> {
  const rows = await oneInSystem<Raw>(
    app,
    sql`SELECT ${COLUMNS} FROM pipeline.updates
      WHERE bot_id = ${lease.botId} AND state = 'ready' AND attempts >= ${SUSPECT_ATTEMPTS} ORDER BY received_at, update_id`,
  );
  return rows.map(fromRaw);
}

/** Whether an update still waits to be handled. */
export async function isUndone(app: App, lease: Lease, updateId: number): Promise<boolean> {
  const rows = await oneInSystem(
    app,
    sql`SELECT FROM pipeline.updates WHERE bot_id = ${lease.botId} AND update_id = ${updateId} AND state = 'ready'`,
  );
  return rows.length > 0;
}

/**
 * Takes updates in hand and returns those that may be handled. Each tenure
 * counts once, however often it begins one. An update that three tenures have
 * ended with in hand is parked instead, and `noticesOf` it are queued in the same
 * transaction; its text goes, for it may be a secret that nobody sealed.
 */
export async function beginUpdates(
  app: App,
  lease: Lease,
  updateIds: readonly number[],
  noticesOf: (parked: UpdateRow) => Promise<readonly OutboxItem[]>,
): Promise<number[]> {
  const mayBegin = sql`(attempts < ${ATTEMPTS_MAX} OR begun_epoch IS NOT DISTINCT FROM ${lease.epoch}::bigint)`;
  const these = sql`bot_id = ${lease.botId} AND update_id IN ${[...updateIds]} AND state = 'ready' AND ${holds(lease)}`;
  const begun = await oneInSystem<{ update_id: string }>(
    app,
    sql`UPDATE pipeline.updates SET
      attempts = attempts + CASE WHEN begun_epoch IS DISTINCT FROM ${lease.epoch}::bigint THEN 1 ELSE 0 END,
      begun_epoch = ${lease.epoch}
      WHERE ${these} AND ${mayBegin} RETURNING update_id`,
  );
  if (begun.length < updateIds.length)
    await inSystem(app, async (tx) => {
      const parked = await tx.execute<Raw>(
        sql`SELECT ${COLUMNS} FROM pipeline.updates WHERE ${these} AND NOT ${mayBegin} FOR UPDATE`,
      );
      for (const row of parked) await enqueue(tx, await noticesOf(fromRaw(row)));
      await tx.execute(sql`UPDATE pipeline.updates SET state = 'parked', payload = NULL, done_at = clock_timestamp()
        WHERE ${these} AND NOT ${mayBegin}`);
    });
  return begun.map((row) => Number(row.update_id));
}

/**
 * Marks updates done in the transaction that took over their promise, and
 * scrubs what they said. Throws `LeaseLostError` when another process holds the
 * bot, so that the whole transaction is undone.
 */
export async function markDone(
  tx: Tx,
  lease: Lease,
  updateIds: readonly number[],
  turnId: string | null = null,
): Promise<void> {
  const rows =
    await tx.execute(sql`UPDATE pipeline.updates SET state = 'done', payload = NULL, turn_id = coalesce(${turnId}::uuid, turn_id), done_at = clock_timestamp()
    WHERE bot_id = ${lease.botId} AND update_id IN ${[...updateIds]} AND ${holds(lease)} RETURNING update_id`);
  if (rows.length < updateIds.length) throw new LeaseLostError();
}

/**
 * Drops what waits in a lane and came before the update `before`: the command
 * that starts afresh, or stops. With `from` only that Telegram person's
 * messages. Returns how many that were.
 */
export async function dropWaiting(
  tx: Tx,
  lease: Lease,
  waiting: { lane: string; before: number; from?: number },
): Promise<number> {
  const mine =
    waiting.from === undefined ? sql`true` : sql`payload->'message'->'from'->>'id' = ${String(waiting.from)}`;
  const rows =
    await tx.execute(sql`UPDATE pipeline.updates SET state = 'done', payload = NULL, done_at = clock_timestamp()
    WHERE bot_id = ${lease.botId} AND lane = ${waiting.lane} AND state = 'ready' AND NOT control AND ${holds(lease)} AND ${mine}
      AND (received_at, update_id) < (SELECT received_at, update_id FROM pipeline.updates
        WHERE bot_id = ${lease.botId} AND update_id = ${waiting.before})
    RETURNING update_id`);
  return rows.length;
}

/** `dropWaiting` in a transaction of its own, or in the one around it. */
export function forgetWaiting(
  app: App,
  lease: Lease,
  waiting: { lane: string; before: number; from: number },
): Promise<number> {
  return inSystem(app, (tx) => dropWaiting(tx, lease, waiting));
}

/** Whether an update or a request failed for what will pass: the database was away, or two got in each other's way. */
export function isPassing(err: unknown): boolean {
  return isAway(err);
}

function fromRaw(row: Raw): UpdateRow {
  return {
    updateId: Number(row.update_id),
    lane: row.lane,
    control: row.control,
    payload: row.payload,
    attempts: row.attempts,
    receivedAt: Number(row.received_ms),
  };
}
