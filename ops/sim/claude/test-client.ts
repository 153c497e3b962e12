import { expect } from "bun:test";
import type { ClaudeSim } from "./server.ts";

/** For tests: the headers and the body of a request that the API takes. */
export const HEADERS = {
  authorization: "Bearer key",
  "anthropic-version": "2026-10-21",
  "content-type": "application/json",
};
export const QUESTION = {
  model: "claude-sonnet-5-5",
  max_tokens: 4096,
  stream: true,
  messages: [{ role: "user", content: "Hello" }] as unknown[],
};

type Event = {
  type: string;
  index?: number;
  delta?: Record<string, string>;
  content_block?: { type: string };
  usage?: Record<string, number>;
};
type Body = { error?: { type: string; message: string }; usage?: Usage; content?: unknown[] };
type Usage = { input_tokens: number; cache_read_input_tokens: number; cache_creation_input_tokens: number };

/** Asks the question, with some of its fields or of the request changed. */
export function post(sim: ClaudeSim, change: object = {}, init: RequestInit = {}): Promise<Response> {
  const body = JSON.stringify({ ...QUESTION, ...change });
  return fetch(`${sim.url}/v1/messages`, {
    method: "POST",
    headers: HEADERS,
    body,
    redirect: "error",
    ...init,
  });
}

export async function body(response: Promise<Response>): Promise<Body> {
  return (await (await response).json()) as Body;
}

/** What a client of the simulator gets: the events it could read, and the code of the error that ended them, if any. */
export async function read(
  sim: ClaudeSim,
  init: RequestInit = {},
): Promise<{ events: Event[]; failed: string | null }> {
  let text = "";
  let failed: string | null = null;
  try {
    const response = await post(sim, {}, init);
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  } catch (err) {
    failed = err instanceof Error ? ((err as { code?: string }).code ?? err.name) : "unknown";
  }
  const frames = text.split("\n\n").filter((frame) => frame.startsWith("event: "));
  return { events: frames.map((frame) => eventIn(frame)), failed };
}

function eventIn(frame: string): Event {
  const [, name, data] = /^event: (\S+)\ndata: (.+)$/.exec(frame) ?? [];
  let event: Event = { type: "unreadable" };
  try {
    event = JSON.parse(data ?? "") as Event;
  } catch (err) {
    if (!(err instanceof SyntaxError)) throw err;
  }
  if (event.type !== "unreadable") expect(event.type).toBe(name ?? "");
  return event;
}

export const textOf = (events: Event[]) => events.map((event) => event.delta?.["text"] ?? "").join("");
export const typesOf = (events: Event[]) =>
  events.map((event) => event.type).filter((type) => type !== "ping");

/** Waits for something that is on its way; a test's own limit ends a wait in vain. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(1);
}
