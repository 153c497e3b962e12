import type { Telegram } from "./telegram.ts";

const CALLS_SHOWN = 10;

/**
 * Looks again after every change until `what` gives something. Rejects after
 * `timeoutMs` with the latest calls of the bot, or with what `what` throws.
 */
export function waitFor<T>(
  { feed, journal }: Telegram,
  what: () => T | undefined | null | false,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let looking = false;
    const stopListening = feed.listen(() => {
      if (looking) return;
      looking = true;
      // After the change is complete, not in the middle of it.
      queueMicrotask(look);
    });
    const timer = setTimeout(() => {
      finish();
      const calls = journal.calls.slice(-CALLS_SHOWN).map(({ method, description, params }) => {
        return `  ${method} ${JSON.stringify(params)} ${description ?? "ok"}`;
      });
      reject(
        new Error([`Nothing came within ${timeoutMs} ms. The bot's latest calls:`, ...calls].join("\n")),
      );
    }, timeoutMs);

    function finish(): void {
      stopListening();
      clearTimeout(timer);
    }

    function look(): void {
      looking = false;
      try {
        const found = what();
        if (found === undefined || found === null || found === false) return;
        finish();
        resolve(found);
      } catch (err) {
        finish();
        reject(err);
      }
    }

    look();
  });
}
