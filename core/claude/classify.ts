import type { StallPhase } from "./watchdog.ts";

const CAUSES_MAX = 5;
const RETRY_AFTER_MAX_SECONDS = 3600;

/** Kinds differ in what a person reads or in what an operator does; each has its sentence in core/text. */
export type ErrorKind =
  | "not_connected" // no credential, or the vault cannot open it
  | "unreachable" // refused, no route, name not found
  | "intercepted" // somebody else answers in Claude's place: TLS, redirect, captive portal
  | "timeout" // nothing came in time
  | "interrupted" // the answer broke off
  | "garbled" // the stream could not be read
  | "overloaded"
  | "rate_limited"
  | "busy" // the account grows faster than its limits: waits like a rate limit, but the operator must know
  | "auth" // the credential is refused
  | "forbidden" // the credential is good, the account may not do this
  | "billing"
  | "model_missing"
  | "too_long" // more tokens than the model takes
  | "too_large" // more bytes than a request may have
  | "bad_file" // a picture or a document that it cannot open
  | "our_bug"
  | "refused" // Claude declined to answer
  | "empty" // Claude had nothing to say
  | "stopped"; // a person pressed Stop

/**
 * `retryable`: whether asking the same again can help, so that a Retry button makes sense; nothing retries by itself.
 * `alert`: when owners and operator hear of it. An outage is told once it is no mere blip, a rate limit only when it
 * goes on; what opens no breaker is a fault, told as such. `breaker`: what it means for the circuit breaker; `open`
 * lasts until the credential changes or a probe succeeds.
 */
export type Policy = {
  retryable: boolean;
  alert: "now" | "after_three" | "when_long" | "none";
  breaker: "count" | "open" | "open_until_retry_after" | "ignore" | "success";
};

export const POLICIES: Readonly<Record<ErrorKind, Policy>> = {
  not_connected: { retryable: false, alert: "now", breaker: "open" },
  unreachable: { retryable: true, alert: "after_three", breaker: "count" },
  intercepted: { retryable: true, alert: "now", breaker: "open" },
  timeout: { retryable: true, alert: "after_three", breaker: "count" },
  interrupted: { retryable: true, alert: "after_three", breaker: "count" },
  garbled: { retryable: true, alert: "now", breaker: "ignore" },
  overloaded: { retryable: true, alert: "after_three", breaker: "count" },
  rate_limited: { retryable: true, alert: "when_long", breaker: "open_until_retry_after" },
  busy: { retryable: true, alert: "now", breaker: "open_until_retry_after" },
  auth: { retryable: false, alert: "now", breaker: "open" },
  forbidden: { retryable: false, alert: "now", breaker: "open" },
  billing: { retryable: false, alert: "now", breaker: "open" },
  model_missing: { retryable: false, alert: "now", breaker: "open" },
  too_long: { retryable: false, alert: "none", breaker: "ignore" },
  too_large: { retryable: false, alert: "none", breaker: "ignore" },
  bad_file: { retryable: false, alert: "none", breaker: "ignore" },
  our_bug: { retryable: false, alert: "now", breaker: "ignore" },
  refused: { retryable: false, alert: "none", breaker: "success" },
  empty: { retryable: false, alert: "none", breaker: "success" },
  stopped: { retryable: false, alert: "none", breaker: "ignore" },
};

/** Whether a failure of this kind is Claude's absence: then its question is kept until Claude is back. */
export function isOutage(kind: ErrorKind): boolean {
  const { breaker } = POLICIES[kind];
  return breaker !== "ignore" && breaker !== "success";
}

/**
 * What is known about a call that failed. `source` says who failed: the credential, the connection before any
 * header, an HTTP error, an error event inside the stream, the stream itself, our watchdog, a person who
 * stopped it, or our own program. `message` is the provider's wording: only matched, never shown or logged.
 */
export type Failure = {
  source: "credential" | "connection" | "response" | "event" | "stream" | "stall" | "person" | "program";
  textShown: boolean;
  phase?: StallPhase | undefined;
  errorCode?: string | null;
  type?: string | null;
  status?: number | undefined;
  causeCode?: string | undefined;
  message?: string;
};

/** How a finished answer ended, and what is in it that a person or a tool can use. */
export type Ending = { stopReason: string; hasText: boolean; hasToolCalls: boolean };

/** The kind of a failure. Codes win over types, types over statuses, statuses over causes. */
export function classifyFailure(failure: Failure): ErrorKind {
  return FAILURES.find((row) => fits(row, failure))?.kind ?? "our_bug";
}

/** `null` when the answer can be used as it is, cut or whole. */
export function classifyEnding(ending: Ending): ErrorKind | null {
  const usable = ending.hasText || ending.hasToolCalls;
  const row = ENDINGS.find((row) => row.stopReason === ending.stopReason) ?? OTHER_ENDING;
  return usable ? row.usable : row.nothing;
}

/**
 * What went wrong underneath: the first code in the chain of causes, else the name of its last error. Network
 * errors carry a code; a failed parse has only its name.
 */
export function causeCodeOf(error: Error): string | undefined {
  let name: string | undefined;
  let cause = error.cause;
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth += 1) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
    name = cause.name;
    cause = cause.cause;
  }
  return name;
}

/** Seconds to wait, at most an hour; null for no header and for a date, which the provider does not send. */
export function retryAfterOf(header: string | null | undefined): number | null {
  const seconds = header === null || header === undefined || header === "" ? Number.NaN : Number(header);
  return seconds >= 0 ? Math.min(Math.ceil(seconds), RETRY_AFTER_MAX_SECONDS) : null;
}

