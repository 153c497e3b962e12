import { DrizzleQueryError } from "drizzle-orm";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";

const CONNECT_TIMEOUT_SECONDS = 10;
const BACKOFF_SECONDS_MAX = 1;
const POOL_SIZE = 10;
const CLOSE_SECONDS = 5;

export type Sql = postgres.Sql;
export type SqlTransaction = postgres.TransactionSql;

/** A drizzle transaction. Everything inside must be short: nothing in it may wait for Telegram or for Claude. */
export type Tx = Parameters<Parameters<PostgresJsDatabase["transaction"]>[0]>[0];

/** A postgres.js client with notices silenced. `max` is the pool's size, 10 unless told. Arrays come as text when not `arrays`. */
export function createSql(
  url: string,
  options: { max?: number; renewed?: boolean; arrays?: boolean } = {},
): Sql {
  return postgres(url, {
    max: options.max ?? POOL_SIZE,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    // By itself the driver waits up to twenty seconds after an outage before it looks again.
    backoff: (attempt) => Math.random() * Math.min(2 ** attempt / 20, BACKOFF_SECONDS_MAX),
    onnotice: () => undefined,
    // To read arrays, each new connection asks for their types; when that fails, nobody can catch it, and the process ends.
    fetch_types: options.arrays ?? true,
    // Otherwise connections are replaced now and then, and with them go the locks of their sessions.
    ...(options.renewed === false && { max_lifetime: null }),
  });
}

/**
 * The pool that the running program uses, under the runtime role. Queries go
 * through `inTenant` and `inSystem`; `listen` holds a connection of its own
 * and reconnects by itself.
 */
export function createDatabase(url: string, options: { max?: number } = {}) {
  const sql = createSql(url, { ...options, arrays: false });
  const locks = createLocks(url);
  return {
    db: drizzle(strict(sql)),
    whenFree: createQueue(sql.options.max),
    tryAlone: locks.tryAlone,
    /** Calls `onNotify` for every NOTIFY on `channel`, and `onListen` after each (re)connect, when something may have been missed. */
    async listen(
      channel: string,
      onNotify: (payload: string) => void,
      onListen: () => void,
    ): Promise<() => Promise<void>> {
      const subscription = await sql.listen(channel, onNotify, onListen);
      return () => subscription.unlisten();
    },
    /** Waits for running queries, at most five seconds, then closes every connection. */
    async close(): Promise<void> {
      await Promise.all([sql.end({ timeout: CLOSE_SECONDS }), locks.close()]);
    },
  };
}

export type Database = ReturnType<typeof createDatabase>;

/**
 * Runs work at once while fewer than `count` run, else when one of them has ended, in order. What asks for a connection
 * waits here and not in the driver: behind a hundred statements on one connection it sends BEGIN without keeping
 * the connection for that transaction, and others' statements get into it (https://github.com/porsager/postgres/issues/823).
 */
function createQueue(count: number) {
  const waiting: (() => void)[] = [];
  let left = count;
  return async function whenFree<T>(work: () => Promise<T>): Promise<T> {
    if (left > 0) left -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) left += 1;
      else next();
    }
  };
}

/**
 * Locks that are held without a transaction, so that their holder may wait for
 * a network. They belong to the session of one connection of their own, which
 * any number of them share; Postgres frees them when its process dies.
 */
function createLocks(url: string) {
  const sql = createSql(url, { max: 1, renewed: false, arrays: false });
  const held = new Set<string>();
  return {
    /**
     * Runs `work` unless somebody has `key`, here or in another process: then
     * returns null at once. The lock is gone early when the connection breaks,
     * so what must not happen twice is to be checked once more by its writes.
     */
    async tryAlone<T>(key: string, work: () => Promise<T>): Promise<{ done: T } | null> {
      if (held.has(key)) return null; // for Postgres this whole process is one session
      held.add(key);
      try {
        const [row] = await sql`SELECT pg_try_advisory_lock(hashtextextended(${key}, 0)) AS taken`;
        if (row?.["taken"] !== true) return null;
        try {
          return { done: await work() };
        } finally {
          // When the connection is gone, so is the lock; what was done is done all the same.
          await sql`SELECT pg_advisory_unlock(hashtextextended(${key}, 0))`.catch(() => undefined);
        }
      } finally {
        held.delete(key);
      }
    },
    close: () => sql.end({ timeout: CLOSE_SECONDS }),
  };
}

/** How it stands with the transaction that a handle belongs to, and with its connection. */
type Handle = { readonly isOver: () => boolean; readonly isGone: () => boolean };

const POOL: Handle = { isOver: () => false, isGone: () => false };
const NEVER = new Promise<never>(() => undefined);

/**
 * The same client, and the transactions that it begins, with every statement
 * prepared. drizzle asks for an unnamed one each time, which costs a second
 * round trip, and Postgres parses and plans it anew.
 *
 * A transaction's handle is refused once it has ended: its connection is
 * somebody else's by then, and the statement would run in their transaction,
 * with their team's rows.
 */
function strict<Client extends object>(client: Client, handle = POOL): Client {
  const refuseLate = (): void => {
    if (handle.isOver()) throw new Error("a statement came after the end of its transaction");
  };
  return new Proxy(client, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      if (key === "unsafe")
        return (query: string, params: unknown[], options: object) => {
          refuseLate();
          return value.call(target, query, params, { ...options, prepare: true });
        };
      if (key === "begin")
        return async (work: Work) => {
          let gone = false;
          const isGone = () => gone;
          const outcome: Promise<unknown> = value.call(target, (inner: object) =>
            runIn(inner, work, { isOver: isGone, isGone }),
          );
          // It ends before its work does only when the connection is closed.
          return outcome.finally(() => {
            gone = true;
          });
        };
      if (key === "savepoint")
        return async (work: Work) => {
          refuseLate();
          return value.call(target, (inner: object) => runIn(inner, work, handle));
        };
      return value;
    },
  });
}

type Work = (inner: object) => unknown;

// When this returns, postgres.js says COMMIT or ROLLBACK. On a connection that is gone it throws then where nobody can
// catch it, and the process ends (https://github.com/porsager/postgres/issues/1208). Its `begin` has failed by itself.
async function runIn(inner: object, work: Work, outer: Handle): Promise<unknown> {
  let over = false;
  const handle: Handle = { isOver: () => over || outer.isOver(), isGone: outer.isGone };
  try {
    const result = await work(strict(inner, handle));
    over = true;
    return outer.isGone() ? await NEVER : result;
  } catch (err) {
    over = true;
    if (isLastWord(err)) await NEVER;
    await new Promise(setImmediate); // an error of the socket comes before its end
    if (outer.isGone()) await NEVER;
    throw err;
  }
}

// The server closes the connection after it, and `begin` fails then.
function isLastWord(err: unknown): boolean {
  const cause = err instanceof DrizzleQueryError ? err.cause : err;
  return cause instanceof postgres.PostgresError && /^(FATAL|PANIC)$/.test(cause.severity);
}
