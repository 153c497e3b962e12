import type { Store } from "./store.ts";

export type Update = Record<string, unknown> & { update_id: number };
export type Updates = ReturnType<typeof createUpdates>;

const KEPT_MS = 24 * 60 * 60 * 1000;
/** An offset further ahead than this belongs to an older run of ids and confirms nothing. */
const FUTURE_OFFSET_MAX = 10;
/** Not sent unless asked for by name. */
const EXCLUDED_BY_DEFAULT = ["chat_member", "message_reaction", "message_reaction_count"];

/** The updates that the bot has not confirmed, oldest first. */
export function createUpdates(store: Store, now: () => number) {
  let duplicateNext = false;

  function wanted(kind: string): boolean {
    const allowed = JSON.parse(store.setting("allowed_updates") ?? "[]") as string[]; // safe: setAllowed wrote it
    return allowed.length === 0 ? !EXCLUDED_BY_DEFAULT.includes(kind) : allowed.includes(kind);
  }

  function insert(content: Record<string, unknown>): number {
    const id = store.next("update");
    const row = [id, now(), JSON.stringify({ ...content, update_id: id })] as const;
    for (let copies = duplicateNext ? 2 : 1; copies > 0; copies -= 1) {
      store.run("INSERT INTO updates (update_id, created_at, content) VALUES (?, ?, ?)", ...row);
    }
    duplicateNext = false;
    return id;
  }

  return {
    /** Stores an update of a kind that the bot asked for; drops any other, as the service does. */
    add(kind: string, content: unknown): void {
      if (wanted(kind)) insert({ [kind]: content });
    },
    /** Stores an update whatever the bot asked for, and returns its id. */
    addRaw: insert,
    duplicateNext(): void {
      duplicateNext = true;
    },
    jump(by: number): void {
      store.next("update", by);
    },
    /** An empty list means the default kinds. Decides about updates made from now on. */
    setAllowed(kinds: readonly string[]): void {
      store.setSetting("allowed_updates", JSON.stringify(kinds));
    },
    allowed(): string[] {
      return JSON.parse(store.setting("allowed_updates") ?? "[]") as string[]; // safe: setAllowed wrote it
    },
    /** Forgets what the offset confirms: everything below it, or all but the last `-offset`. */
    confirm(offset: number): void {
      const last = store.next("update", 0);
      if (offset > 0 && offset <= last + 1 + FUTURE_OFFSET_MAX) {
        store.run("DELETE FROM updates WHERE update_id < ?", offset);
      }
      if (offset < 0) {
        const kept = "SELECT position FROM updates ORDER BY position DESC LIMIT ?";
        store.run(`DELETE FROM updates WHERE position NOT IN (${kept})`, -offset);
      }
    },
    first(limit: number): Update[] {
      store.run("DELETE FROM updates WHERE created_at < ?", now() - KEPT_MS);
      const rows = store.all<{ content: string }>(
        "SELECT content FROM updates ORDER BY position LIMIT ?",
        limit,
      );
      return rows.map(({ content }) => JSON.parse(content) as Update); // safe: insert wrote it
    },
    pending(): number {
      return store.all<{ count: number }>("SELECT count(*) AS count FROM updates")[0]?.count ?? 0;
    },
    clear(): void {
      store.run("DELETE FROM updates");
    },
  };
}
