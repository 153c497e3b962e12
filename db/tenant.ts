import { AsyncLocalStorage } from "node:async_hooks";
import { DrizzleQueryError, sql, type SQL } from "drizzle-orm";
import type { Database, Tx } from "./client.ts";

/** `entered` is settled once Postgres has let the transaction see the rows of `orgId`. */
type Running = { readonly tx: Tx; orgId: string | null; entered: Promise<unknown>; ended: boolean };

// SQLSTATEs, and the words of the driver and the network: CONNECTION_CLOSED, ECONNREFUSED.
const DRIVER_CODE = /^[0-9A-Z_]+$/;
const REASON_CHARS_MAX = 200;

const running = new AsyncLocalStorage<Running>();

/**
 * What Postgres refused, without the query's parameters, which drizzle's own
 * error carries in its message. `code` is the SQLSTATE, or the driver's code
 * when the connection failed.
 */
export class DatabaseError extends Error {
  readonly code: string;
  readonly constraint: string | null;

  constructor(code: string, constraint: string | null, reason: string) {
    super(`database refused: ${code}${constraint === null ? "" : ` (${constraint})`} ${reason}`.trim());
    this.name = "DatabaseError";
    this.code = code;
    this.constraint = constraint;
  }
}

/** Whether Postgres was away, busy or in a deadlock, so that the same again may work later. */
export function isAway(err: unknown): boolean {
  // Connection, resources, locks, shutdown, rollback; the driver's and the network's own codes are words.
  return err instanceof DatabaseError && /^(08|53|55P03|57|40|25P03|CONN|E[A-Z])/.test(err.code);
}

/**
 * Runs `work` in a transaction that can see one team's rows and no other's.
 * Called inside another transaction of the same team (or of no team yet) it
 * joins that one; inside another team's it throws. Throws `DatabaseError`.
 */
export async function inTenant<T>(
  scope: { readonly orgId: string; readonly app: { readonly database: Database } },
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const outer = running.getStore();
  if (outer === undefined || outer.ended) {
    return begin(scope.app.database, scope.orgId, work);
  }
  if (outer.orgId !== null && outer.orgId !== scope.orgId) {
    throw new Error("a transaction of one team was asked to work for another");
  }
  if (outer.orgId === null) {
    outer.orgId = scope.orgId; // before any wait: another team may ask to join meanwhile
    outer.entered = enter(outer.tx, scope.orgId);
  }
  return work(outer.tx);
}

/**
 * Runs `work` in a transaction of no team: schema `pipeline` and the functions
 * of schema `auth`. Every team's rows are invisible. Joins an outer transaction.
 */
export async function inSystem<T>(
  app: { readonly database: Database },
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const outer = running.getStore();
  return outer === undefined || outer.ended ? begin(app.database, null, work) : work(outer.tx);
}

/**
 * One statement of no team. Joins an outer transaction; else it goes alone,
 * without BEGIN and COMMIT, which saves two round trips.
 */
export async function oneInSystem<Row extends Record<string, unknown>>(
  app: { readonly database: Database },
  statement: SQL,
) {
  const outer = running.getStore();
  if (outer !== undefined && !outer.ended) return outer.tx.execute<Row>(statement);
  try {
    const { db, whenFree } = app.database;
    return await whenFree(async () => db.execute<Row>(statement));
  } catch (err) {
    throw withoutParameters(err);
  }
}

/** Throws inside a transaction: what the caller does next waits for a network, and would hold locks meanwhile. */
export function refuseInTransaction(): void {
  const outer = running.getStore();
  if (outer !== undefined && !outer.ended) throw new Error("a transaction must not wait for the network");
}

async function begin<T>(
  { db, whenFree }: Database,
  orgId: string | null,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const transaction = (): Promise<T> =>
    db.transaction(async (tx) => {
      const entered = orgId === null ? Promise.resolve() : enter(tx, orgId);
      const own: Running = { tx, orgId, entered, ended: false };
      try {
        return await running.run(own, () => work(tx));
      } finally {
        own.ended = true;
        await own.entered; // when it failed, the work failed for that reason alone
      }
    });
  try {
    return await whenFree(transaction);
  } catch (err) {
    throw withoutParameters(err);
  }
}

// On its way when this returns, in the same packet as the first statement of the work, which Postgres runs after it.
// Had it failed, it would have aborted the transaction, and without it no row is visible.
function enter(tx: Tx, orgId: string): Promise<unknown> {
  const entered = tx.execute(sql`SELECT set_config('app.current_org_id', ${orgId}, true)`).execute();
  entered.catch(() => undefined); // told at the end of the transaction
  return entered;
}

function withoutParameters(err: unknown): unknown {
  const cause = err instanceof DrizzleQueryError ? err.cause : err;
  if (
    !(cause instanceof Error) ||
    !("code" in cause) ||
    typeof cause.code !== "string" ||
    !DRIVER_CODE.test(cause.code)
  ) {
    return err instanceof DrizzleQueryError ? new DatabaseError("unknown", null, "") : err;
  }
  const constraint =
    "constraint_name" in cause && typeof cause.constraint_name === "string" ? cause.constraint_name : null;
  return new DatabaseError(cause.code, constraint, reasonOf(cause.code, cause.message));
}

// Postgres keeps values in `detail`, and names columns, types and functions in its message; but of a value that it cannot
// read (class 22) the message says which: `invalid input syntax for type uuid: "…"`.
function reasonOf(code: string, message: string): string {
  const [reason = ""] = code.startsWith("22") ? message.split(/[:"]/) : [message];
  return reason.slice(0, REASON_CHARS_MAX);
}