type Row = {
  kind: ErrorKind;
  source?: readonly Failure["source"][];
  textShown?: boolean;
  phase?: readonly StallPhase[];
  errorCode?: readonly string[];
  type?: readonly string[];
  status?: readonly [from: number, to: number];
  causeCode?: readonly string[];
  message?: RegExp;
};

// First match wins. A condition that a row does not name holds for every failure.
const FAILURES: readonly Row[] = [
  { source: ["person"], kind: "stopped" },
  { source: ["credential"], errorCode: ["needs_reauth"], kind: "auth" },
  { source: ["credential"], errorCode: ["service_away"], kind: "unreachable" },
  { source: ["credential"], kind: "not_connected" },
  { source: ["stall"], phase: ["headers", "first_event"], kind: "timeout" },
  { source: ["stall"], phase: ["idle", "total"], textShown: false, kind: "timeout" },
  { source: ["stall"], phase: ["idle", "total"], textShown: true, kind: "interrupted" },

  {
    errorCode: [
      "enforced_spend_limit_reached",
      "contract_spend_limit_reached",
      "linked_organization_spend_limit_reached",
      "linked_organization_billing_unavailable",
    ],
    kind: "billing",
  },
  { errorCode: ["ramp_limit_exceeded"], kind: "busy" },
  {
    errorCode: [
      "organization_on_hold",
      "organization_type_not_supported",
      "parent_organization_required",
      "cmek_context_unavailable",
      "cmek_key_disabled",
      "cmek_key_network_blocked",
      "cmek_key_unreachable",
    ],
    kind: "forbidden",
  },
  { errorCode: ["request_body_too_large_after_decoding"], kind: "too_large" },

  // These three have no code of their own; the provider's wording is all there is.
  { type: ["invalid_request_error"], message: /prompt is too long|exceed context limit/i, kind: "too_long" },
  { type: ["invalid_request_error"], message: /credit balance is too low/i, kind: "billing" },
  {
    type: ["invalid_request_error"],
    message: /could not process (?:image|pdf)|image exceeds|image dimensions|PDF pages|PDF specified/i,
    kind: "bad_file",
  },
  { type: ["invalid_request_error"], kind: "our_bug" },
  { type: ["authentication_error"], kind: "auth" },
  { type: ["billing_error"], kind: "billing" },
  { type: ["permission_error"], kind: "forbidden" },
  { type: ["not_found_error"], kind: "model_missing" },
  { type: ["request_too_large"], kind: "too_large" },
  { type: ["rate_limit_error"], kind: "rate_limited" },
  { type: ["overloaded_error", "api_error", "timeout_error"], textShown: true, kind: "interrupted" },
  { type: ["overloaded_error", "api_error", "timeout_error"], textShown: false, kind: "overloaded" },

  { status: [401, 401], kind: "auth" },
  { status: [402, 402], kind: "billing" },
  { status: [403, 403], kind: "forbidden" },
  { status: [404, 404], kind: "model_missing" },
  { status: [408, 408], kind: "timeout" },
  { status: [413, 413], kind: "too_large" },
  { status: [429, 429], kind: "rate_limited" },
  { status: [500, 599], kind: "overloaded" },
  { source: ["response"], kind: "our_bug" },

  {
    source: ["connection"],
    causeCode: [
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "UNABLE_TO_GET_ISSUER_CERT",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
      "UNKNOWN_CERTIFICATE_VERIFICATION_ERROR",
      "CERT_HAS_EXPIRED",
      "CERT_NOT_YET_VALID",
      "CERT_UNTRUSTED",
      "CERT_REVOKED",
      "CERT_REJECTED",
      "CERT_SIGNATURE_FAILURE",
      "HOSTNAME_MISMATCH",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "EPROTO",
      "UnexpectedRedirect",
      "TooManyRedirects",
      "Malformed_HTTP_Response",
      "UNEXPECTED_CONTENT",
    ],
    kind: "intercepted",
  },
  { source: ["connection"], causeCode: ["ETIMEDOUT", "TimeoutError"], kind: "timeout" },
  { source: ["connection"], kind: "unreachable" },

  { source: ["stream"], causeCode: ["SyntaxError", "TypeError", "ZlibError"], kind: "garbled" },
  { source: ["stream", "event"], kind: "interrupted" },
];

type EndingRow = { stopReason: string; usable: ErrorKind | null; nothing: ErrorKind };

// A refusal leaves the text before it unfinished, so what there is of it counts as partial.
const ENDINGS: readonly EndingRow[] = [
  { stopReason: "refusal", usable: "refused", nothing: "refused" },
  { stopReason: "model_context_window_exceeded", usable: null, nothing: "too_long" },
];

// end_turn, max_tokens, stop_sequence, tool_use, pause_turn, and whatever the provider adds.
const OTHER_ENDING: EndingRow = { stopReason: "", usable: null, nothing: "empty" };

function fits(row: Row, failure: Failure): boolean {
  const { status } = failure;
  return (
    (row.source === undefined || row.source.includes(failure.source)) &&
    (row.textShown === undefined || row.textShown === failure.textShown) &&
    holds(row.phase, failure.phase) &&
    holds(row.errorCode, failure.errorCode) &&
    holds(row.type, failure.type) &&
    (row.status === undefined ||
      (status !== undefined && status >= row.status[0] && status <= row.status[1])) &&
    holds(row.causeCode, failure.causeCode) &&
    (row.message === undefined || row.message.test(failure.message ?? ""))
  );
}

function holds<T extends string>(wanted: readonly T[] | undefined, found: T | null | undefined): boolean {
  return wanted === undefined || (found !== null && found !== undefined && wanted.includes(found));
}
