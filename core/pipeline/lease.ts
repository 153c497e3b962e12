import { sql } from "drizzle-orm";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { inSystem, oneInSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";

/** The right to poll and to send for one bot. The epoch grows with every taking, and is in the WHERE of every write. */
export type Lease = { readonly botId: number; readonly owner: string; readonly epoch: number };

/** Another process has taken the bot over; whoever gets this stops without a trace. */
export class LeaseLostError extends Error {
  constructor() {
    super("another process holds the lease of this bot");
    this.name = "LeaseLostError";
  }
}

/** A lease that is not renewed for this long may be taken by another process. */
export const LEASE_TTL_MS = 10_000;
export const LEASE_RENEW_MS = 3_000;

/**
 * Takes the bot's lease when it is free, expired, or held by a process of this
 * host that is dead; otherwise returns who holds it. The bot's row is made on
 * first use.
 */
export async function takeLease(
  app: App,
  bot: { id: number; username: string },
): Promise<Lease | { heldBy: string }> {
  const owner = `${processSpace()}/${process.pid}/${crypto.randomUUID()}`;
  return inSystem(app, async (tx) => {
    await tx.execute(sql`INSERT INTO pipeline.bots (bot_id, username) VALUES (${bot.id}, ${bot.username})
      ON CONFLICT (bot_id) DO UPDATE SET username = excluded.username`);
    const [row] = await tx.execute<{ lease_owner: string | null; live: boolean }>(
      sql`SELECT lease_owner, coalesce(lease_until > clock_timestamp(), false) AS live FROM pipeline.bots WHERE bot_id = ${bot.id} FOR UPDATE`,
    );
    const holder = row?.lease_owner ?? null;
    if (holder !== null && row?.live === true && !isDeadNeighbour(holder)) return { heldBy: holder };
    const [taken] = await tx.execute<{ epoch: string }>(
      sql`UPDATE pipeline.bots SET lease_owner = ${owner}, lease_until = clock_timestamp() + ${LEASE_TTL_MS} * interval '1 ms',
        epoch = epoch + 1, status = 'active' WHERE bot_id = ${bot.id} RETURNING epoch`,
    );
    return { botId: bot.id, owner, epoch: Number(taken?.epoch) };
  });
}

/** Extends the lease; false when it has been lost. */
export async function renewLease(app: App, lease: Lease): Promise<boolean> {
  const rows = await oneInSystem(
    app,
    sql`UPDATE pipeline.bots SET lease_until = clock_timestamp() + ${LEASE_TTL_MS} * interval '1 ms'
      WHERE bot_id = ${lease.botId} AND epoch = ${lease.epoch} RETURNING bot_id`,
  );
  return rows.length > 0;
}

/** Gives the lease back, so that the next process need not wait for it to expire. */
export async function releaseLease(app: App, lease: Lease): Promise<void> {
  await oneInSystem(
    app,
    sql`UPDATE pipeline.bots SET lease_until = NULL, lease_owner = NULL
      WHERE bot_id = ${lease.botId} AND epoch = ${lease.epoch}`,
  );
}

/** Telegram refuses the bot's token: said in /health until a later taking of the lease succeeds. */
export async function markRevoked(app: App, botId: number): Promise<void> {
  await oneInSystem(
    app,
    sql`INSERT INTO pipeline.bots (bot_id, username, status) VALUES (${botId}, '', 'revoked')
      ON CONFLICT (bot_id) DO UPDATE SET status = 'revoked'`,
  );
}

/** The bot that was polled last, whichever process does it. Null before the first one was. */
export async function servingBot(app: App): Promise<{ id: number; username: string } | null> {
  const [row] = await oneInSystem<{ bot_id: string; username: string }>(
    app,
    sql`SELECT bot_id, username FROM pipeline.bots WHERE username <> '' ORDER BY last_poll_at DESC NULLS LAST LIMIT 1`,
  );
  return row === undefined ? null : { id: Number(row.bot_id), username: row.username };
}

/** The SQL condition that fences a write: true while this lease is the newest. */
export function holds(lease: Lease) {
  return sql`EXISTS (SELECT FROM pipeline.bots b WHERE b.bot_id = ${lease.botId} AND b.epoch = ${lease.epoch})`;
}

// After a crash the supervisor starts us again at once: nobody should wait for the lease of a process that is gone.
function isDeadNeighbour(owner: string): boolean {
  const [space, pid] = owner.split("/");
  if (space !== processSpace()) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (err) {
    return err instanceof Error && "code" in err && err.code === "ESRCH";
  }
}

// Where process ids mean the same: containers may share a host name and still not see each other's.
function processSpace(): string {
  try {
    return `${hostname()}:${readlinkSync("/proc/self/ns/pid")}:${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    // Without /proc nobody can be told dead, and the lease expires by itself.
    return `${hostname()}:alone:${process.pid}`;
  }
}
