import { expect, test } from "bun:test";
import { causeCodeOf, classifyEnding, classifyFailure, type Failure, retryAfterOf } from "./classify.ts";

const HTTP = { source: "response", textShown: false } as const;
const MID = { source: "event", textShown: true } as const;

const FAILURES: [what: string, failure: Failure, kind: string][] = [
  ["connection refused", connection("ECONNREFUSED"), "unreachable"],
  ["unknown host", connection("ENOTFOUND"), "unreachable"],
  ["name server silent", connection("EAI_AGAIN"), "unreachable"],
  ["reset before the headers", connection("ECONNRESET"), "unreachable"],
  ["a cause nobody has seen yet", connection("EWHATEVER"), "unreachable"],
  ["self-signed certificate", connection("DEPTH_ZERO_SELF_SIGNED_CERT"), "intercepted"],
  ["somebody else's certificate", connection("ERR_TLS_CERT_ALTNAME_INVALID"), "intercepted"],
  ["no TLS on that port", connection("EPROTO"), "intercepted"],
  ["redirect", connection("UnexpectedRedirect"), "intercepted"],
  ["captive portal", connection("UNEXPECTED_CONTENT"), "intercepted"],
  ["no answer from the network", connection("ETIMEDOUT"), "timeout"],
  ["no headers in time", stall("headers", false), "timeout"],
  ["headers, but no first event", stall("first_event", false), "timeout"],
  ["silence before any text", stall("idle", false), "timeout"],
  ["silence in the middle", stall("idle", true), "interrupted"],
  ["endless answer", stall("total", true), "interrupted"],
  ["endless thinking", stall("total", false), "timeout"],
  ["reset in the middle", { source: "stream", textShown: true, causeCode: "ECONNRESET" }, "interrupted"],
  ["clean end before message_stop", { source: "stream", textShown: true }, "interrupted"],
  ["unreadable JSON", { source: "stream", textShown: true, causeCode: "SyntaxError" }, "garbled"],
  ["overloaded in the middle", { ...MID, type: "overloaded_error" }, "interrupted"],
  ["overloaded before any text", { ...MID, textShown: false, type: "overloaded_error" }, "overloaded"],
  ["an error event of unknown type", { ...MID, type: "strange_error" }, "interrupted"],
  ["prompt too long", invalid("prompt is too long: 1000123 tokens > 1000000 maximum"), "too_long"],
  [
    "thinking bound to another conversation",
    invalid("signature: bound to a different conversation"),
    "our_bug",
  ],
  ["any other 400", invalid("messages.0: roles must be good"), "our_bug"],
  ["a 400 without a type", { ...HTTP, status: 400, type: null }, "our_bug"],
  ["credit balance", invalid("Your credit balance is too low to access the API"), "billing"],
  ["a picture that cannot be opened", invalid("messages.0.content.0: Could not process image"), "bad_file"],
  [
    "a PDF of many pages",
    invalid("messages.2.content.0.pdf.source.base64.data: A maximum of 100 PDF pages may be provided."),
    "bad_file",
  ],
  ["a PDF with a password", invalid("The PDF specified is password protected."), "bad_file"],
  ["402", { ...HTTP, status: 402, type: "billing_error" }, "billing"],
  ["401", { ...HTTP, status: 401, type: "authentication_error" }, "auth"],
  ["401 from an edge", { ...HTTP, status: 401, type: null }, "auth"],
  ["403", { ...HTTP, status: 403, type: "permission_error" }, "forbidden"],
  ["organization on hold", coded(400, "invalid_request_error", "organization_on_hold"), "forbidden"],
  ["unknown model", { ...HTTP, status: 404, type: "not_found_error" }, "model_missing"],
  ["413 from an edge", { ...HTTP, status: 413, type: null }, "too_large"],
  ["413 with a type", { ...HTTP, status: 413, type: "request_too_large" }, "too_large"],
  ["429", { ...HTTP, status: 429, type: "rate_limit_error" }, "rate_limited"],
  ["429 for the spend limit", coded(429, "rate_limit_error", "enforced_spend_limit_reached"), "billing"],
  ["429 for the contract", coded(429, "rate_limit_error", "contract_spend_limit_reached"), "billing"],
  ["429 for growing fast", coded(429, "rate_limit_error", "ramp_limit_exceeded"), "busy"],
  ["429 with a new code", coded(429, "rate_limit_error", "brand_new_limit"), "rate_limited"],
  ["500", { ...HTTP, status: 500, type: "api_error" }, "overloaded"],
  ["502 with HTML", { ...HTTP, status: 502, type: null }, "overloaded"],
  ["503 with HTML", { ...HTTP, status: 503, type: null }, "overloaded"],
  ["504", { ...HTTP, status: 504, type: "timeout_error" }, "overloaded"],
  ["529", { ...HTTP, status: 529, type: "overloaded_error" }, "overloaded"],
  ["408", { ...HTTP, status: 408, type: null }, "timeout"],
  ["418", { ...HTTP, status: 418, type: null }, "our_bug"],
  ["no credential", { source: "credential", textShown: false }, "not_connected"],
  ["our own program", { source: "program", textShown: false }, "our_bug"],
  ["a person's Stop", { source: "person", textShown: true }, "stopped"],
];

