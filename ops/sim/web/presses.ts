import { pressButton } from "./api.ts";
import type { Message, MessageButton } from "./api.ts";
import { pressKey } from "./bubble.ts";
import type { Notices } from "./notices.ts";
import { actingPerson } from "./state.ts";
import type { Store } from "./state.ts";

/** The real clients give up waiting for an answer to a press after about this time. */
const ANSWER_WAIT_MS = 30_000;
const EARLY_ANSWERS_MAX = 50;

type Answer = { id: string; text?: string | null; showAlert: boolean };

/** Presses of inline buttons: each spins until the bot answers it, and shows the answer. */
export function createPresses(store: Store, notices: Notices) {
  const { state } = store;
  const waiting = new Map<string, string>();
  // An answer may overtake the id of its own press.
  const early = new Map<string, Answer>();

  function settle(id: string): void {
    const key = waiting.get(id);
    waiting.delete(id);
    if (key !== undefined) store.change(() => state.pressed.delete(key));
  }
  function show({ id, text, showAlert }: Answer): void {
    settle(id);
    if (text && showAlert) notices.alert(text);
    else if (text) notices.toast(text);
  }
  async function send(message: Message, data: string): Promise<void> {
    const key = pressKey(message, data);
    if (state.pressed.has(key)) return;
    store.change(() => state.pressed.add(key));
    try {
      const id = await pressButton(actingPerson(state).id, message, data);
      waiting.set(id, key);
      setTimeout(() => settle(id), ANSWER_WAIT_MS);
      const answer = early.get(id);
      if (answer !== undefined) show(answer);
    } catch (error) {
      store.change(() => state.pressed.delete(key));
      throw error;
    }
  }

  return {
    press(message: Message, button: MessageButton): void {
      if (button.data !== undefined) void notices.attempt(send(message, button.data));
    },
    answered(answer: Answer): void {
      if (waiting.has(answer.id)) return show(answer);
      early.set(answer.id, answer);
      const oldest = early.keys().next().value;
      if (early.size > EARLY_ANSWERS_MAX && oldest !== undefined) early.delete(oldest);
    },
  };
}
