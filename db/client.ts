import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";

const CONNECT_TIMEOUT_SECONDS = 10;
const POOL_SIZE = 10;

export type Sql = postgres.Sql;

/** A drizzle transaction. Everything inside must be short: nothing in it may wait for Telegram or for Claude. */
export type Tx = Parameters<Parameters<PostgresJsDatabase["transaction"]>[0]>[0];

/** A postgres.js client with notices silenced. `max` is the pool's size, 10 unless told. */
export function createSql(url: string, options: { max?: number } = {}): Sql {
  return postgres(url, {
    max: options.max ?? POOL_SIZE,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    onnotice: () => undefined,
  });
}

/**
 * The pool that the running program uses, under the runtime role. Queries go
 * through `inTenant` and `inSystem`; `listen` holds a connection of its own
 * and reconnects by itself.
 */
export function createDatabase(url: string, options: { max?: number } = {}) {
  const sql = createSql(url, options);
  return {
    db: drizzle(preparing(sql)),
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
    close: () => sql.end({ timeout: 5 }),
  };
}

export type Database = ReturnType<typeof createDatabase>;

/**
 * The same client, and the transactions that it begins, with every statement
 * prepared. drizzle asks for an unnamed one each time, which costs a second
 * round trip, and Postgres parses and plans it anew.
 */
function preparing<Client extends object>(client: Client): Client {
  return new Proxy(client, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      if (key === "unsafe")
        return (query: string, params: unknown[], options: object) =>
          value.call(target, query, params, { ...options, prepare: true });
      if (key === "begin" || key === "savepoint")
        return (work: (inner: object) => unknown) =>
          value.call(target, (inner: object) => work(preparing(inner)));
      return value;
    },
  });
}
