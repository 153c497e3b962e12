import { Database } from "bun:sqlite";
import { createHash, randomUUID } from "node:crypto";

const IDEMPOTENCY_MS = 24 * 60 * 60_000;
const MAILS_MAX = 1000;

/** `at` is in milliseconds since 1970. */
export type Mail = {
  id: string;
  from: string;
  to: string[];
  subject: string;
  html: string | null;
  text: string | null;
  at: number;
};

type MailRow = Omit<Mail, "to"> & { to: string };

export type Store = ReturnType<typeof openStore>;

/** Opens or creates the SQLite file; ":memory:" keeps nothing. Throws when the file cannot be opened. */
export function openStore(path: string, clock: () => number) {
  const db = new Database(path, { create: true, strict: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run(`CREATE TABLE IF NOT EXISTS mails (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, "from" TEXT NOT NULL, "to" TEXT NOT NULL, subject TEXT NOT NULL,
    html TEXT, text TEXT, at INTEGER NOT NULL)`);
  db.run(`CREATE TABLE IF NOT EXISTS sent_keys (
    account TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, key))`);
  type SentKey = { key: string; idempotencyKey: string; hash: string };
  const insert = db.transaction((mail: Mail, sentKey: SentKey | null) => {
    const { id, from, to, subject, html, text, at } = mail;
    db.query(
      `INSERT INTO mails (id, "from", "to", subject, html, text, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(id, from, JSON.stringify(to), subject, html, text, at);
    db.query(`DELETE FROM mails WHERE number <= (SELECT MAX(number) FROM mails) - ?`).run(MAILS_MAX);
    db.query(`DELETE FROM sent_keys WHERE at <= ?`).run(at - IDEMPOTENCY_MS);
    if (sentKey === null) return;
    const { key, idempotencyKey, hash } = sentKey;
    db.query(`INSERT INTO sent_keys VALUES (?, ?, ?, ?, ?)`).run(
      accountOf(key),
      idempotencyKey,
      hash,
      id,
      at,
    );
  });
  return {
    mails(): Mail[] {
      const rows = db.query<MailRow, []>(
        `SELECT id, "from", "to", subject, html, text, at FROM mails ORDER BY number DESC`,
      );
      return rows.all().map((row) => ({ ...row, to: JSON.parse(row.to) as string[] })); // safe: written above
    },
    known: (key: string, idempotencyKey: string) =>
      db
        .query<{ id: string; hash: string }, [string, string, number]>(
          `SELECT id, hash FROM sent_keys WHERE account = ? AND key = ? AND at > ?`,
        )
        .get(accountOf(key), idempotencyKey, clock() - IDEMPOTENCY_MS),
    add(mail: Omit<Mail, "id" | "at">, sentKey: SentKey | null): string {
      const id = randomUUID();
      insert({ ...mail, id, at: clock() }, sentKey);
      return id;
    },
    clear: () => void db.run("DELETE FROM mails"),
    close: () => db.close(),
  };
}

function accountOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url");
}
