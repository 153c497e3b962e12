import type { StoredMessage } from "./message.ts";
import type { Store } from "./store.ts";

type Row = { content: string };

/** The messages of all chats, addressed by chat and message id. */
export function createMessages(store: Store, isBasic: (chat: number) => boolean) {
  // Private chats and basic groups share one count, as they do for a real bot; each supergroup has its own.
  function nextId(chat: number): number {
    return store.next(chat > 0 || isBasic(chat) ? "message" : `message ${chat}`);
  }

  return {
    /** Gives the message its id. */
    add(message: Omit<StoredMessage, "messageId">): StoredMessage {
      const added = { ...message, messageId: nextId(message.chat) };
      store.run("INSERT INTO messages VALUES (?, ?, ?)", added.chat, added.messageId, JSON.stringify(added));
      return added;
    },
    /** Leaves out the id that the next message of a chat would have had. */
    skip: (chat: number): void => void nextId(chat),
    get(chat: number, messageId: number): StoredMessage | null {
      const row = store.all<Row>(
        "SELECT content FROM messages WHERE chat = ? AND message_id = ?",
        chat,
        messageId,
      )[0];
      return row ? messageOf(row) : null;
    },
    replace(message: StoredMessage): void {
      const content = JSON.stringify(message);
      store.run(
        "UPDATE messages SET content = ? WHERE chat = ? AND message_id = ?",
        content,
        message.chat,
        message.messageId,
      );
    },
    remove(chat: number, messageId: number): void {
      store.run("DELETE FROM messages WHERE chat = ? AND message_id = ?", chat, messageId);
    },
    /** Oldest first. */
    inChat(chat: number): StoredMessage[] {
      return store
        .all<Row>("SELECT content FROM messages WHERE chat = ? ORDER BY message_id", chat)
        .map(messageOf);
    },
  };
}

function messageOf(row: Row): StoredMessage {
  return JSON.parse(row.content) as StoredMessage; // safe: only add and replace write this column
}
