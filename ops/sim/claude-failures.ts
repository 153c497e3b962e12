import type { ErrorKind } from "../../core/claude/classify.ts";
import type { ClaudeReply } from "./claude/script.ts";

/**
 * One way in which a call fails, by its number in the list of 31. `counts`: transient, so it takes three of them
 * to open the breaker and to be told; `opens`: the first one does; `passes`: neither. `log` is what the error in the
 * call's log line says beside its kind. A question that finds the service offline, or goes elsewhere, does not reach it.
 */
export type Failure = {
  readonly row: number;
  readonly what: string;
  readonly reply: ClaudeReply | "offline" | "elsewhere";
  readonly kind: ErrorKind;
  readonly breaker: "counts" | "opens" | "passes";
  readonly log: Readonly<Record<string, unknown>>;
};

export const PARTIAL = "This much of the answer arrived.";

const midStream = (fault: Extract<ClaudeReply, { fault: string }>["fault"]): ClaudeReply => ({
  fault,
  text: `${PARTIAL} This did not.`,
  afterChars: PARTIAL.length,
});

const http = (status: number, type: string | null): Record<string, unknown> => ({
  source: "response",
  status,
  type,
});

const overloaded = (
  row: number,
  what: string,
  reply: Extract<ClaudeReply, { status: number }>,
  type: string | null,
): Failure => ({ row, what, reply, kind: "overloaded", breaker: "counts", log: http(reply.status, type) });

const SILENT: readonly Failure[] = [
  {
    row: 1,
    what: "connection refused",
    reply: "offline",
    kind: "unreachable",
    breaker: "counts",
    log: { source: "connection", causeCode: "ECONNREFUSED", class: "APIConnectionError" },
  },
  {
    row: 4,
    what: "a redirect",
    reply: { fault: "redirect" },
    kind: "intercepted",
    breaker: "opens",
    log: { source: "connection", causeCode: "UnexpectedRedirect" },
  },
  {
    row: 4,
    what: "a captive portal",
    reply: { fault: "html_200" },
    kind: "intercepted",
    breaker: "opens",
    log: { source: "connection", causeCode: "UNEXPECTED_CONTENT" },
  },
  {
    row: 5,
    what: "no headers in time",
    reply: { fault: "no_headers" },
    kind: "timeout",
    breaker: "counts",
    log: { source: "stall", phase: "headers" },
  },
  {
    row: 6,
    what: "headers, no first event",
    reply: { fault: "headers_then_silence" },
    kind: "timeout",
    breaker: "counts",
    log: { source: "stall", phase: "first_event" },
  },
  {
    row: 7,
    what: "pings only",
    reply: { fault: "pings_only" },
    kind: "timeout",
    breaker: "counts",
    log: { source: "stall", phase: "idle" },
  },
];

const BROKEN: readonly Failure[] = [
  {
    row: 7,
    what: "silence in mid-stream",
    reply: midStream("stall_mid_stream"),
    kind: "interrupted",
    breaker: "counts",
    log: { source: "stall", phase: "idle" },
  },
  {
    row: 8,
    what: "a reset in mid-stream",
    reply: midStream("reset_mid_stream"),
    kind: "interrupted",
    breaker: "counts",
    log: { source: "stream", causeCode: "ECONNRESET", class: "AnthropicError" },
  },
  {
    row: 9,
    what: "an end before message_stop",
    reply: midStream("eof_mid_stream"),
    kind: "interrupted",
    breaker: "counts",
    log: { source: "stream" },
  },
  {
    row: 10,
    what: "an error event in mid-stream",
    reply: midStream("sse_error_overloaded"),
    kind: "interrupted",
    breaker: "counts",
    log: { source: "event", status: null, type: "overloaded_error" },
  },
  {
    row: 11,
    what: "JSON that cannot be read",
    reply: midStream("bad_json"),
    kind: "garbled",
    breaker: "passes",
    log: { source: "stream", causeCode: "SyntaxError" },
  },
];

