import type { ToolCall } from "./script.ts";
import { tokensOf, type InputUsage } from "./usage.ts";

const CHUNK_CHARS = 24;
const DELTAS_PER_PING = 20;
const JSON_PIECES = 3;

export type StreamEvent = { type: string } & Record<string, unknown>;
export type Step =
  | { kind: "event"; event: StreamEvent }
  | { kind: "raw"; event: string; data: string }
  | { kind: "pause"; ms: number };

/** An answer before it is cut into events. `chunkMs` is the pause after each piece of `chunkChars` characters. */
export type Answer = {
  thinking: string;
  text: string;
  toolCalls: ToolCall[];
  stopReason: string;
  stopDetails: Record<string, unknown> | null;
  chunkChars: number;
  chunkMs: number;
};

/** What the service adds to an answer. */
export type Envelope = {
  messageId: string;
  model: string;
  usage: InputUsage;
  maxTokens: number;
  sign: (thinking: string) => string;
};

/** An answer of this text; a part that is not given is empty, at the speed of the machine. */
export function answerOf(part: Partial<Answer> & { text: string }): Answer {
  return {
    thinking: "",
    toolCalls: [],
    stopReason: part.toolCalls?.length ? "tool_use" : "end_turn",
    stopDetails: null,
    chunkChars: CHUNK_CHARS,
    chunkMs: 0,
    ...part,
  };
}

/** All events of an answer, from `message_start` to `message_stop`. */
export function wholeStream(answer: Answer, envelope: Envelope): Step[] {
  const message = messageOf(answer, envelope);
  const blocks = message.content.flatMap((block, index) => blockSteps(block, index, answer));
  const { usage, stop_reason, stop_details, stop_sequence, container } = message;
  const delta = { stop_reason, stop_sequence, stop_details, container };
  return [
    ...opening(message),
    ...withPings(blocks),
    event({ type: "message_delta", delta, usage }),
    event({ type: "message_stop" }),
  ];
}

/** The events of an answer that breaks off: its last text block stays open. */
export function brokenStream(answer: Answer, envelope: Envelope): Step[] {
  const message = messageOf(answer, envelope);
  const blocks = message.content.flatMap((block, index) => blockSteps(block, index, answer));
  return [...opening(message), ...blocks.slice(0, -1)];
}

/** The same answer as one JSON message, for a request without `stream`. */
export function messageOf(answer: Answer, envelope: Envelope) {
  const { text, stopReason } = withinLimit(answer, envelope.maxTokens);
  const content: ContentBlock[] = [];
  if (answer.thinking !== "") {
    const signature = envelope.sign(answer.thinking);
    content.push({ type: "thinking", thinking: answer.thinking, signature });
  }
  if (text !== "") content.push({ type: "text", text });
  for (const [i, call] of answer.toolCalls.entries()) {
    const id = call.id ?? `toolu_${envelope.messageId.replace("msg_", "")}_${i}`;
    content.push({ type: "tool_use", id, name: call.name, input: call.input });
  }
  if (stopReason === "pause_turn") {
    const id = `srvtoolu_${envelope.messageId.replace("msg_", "")}`;
    content.push({ type: "server_tool_use", id, name: "web_search", input: { query: "still searching" } });
  }
  const calls = answer.toolCalls.map((call) => tokensOf(JSON.stringify(call.input)));
  const thinkingTokens = tokensOf(answer.thinking);
  const outputTokens = calls.reduce((sum, tokens) => sum + tokens, thinkingTokens + tokensOf(text));
  return {
    id: envelope.messageId,
    type: "message",
    role: "assistant",
    model: envelope.model,
    content,
    container: null,
    diagnostics: null,
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: answer.stopDetails,
    usage: {
      ...envelope.usage,
      output_tokens: Math.max(1, outputTokens),
      output_tokens_details: { thinking_tokens: thinkingTokens },
      server_tool_use: null,
      service_tier: "standard",
      inference_geo: null,
      speed: null,
    },
  };
}

type ContentBlock =
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "text"; text: string }
  | { type: "tool_use" | "server_tool_use"; id: string; name: string; input: unknown };

function withinLimit(answer: Answer, maxTokens: number): { text: string; stopReason: string } {
  if (tokensOf(answer.text) <= maxTokens) return answer;
  let text = answer.text;
  // Fewer characters are never more tokens, so this converges.
  while (tokensOf(text) > maxTokens) text = piecesOf(text, Math.ceil(text.length * 0.9))[0] ?? "";
  return { text, stopReason: "max_tokens" };
}

function opening(message: ReturnType<typeof messageOf>): Step[] {
  const usage = { ...message.usage, output_tokens: 1, output_tokens_details: null };
  const empty = { ...message, content: [], stop_reason: null, stop_details: null, usage };
  return [event({ type: "message_start", message: empty }), event({ type: "ping" })];
}

function blockSteps(block: ContentBlock, index: number, answer: Answer): Step[] {
  return [
    event({ type: "content_block_start", index, content_block: emptied(block) }),
    ...deltasOf(block, answer).flatMap((delta) => {
      const step = event({ type: "content_block_delta", index, delta });
      return answer.chunkMs > 0 ? [step, { kind: "pause", ms: answer.chunkMs } as const] : [step];
    }),
    event({ type: "content_block_stop", index }),
  ];
}

function emptied(block: ContentBlock): ContentBlock {
  if (block.type === "text") return { ...block, text: "" };
  if (block.type === "thinking") return { ...block, thinking: "", signature: "" };
  return { ...block, input: {} };
}

function deltasOf(block: ContentBlock, answer: Answer): StreamEvent[] {
  if (block.type === "text") {
    return piecesOf(block.text, answer.chunkChars).map((text) => ({ type: "text_delta", text }));
  }
  if (block.type === "thinking") {
    const deltas = piecesOf(block.thinking, answer.chunkChars);
    return [
      ...deltas.map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: block.signature },
    ];
  }
  const json = JSON.stringify(block.input);
  // A call that the token limit hit ends in the middle of its JSON.
  const sent = answer.stopReason === "max_tokens" ? json.slice(0, Math.ceil(json.length / 2)) : json;
  const pieces = piecesOf(sent, Math.max(1, Math.ceil(sent.length / JSON_PIECES)));
  return ["", ...pieces].map((partial_json) => ({ type: "input_json_delta", partial_json }));
}

/** Cuts a text into pieces of about this many characters, never inside a surrogate pair. */
function piecesOf(text: string, chars: number): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(text.length, from + Math.max(1, chars));
    if (to < text.length && /[\uD800-\uDBFF]/.test(text.charAt(to - 1))) to += 1;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}

function withPings(steps: Step[]): Step[] {
  return steps.flatMap((step, i) =>
    i > 0 && i % DELTAS_PER_PING === 0 ? [event({ type: "ping" }), step] : [step],
  );
}

function event(event: StreamEvent): Step {
  return { kind: "event", event };
}
