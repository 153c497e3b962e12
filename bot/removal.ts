import { type CallFailure, failureOf } from "./client.ts";
import type { Front } from "./context.ts";

const ATTEMPTS_MAX = 3;
const RETRY_MS = 1_000;

/**
 * Deletes a message that must not stay, whoever wrote it; true when it is gone.
 * What may pass is tried again for a few seconds. It waits for no budget, since
 * nothing is shown by it.
 */
export async function removeMessage(front: Front, chatId: number, messageId: number): Promise<boolean> {
  const { api, app } = front;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await api.deleteMessage(chatId, messageId);
      return true;
    } catch (err) {
      const failure = failureOf(err);
      if (failure.kind === "no_message") return true;
      app.log.warn({ failure: failure.kind, attempt }, "a message could not be deleted");
      if (attempt >= ATTEMPTS_MAX || !mayPass(failure)) return false;
      await app.clock.sleep(RETRY_MS);
    }
  }
}

// Deleting twice does no harm, so an unknown outcome is tried again too.
function mayPass({ kind }: CallFailure): boolean {
  return kind === "unreachable" || kind === "server" || kind === "retry_after";
}