test("every known failure has its kind", () => {
  const found = FAILURES.map(([what, failure]) => [what, classifyFailure(failure)]);
  expect(found).toEqual(FAILURES.map(([what, , kind]) => [what, kind]));
});

test("a code wins over a type, a type over a status", () => {
  expect(classifyFailure(coded(529, "overloaded_error", "contract_spend_limit_reached"))).toBe("billing");
  expect(classifyFailure({ ...HTTP, status: 500, type: "authentication_error" })).toBe("auth");
  expect(classifyFailure({ ...HTTP, status: 400, type: "overloaded_error", causeCode: "EPROTO" })).toBe(
    "overloaded",
  );
});

test("the provider's wording decides nothing but the three failures that have no code", () => {
  const alarming = "prompt is too long; credit balance is too low; could not process image";
  expect(classifyFailure({ ...HTTP, status: 529, type: "overloaded_error", message: alarming })).toBe(
    "overloaded",
  );
  expect(classifyFailure({ ...HTTP, status: 401, type: "authentication_error", message: alarming })).toBe(
    "auth",
  );
});

test("an answer that can be used is no failure, however it ended", () => {
  const usable = { hasText: true, hasToolCalls: false };
  const nothing = { hasText: false, hasToolCalls: false };
  for (const stopReason of ["end_turn", "max_tokens", "stop_sequence", "pause_turn", "from_the_future"]) {
    expect(classifyEnding({ stopReason, ...usable })).toBeNull();
    expect(classifyEnding({ stopReason, ...nothing })).toBe("empty");
  }
  expect(classifyEnding({ stopReason: "model_context_window_exceeded", ...usable })).toBeNull();
  expect(classifyEnding({ stopReason: "model_context_window_exceeded", ...nothing })).toBe("too_long");
  expect(classifyEnding({ stopReason: "refusal", ...usable })).toBe("refused");
  expect(classifyEnding({ stopReason: "refusal", ...nothing })).toBe("refused");
  expect(classifyEnding({ stopReason: "tool_use", hasText: false, hasToolCalls: true })).toBeNull();
});

test("the cause is the first code in the chain, and a chain that bites its tail ends", () => {
  const coded = Object.assign(new TypeError("fetch"), { code: "ECONNRESET" });
  expect(causeCodeOf(new Error("outer", { cause: new Error("middle", { cause: coded }) }))).toBe(
    "ECONNRESET",
  );
  expect(causeCodeOf(new Error("outer", { cause: new SyntaxError("JSON") }))).toBe("SyntaxError");
  expect(causeCodeOf(new Error("alone"))).toBeUndefined();
  const endless = new Error("endless");
  endless.cause = endless;
  expect(causeCodeOf(endless)).toBe("Error");
});

test("retry-after counts in seconds, up to an hour", () => {
  expect(["20", "0", "0.2", "999999"].map(retryAfterOf)).toEqual([20, 0, 1, 3600]);
  expect(["", "-5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", null, undefined].map(retryAfterOf)).toEqual(
    Array.from({ length: 6 }, () => null),
  );
});

function connection(causeCode: string): Failure {
  return { source: "connection", textShown: false, causeCode };
}

function stall(phase: NonNullable<Failure["phase"]>, textShown: boolean): Failure {
  return { source: "stall", phase, textShown };
}

function invalid(message: string): Failure {
  return { ...HTTP, status: 400, type: "invalid_request_error", message };
}

function coded(status: number, type: string, errorCode: string): Failure {
  return { ...HTTP, status, type, errorCode };
}
