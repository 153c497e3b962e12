import type { SimMessage } from "./message.ts";

/** What a page is told about. */
export type SimEvent =
  | { type: "message" | "edited"; message: SimMessage }
  | { type: "deleted"; chat: number; messageId: number }
  | { type: "typing"; chat: number; thread: number | null }
  | { type: "callback"; id: string; chat: number; text: string | null; showAlert: boolean }
  | { type: "commands" }
  | { type: "chats" };

type Listener = (event: SimEvent | null) => void;

/** Tells listeners what changed. `null` stands for a change that no page shows, such as a finished call. */
export function createFeed() {
  const listeners = new Set<Listener>();
  return {
    tell(event: SimEvent | null): void {
      for (const listener of listeners) listener(event);
    },
    /** Returns the function that ends the subscription. */
    listen(listener: Listener): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
