import { Database } from "bun:sqlite";

export type Store = ReturnType<typeof openStore>;

// Kinds of counters, and the number before the first.
const COUNTERS_START = { update: 700_000_000, callback: 4_000_000_000_000_000, file: 0 };

const SCHEMA = `
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS people (position INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, profile TEXT NOT NULL,
  started INTEGER NOT NULL DEFAULT 0, blocked INTEGER NOT NULL DEFAULT 0, deactivated INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS groups (position INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, title TEXT NOT NULL,
  forum INTEGER NOT NULL, bot TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS members (chat INTEGER NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (chat, person));
CREATE TABLE IF NOT EXISTS messages (chat INTEGER NOT NULL, message_id INTEGER NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (chat, message_id));
CREATE TABLE IF NOT EXISTS updates (position INTEGER PRIMARY KEY AUTOINCREMENT, update_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL, content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS updates_by_id ON updates (update_id);
CREATE TABLE IF NOT EXISTS callbacks (id TEXT PRIMARY KEY, chat INTEGER NOT NULL, created_at INTEGER NOT NULL, answer TEXT);
CREATE TABLE IF NOT EXISTS commands (scope TEXT NOT NULL, language TEXT NOT NULL, commands TEXT NOT NULL,
  PRIMARY KEY (scope, language));
CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL, mime TEXT NOT NULL,
  bytes BLOB NOT NULL);
`;

/** Opens the simulator's state: a file that survives restarts, or ":memory:". */
export function openStore(path: string) {
  const database = new Database(path, { create: true, strict: true });
  // A write is in the log before the answer leaves, which is enough for a killed process.
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = NORMAL");
  database.run(SCHEMA);

  function all<Row>(sql: string, ...values: Value[]): Row[] {
    return database.query<Row, Value[]>(sql).all(...values);
  }

  /** Moves a counter and returns its new value. Numbers are never given twice, also after a restart. */
  function next(name: string, by = 1): number {
    const start = COUNTERS_START[name as keyof typeof COUNTERS_START] ?? 0;
    const rows = all<{ value: number }>(
      `INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + ? RETURNING value`,
      name,
      start + by,
      by,
    );
    return rows[0]?.value ?? start;
  }

  return {
    all,
    next,
    run(sql: string, ...values: Value[]): void {
      database.query<unknown, Value[]>(sql).run(...values);
    },
    /** Either everything that `work` writes is stored or nothing. May be nested. */
    atomically<T>(work: () => T): T {
      return database.transaction(work)();
    },
    setting(name: string): string | null {
      return all<{ value: string }>("SELECT value FROM settings WHERE name = ?", name)[0]?.value ?? null;
    },
    setSetting(name: string, value: string): void {
      all(
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
      );
    },
    close(): void {
      database.close();
    },
  };
}

type Value = string | number | null | Uint8Array;
