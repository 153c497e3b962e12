import { badRequest } from "./api-error.ts";
import type { Store } from "./store.ts";

export type CallbackAnswer = { text?: string; showAlert: boolean };

type Row = { chat: number; created_at: number; answer: string | null };

const ANSWER_WITHIN_MS = 30_000;

/** Pressed buttons and what the bot answered. */
export function createCallbacks(store: Store, now: () => number) {
  function find(id: string): Row | null {
    return store.all<Row>("SELECT * FROM callbacks WHERE id = ?", id)[0] ?? null;
  }

  return {
    add(chat: number): string {
      const id = String(store.next("callback"));
      store.run("INSERT INTO callbacks VALUES (?, ?, ?, NULL)", id, chat, now());
      return id;
    },
    /** Returns the chat. Throws for an unknown, an already answered and an old query, as the service does. */
    answer(id: string, answer: CallbackAnswer): number {
      const row = find(id);
      if (!row || row.answer !== null || now() - row.created_at > ANSWER_WITHIN_MS) {
        throw badRequest("query is too old and response timeout expired or query ID is invalid");
      }
      store.run("UPDATE callbacks SET answer = ? WHERE id = ?", JSON.stringify(answer), id);
      return row.chat;
    },
    answerTo(id: string): CallbackAnswer | null {
      const answer = find(id)?.answer ?? null;
      return answer === null ? null : (JSON.parse(answer) as CallbackAnswer); // safe: written by answer above
    },
  };
}
