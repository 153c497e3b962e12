import type { BreakerState, Refusal } from "./breaker.ts";
import type { ErrorKind, Failure } from "./classify.ts";
import { type ReportedUsage, type Usage, usageOf } from "./pricing.ts";
import { promptHash } from "./prompt.ts";

/**
 * What a call is about, beside what is sent. `incident` is the correlation id, `chatRef` names a chat without
 * telling which; `attempt` counts the calls made for the same question, from 1.
 */
export type CallAbout = {
  readonly incident: string;
  readonly orgId: string;
  readonly chatRef: string;
  readonly action: "answer" | "summary";
  readonly attempt: number;
};

/**
 * What is logged of one call to Claude: one line, no content. Times are milliseconds, counted from the first
 * read of the stream; `firstTextMs` is null when no text was read. `breaker` is how the call left it.
 */
export type ClaudeCallLine = {
  correlationId: string;
  orgId: string;
  chatRef: string;
  userRef: string;
  action: CallAbout["action"];
  attempt: number;
  modelAsked: string;
  modelServed: string | null;
  requestId: string | null;
  credential: string;
  credentialKind: "api_key" | "oauth" | null;
  effort: string;
  promptHash: string;
  conversationWarm: boolean;
  usage: Usage | null;
  firstTextMs: number | null;
  totalMs: number;
  stopReason: string | null;
  breaker: BreakerState;
  error: CallError | null;
};

/**
 * `source` is null when the answer came whole and was no use: refused, or empty. `breaker`: nothing was sent,
 * because of an outage of this kind.
 */
type CallError = {
  kind: ErrorKind;
  source: Failure["source"] | "breaker" | null;
  class: string | null;
  status: number | null;
  type: string | null;
  code: string | null;
  causeCode: string | null;
  phase: string | null;
};

type LoggedCall = {
  model: string;
  effort: string;
  credentialKind: ClaudeCallLine["credentialKind"];
  credential: string;
  breaker: BreakerState;
  attempt: number;
  request: { about: CallAbout; userRef: string; system: string; conversationWarm: boolean };
  message: { model: string; stop_reason: string | null; usage: ReportedUsage } | null;
  requestId: string | null;
  firstTextMs: number | null;
  totalMs: number;
  kind: ErrorKind | null;
  finished: object | null;
  failure: Failure;
  refusal: Refusal | null;
  errorClass: string | null;
};

export function lineOf(call: LoggedCall): ClaudeCallLine {
  const { request, message } = call;
  const { about } = request;
  return {
    correlationId: about.incident,
    orgId: about.orgId,
    chatRef: about.chatRef,
    userRef: request.userRef,
    action: about.action,
    attempt: call.attempt,
    modelAsked: call.model,
    modelServed: message?.model ?? null,
    requestId: call.requestId,
    credential: call.credential,
    credentialKind: call.credentialKind,
    effort: call.effort,
    promptHash: promptHash(request.system),
    conversationWarm: request.conversationWarm,
    usage: message === null ? null : usageOf(message.usage),
    firstTextMs: call.firstTextMs,
    totalMs: call.totalMs,
    stopReason: message?.stop_reason ?? null,
    breaker: call.breaker,
    error: call.kind === null ? null : errorOf(call, call.kind),
  };
}

function errorOf(call: LoggedCall, kind: ErrorKind): CallError {
  const failure = call.finished === null && call.refusal === null ? call.failure : null;
  return {
    kind,
    source: call.refusal === null ? (failure?.source ?? null) : "breaker",
    class: call.errorClass,
    status: failure?.status ?? null,
    type: failure?.type ?? null,
    code: failure?.errorCode ?? null,
    causeCode: failure?.causeCode ?? null,
    phase: failure?.phase ?? null,
  };
}
