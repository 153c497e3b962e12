import type { MessagesRequest } from "./request.ts";

export type ToolCall = { id?: string; name: string; input: unknown };

/**
 * What a script answers to one request: a whole answer, an HTTP error before any event, or a fault. `chunkMs` is
 * the pause after each `chunkChars` characters; a fault in mid-stream comes after `afterChars` characters of
 * `text`, or after half of it.
 */
export type ClaudeReply =
  | {
      text: string;
      chunkChars?: number;
      chunkMs?: number;
      stopReason?: string;
      thinking?: string;
      toolCalls?: ToolCall[];
      /** Nothing of the answer comes before this. */
      after?: Promise<unknown>;
    }
  | {
      status: number;
      type?: string;
      message?: string;
      errorCode?: string;
      headers?: Record<string, string>;
      html?: string;
    }
  | { fault: ClaudeFault; afterChars?: number; text?: string };

export type ClaudeFault =
  | "reset_before_headers"
  | "reset_mid_stream"
  | "eof_mid_stream"
  | "no_headers"
  | "headers_then_silence"
  | "pings_only"
  | "stall_mid_stream"
  | "sse_error_overloaded"
  | "bad_json"
  | "redirect"
  | "html_200"
  | "empty_content"
  | "refusal"
  | "unknown_stop_reason"
  | "pause_turn"
  | "context_window";

/**
 * Chooses the reply to one request that the real service would have accepted. `index` counts the calls of this
 * script from 0; `lastUserText` is the text of the last user turn, consecutive user messages joined by newlines.
 */
export type ClaudeScript = (
  request: MessagesRequest,
  call: { index: number; lastUserText: string },
) => ClaudeReply;

/** Not to be there for ever. A retired model is still told of, and answers nothing any more. */
export type ModelPlan = {
  lifecycle: "deprecated" | "retired";
  deprecatedAt: string;
  retiresAt: string | null;
};

/** What the Models API answers instead of a model that is simply there: plans for it, an error, or a fault of the wire. */
export type ModelReply =
  | ModelPlan
  | { status: number; type?: string; html?: string }
  | { fault: "reset_before_headers" | "no_headers" | "redirect" | "html_200" };
