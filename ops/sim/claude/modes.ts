import { z } from "zod";
import type { ClaudeReply } from "./script.ts";

const SLOW_CHUNK_CHARS = 40;
const SLOW_CHUNK_MS = 1500;
const RETRY_AFTER_SECONDS = 20;
const CUT_AFTER_CHARS = 80;

/** The moods of the simulated Claude that a person can choose between. */
const MODES = [
  { mode: "ok", label: "Answers normally" },
  { mode: "slow", label: "Slow: long pauses in the answer" },
  { mode: "overloaded", label: "Overloaded: refuses with 529" },
  { mode: "rate_limited", label: "Rate limited: refuses with 429, retry after 20 s" },
  { mode: "cut", label: "Connection cut in the middle of the answer" },
  { mode: "stalled", label: "Falls silent in the middle of the answer" },
  { mode: "down", label: "Down: closes the connection without an answer" },
] as const;

export type Mode = (typeof MODES)[number]["mode"];

/**
 * The HTTP control of a mode: GET answers `{ mode, modes }`, POST `{ mode }` changes it and answers the same;
 * 400 for an unknown mode, 405 for another method.
 */
export async function controlMode(
  request: Request,
  current: { mode: () => Mode; setMode: (mode: Mode) => void },
): Promise<Response> {
  if (request.method === "POST") {
    const body = controlBody.safeParse(await request.json().catch(() => null));
    if (!body.success) return Response.json({ error: "There is no such mode." }, { status: 400 });
    current.setMode(body.data.mode);
  } else if (request.method !== "GET") {
    return Response.json({ error: "Only GET and POST work here." }, { status: 405 });
  }
  return Response.json({ mode: current.mode(), modes: MODES });
}

const controlBody = z.object({ mode: z.enum(MODES.map(({ mode }) => mode)) });

/** The reply in this mode; `script` is only asked where the mode leaves something of its reply. */
export function replyInMode(mode: Mode, script: () => ClaudeReply): ClaudeReply {
  switch (mode) {
    case "ok":
      return script();
    case "slow": {
      const reply = script();
      const whole = "text" in reply && !("fault" in reply);
      return whole ? { ...reply, chunkChars: SLOW_CHUNK_CHARS, chunkMs: SLOW_CHUNK_MS } : reply;
    }
    case "overloaded":
      return { status: 529 };
    case "rate_limited":
      return { status: 429, headers: { "retry-after": String(RETRY_AFTER_SECONDS) } };
    case "cut":
      return interrupted("reset_mid_stream", script());
    case "stalled":
      return interrupted("stall_mid_stream", script());
    case "down":
      return { fault: "reset_before_headers" };
  }
}

function interrupted(fault: "reset_mid_stream" | "stall_mid_stream", reply: ClaudeReply): ClaudeReply {
  if (!("text" in reply) || reply.text === undefined) return reply;
  return { fault, text: reply.text, afterChars: Math.min(CUT_AFTER_CHARS, reply.text.length) };
}
