import type { SimEvent } from "./feed.ts";
import type { Telegram } from "./telegram.ts";

const PING_MS = 15_000;

/** Everything that a page shows, as server-sent events, until the page or the simulator goes away. */
export function eventStream({ feed, closing }: Telegram): Response {
  const encoder = new TextEncoder();
  let end = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => controller.enqueue(encoder.encode(text));
      const stopListening = feed.listen((event: SimEvent | null) => {
        if (event !== null) send(`data: ${JSON.stringify(event)}\n\n`);
      });
      const pings = setInterval(() => send(": ping\n\n"), PING_MS);
      end = () => {
        stopListening();
        clearInterval(pings);
      };
      closing.signal.addEventListener("abort", end, { once: true });
      send(": open\n\n");
    },
    cancel() {
      closing.signal.removeEventListener("abort", end);
      end();
    },
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}
