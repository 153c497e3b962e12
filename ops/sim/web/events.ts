import type { SimEvent } from "./api.ts";

const RETRY_MS = 1500;

/**
 * Follows what happens in the simulated world, and reconnects for as long as the page lives.
 * `opened` runs on every connection: what happened in between must be read anew.
 */
export function followEvents(listen: {
  opened: () => void;
  lost: () => void;
  happened: (event: SimEvent) => void;
}): void {
  const source = new EventSource("/sim/events");
  source.addEventListener("open", listen.opened);
  source.addEventListener("message", (message: MessageEvent<string>) => {
    // Safe: the program that serves this page writes these events, to one written contract.
    listen.happened(JSON.parse(message.data) as SimEvent);
  });
  source.addEventListener("error", () => {
    listen.lost();
    // The browser's own retry gives up on some answers and waits long on others.
    source.close();
    setTimeout(() => followEvents(listen), RETRY_MS);
  });
}
