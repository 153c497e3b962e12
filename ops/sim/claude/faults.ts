import type { ClaudeFault, ClaudeReply } from "./script.ts";
import { answerOf, brokenStream, wholeStream, type Answer, type Envelope, type Step } from "./stream.ts";

const INTERRUPTED_TEXT = "This answer begins as usual, and then something happens to its connection.";
const RESET_AFTER_MS = 100;

/** How a stream ends: whole, by a reset, or never ("silence" and "pings" last until the client leaves). */
type Ending = "close" | "reset" | "silence" | "pings";

/** What happens on the wire. */
export type Outcome =
  | { kind: "stream"; steps: Step[]; ending: Ending }
  | { kind: "message"; answer: Answer }
  | { kind: "response"; status: number; headers: Record<string, string>; body: string }
  | { kind: "no_response"; ending: "reset" | "silence" };

const TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};
const MESSAGES: Record<number, string> = {
  400: "Invalid request",
  401: "invalid x-api-key",
  402: "Your account has a billing problem.",
  403: "Your API key does not have permission to use the specified resource.",
  429: "This request would exceed your organization's rate limit.",
  529: "Overloaded",
};

export type HttpResponse = Extract<Outcome, { kind: "response" }>;

/** Where a redirect leads, as of a network that wants a sign-in first; the server answers it with `PORTAL`. */
export const PORTAL_PATH = "/captive-portal";
export const PORTAL = htmlResponse(200, "<!doctype html><title>Sign in to this network</title>");

/** An error in the API's JSON; the type and the message that are not given follow from the status. */
export function errorResponse(error: {
  status: number;
  requestId: string;
  type?: string;
  message?: string;
  errorCode?: string;
  headers?: Record<string, string>;
}): HttpResponse {
  const { status, requestId, headers } = error;
  return { kind: "response", status, headers: jsonHeaders(requestId, headers), body: errorBody(error) };
}

/** What stands between a client and the service answers in HTML and knows no request id. */
export function htmlResponse(
  status: number,
  html: string,
  headers: Record<string, string> = {},
): HttpResponse {
  return { kind: "response", status, headers: { ...headers, "content-type": "text/html" }, body: html };
}

export function jsonHeaders(requestId: string, headers: Record<string, string> = {}): Record<string, string> {
  return { ...headers, "content-type": "application/json", "request-id": requestId };
}

/** Translates what a script said into what happens on the wire. */
export function outcomeOf(
  reply: ClaudeReply,
  request: { stream: boolean; requestId: string; envelope: Envelope },
): Outcome {
  if ("fault" in reply) return faultOutcome(reply, request);
  if ("status" in reply) {
    if (reply.html !== undefined) return htmlResponse(reply.status, reply.html, reply.headers);
    return errorResponse({ ...reply, requestId: request.requestId });
  }
  return answered(answerOf(reply), request);
}

function errorBody(error: Parameters<typeof errorResponse>[0]): string {
  const details = error.errorCode === undefined ? {} : { details: { error_code: error.errorCode } };
  return JSON.stringify({
    type: "error",
    error: {
      type: error.type ?? TYPES[error.status] ?? "api_error",
      message: error.message ?? MESSAGES[error.status] ?? "Internal server error",
      ...details,
    },
    request_id: error.requestId,
  });
}

type Asked = Parameters<typeof outcomeOf>[1];

function answered(answer: Answer, { stream, envelope }: Asked): Outcome {
  if (!stream) return { kind: "message", answer };
  return { kind: "stream", steps: wholeStream(answer, envelope), ending: "close" };
}

function faultOutcome(reply: Extract<ClaudeReply, { fault: ClaudeFault }>, request: Asked): Outcome {
  const text = reply.text ?? INTERRUPTED_TEXT;
  const whole = (part: Partial<Answer>) => answered(answerOf({ text, ...part }), request);
  switch (reply.fault) {
    case "reset_before_headers":
      return { kind: "no_response", ending: "reset" };
    case "no_headers":
      return { kind: "no_response", ending: "silence" };
    case "headers_then_silence":
      return { kind: "stream", steps: [], ending: "silence" };
    case "redirect":
      return { kind: "response", status: 302, headers: { location: PORTAL_PATH }, body: "" };
    case "html_200":
      return PORTAL;
    case "empty_content":
      return whole({ text: "" });
    case "refusal":
      return whole({
        text: reply.text ?? "",
        stopReason: "refusal",
        stopDetails: { type: "refusal", category: "general_harms", explanation: null },
      });
    case "unknown_stop_reason":
      return whole({ stopReason: "stopped_for_a_new_reason" });
    case "pause_turn":
      return whole({ text: reply.text ?? "", stopReason: "pause_turn" });
    case "context_window":
      return whole({ stopReason: "model_context_window_exceeded" });
    case "reset_mid_stream":
    case "eof_mid_stream":
    case "pings_only":
    case "stall_mid_stream":
    case "sse_error_overloaded":
    case "bad_json":
      return brokenOutcome(
        reply.fault,
        beginning(text, reply.afterChars ?? Math.ceil(text.length / 2)),
        request,
      );
  }
}

type MidStreamFault = Extract<
  ClaudeFault,
  | "reset_mid_stream"
  | "eof_mid_stream"
  | "pings_only"
  | "stall_mid_stream"
  | "sse_error_overloaded"
  | "bad_json"
>;

function brokenOutcome(fault: MidStreamFault, text: string, { stream, requestId, envelope }: Asked): Outcome {
  if (!stream) return { kind: "no_response", ending: "reset" };
  const steps = brokenStream(answerOf({ text: fault === "pings_only" ? "" : text }), envelope);
  switch (fault) {
    case "reset_mid_stream":
      // A reset overtakes what a client has not read yet, and then it would come before the first text.
      return { kind: "stream", steps: [...steps, { kind: "pause", ms: RESET_AFTER_MS }], ending: "reset" };
    case "eof_mid_stream":
      return { kind: "stream", steps, ending: "close" };
    case "pings_only":
      return { kind: "stream", steps, ending: "pings" };
    case "stall_mid_stream":
      return { kind: "stream", steps, ending: "silence" };
    case "sse_error_overloaded": {
      const data = errorBody({ status: 529, requestId });
      return { kind: "stream", steps: [...steps, { kind: "raw", event: "error", data }], ending: "close" };
    }
    case "bad_json": {
      const data = '{"type":"content_block_delta","index":0,"delta":{"type":"text_de';
      const broken: Step = { kind: "raw", event: "content_block_delta", data };
      return { kind: "stream", steps: [...steps, broken], ending: "close" };
    }
  }
}

/** The first characters of a text, without half of a surrogate pair at the end. */
function beginning(text: string, chars: number): string {
  return text.slice(0, chars).replace(/[\uD800-\uDBFF]$/, "");
}
