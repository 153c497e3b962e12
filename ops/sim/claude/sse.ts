import { setImmediate as nextTick } from "node:timers/promises";
import type { Step, StreamEvent } from "./stream.ts";
import type { Exchange } from "../wire.ts";

/**
 * Sends steps as server-sent events, at their pace, until the client is gone. Every frame but the last is
 * written in two parts that are cut inside a character or inside the JSON, as a network may do.
 */
export async function play(exchange: Exchange, steps: readonly Step[]): Promise<void> {
  for (const [i, step] of steps.entries()) {
    if (exchange.gone.aborted) return;
    if (step.kind === "pause") {
      await pause(step.ms, exchange.gone);
      continue;
    }
    const bytes = step.kind === "raw" ? frame(step.event, step.data) : eventFrame(step.event);
    if (i === steps.length - 1) {
      exchange.send(bytes);
      continue;
    }
    const cut = awkwardCut(bytes);
    exchange.send(bytes.subarray(0, cut));
    await nextTick();
    exchange.send(bytes.subarray(cut));
  }
}

/** Sends a ping every so often, until the client is gone. */
export async function playPings(exchange: Exchange, everyMs: number): Promise<void> {
  while (!exchange.gone.aborted) {
    exchange.send(eventFrame({ type: "ping" }));
    await pause(everyMs, exchange.gone);
  }
}

/** Resolves when the client is gone. */
export function departure(gone: AbortSignal): Promise<void> {
  if (gone.aborted) return Promise.resolve();
  return new Promise((resolve) => gone.addEventListener("abort", () => resolve(), { once: true }));
}

function pause(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      gone.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    gone.addEventListener("abort", end);
  });
}

function eventFrame(event: StreamEvent): Uint8Array {
  return frame(event.type, JSON.stringify(event));
}

function frame(event: string, data: string): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${data}\n\n`);
}

function awkwardCut(bytes: Uint8Array): number {
  const insideCharacter = bytes.findIndex((byte) => byte >= 0x80 && byte < 0xc0);
  return insideCharacter === -1 ? Math.floor(bytes.length / 2) : insideCharacter;
}