const REJECTED: readonly Failure[] = [
  {
    row: 12,
    what: "too many tokens",
    reply: { status: 400, message: "prompt is too long: 1000001 tokens > 1000000 maximum" },
    kind: "too_long",
    breaker: "passes",
    log: http(400, "invalid_request_error"),
  },
  {
    row: 13,
    what: "thinking of another conversation",
    reply: { status: 400, message: "thinking block signature is bound to a different conversation" },
    kind: "our_bug",
    breaker: "passes",
    log: http(400, "invalid_request_error"),
  },
  {
    row: 14,
    what: "another 400",
    reply: { status: 400, message: "messages.3: unexpected role" },
    kind: "our_bug",
    breaker: "passes",
    log: http(400, "invalid_request_error"),
  },
  {
    row: 15,
    what: "no credit, as a 400",
    reply: { status: 400, message: "Your credit balance is too low to access the Anthropic API." },
    kind: "billing",
    breaker: "opens",
    log: http(400, "invalid_request_error"),
  },
  {
    row: 15,
    what: "402",
    reply: { status: 402 },
    kind: "billing",
    breaker: "opens",
    log: { ...http(402, "billing_error"), class: "PaymentRequiredError" },
  },
  {
    row: 16,
    what: "401",
    reply: { status: 401 },
    kind: "auth",
    breaker: "opens",
    log: { ...http(401, "authentication_error"), class: "AuthenticationError" },
  },
];

const PAUSED: readonly Failure[] = [
  {
    row: 17,
    what: "403",
    reply: { status: 403 },
    kind: "forbidden",
    breaker: "opens",
    log: http(403, "permission_error"),
  },
  {
    row: 17,
    what: "an organization on hold",
    reply: { status: 400, message: "on hold", errorCode: "organization_on_hold" },
    kind: "forbidden",
    breaker: "opens",
    log: { ...http(400, "invalid_request_error"), code: "organization_on_hold" },
  },
  {
    row: 18,
    what: "404",
    reply: { status: 404, message: "model: claude-sonnet-5-5" },
    kind: "model_missing",
    breaker: "opens",
    log: http(404, "not_found_error"),
  },
  {
    row: 19,
    what: "413 of an edge",
    reply: { status: 413, html: "<h1>413 Request Entity Too Large</h1>" },
    kind: "too_large",
    breaker: "passes",
    log: http(413, null),
  },
  {
    row: 20,
    what: "429",
    reply: { status: 429, headers: { "retry-after": "1" } },
    kind: "rate_limited",
    breaker: "opens",
    log: { ...http(429, "rate_limit_error"), class: "RateLimitError" },
  },
  {
    row: 21,
    what: "429 for the spend limit",
    reply: { status: 429, errorCode: "enforced_spend_limit_reached" },
    kind: "billing",
    breaker: "opens",
    log: { ...http(429, "rate_limit_error"), code: "enforced_spend_limit_reached" },
  },
  {
    row: 21,
    what: "429 for growing fast",
    reply: { status: 429, errorCode: "ramp_limit_exceeded", headers: { "retry-after": "1" } },
    kind: "busy",
    breaker: "opens",
    log: { ...http(429, "rate_limit_error"), code: "ramp_limit_exceeded" },
  },
];

const OVERLOADED: readonly Failure[] = [
  overloaded(22, "500", { status: 500 }, "api_error"),
  overloaded(22, "502 of an edge", { status: 502, html: "<h1>502 Bad Gateway</h1>" }, null),
  overloaded(22, "503 of an edge", { status: 503, html: "<h1>503 Service Unavailable</h1>" }, null),
  overloaded(22, "504", { status: 504 }, "timeout_error"),
  overloaded(22, "529", { status: 529 }, "overloaded_error"),
  overloaded(
    23,
    "529 that asks to be retried",
    { status: 529, headers: { "x-should-retry": "true" } },
    "overloaded_error",
  ),
  {
    row: 24,
    what: "a refusal",
    reply: { fault: "refusal" },
    kind: "refused",
    breaker: "passes",
    log: { source: null },
  },
  {
    row: 28,
    what: "nothing said",
    reply: { fault: "empty_content" },
    kind: "empty",
    breaker: "passes",
    log: { source: null },
  },
];

/** All that can be met at one address with one key, in parts that take about as long as each other. */
export const FAILURES: Readonly<Record<string, readonly Failure[]>> = {
  "nobody answers, or somebody else does": SILENT,
  "an answer breaks off": BROKEN,
  "a request or the account is refused": REJECTED,
  "the account, the model or the pace is refused": PAUSED,
  "Claude is overloaded, declines or has nothing to say": OVERLOADED,
};
