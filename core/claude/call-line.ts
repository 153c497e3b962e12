import type { ErrorKind, Failure } from "./classify.ts";
import { costOf, type ReportedUsage, type Usage, usageOf } from "./pricing.ts";
import { promptHash } from "./prompt.ts";

/**
 * What is logged of one call to Claude: one line, no content. Times are milliseconds, counted from the first
 * read of the stream; `firstTextMs` is null when no text was read.
 */
export type ClaudeCallLine = {
  correlationId: string;
  userRef: string;
  modelAsked: string;
  modelServed: string | null;
  requestId: string | null;
  credentialKind: "api_key" | null;
  effort: string;
  promptHash: string;
  conversationWarm: boolean;
  usage: Usage | null;
  cost: { microUsd: number; exact: boolean } | null;
  firstTextMs: number | null;
  totalMs: number;
  stopReason: string | null;
  error: CallError | null;
};

/** `source` is null when the answer came whole and was no use: refused, or empty. */
type CallError = {
  kind: ErrorKind;
  source: Failure["source"] | null;
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
  connected: boolean;
  request: { incident: string; userRef: string; system: string; conversationWarm: boolean };
  message: { model: string; stop_reason: string | null; usage: ReportedUsage } | null;
  requestId: string | null;
  firstTextMs: number | null;
  totalMs: number;
  kind: ErrorKind | null;
  failure: Failure | null;
  errorClass: string | null;
};

export function lineOf(call: LoggedCall): ClaudeCallLine {
  const { request, message, kind } = call;
  const usage = message === null ? null : usageOf(message.usage);
  return {
    correlationId: request.incident,
    userRef: request.userRef,
    modelAsked: call.model,
    modelServed: message?.model ?? null,
    requestId: call.requestId,
    credentialKind: call.connected ? "api_key" : null,
    effort: call.effort,
    promptHash: promptHash(request.system),
    conversationWarm: request.conversationWarm,
    usage,
    cost: usage === null || message === null ? null : costOf(message.model, usage),
    firstTextMs: call.firstTextMs,
    totalMs: call.totalMs,
    stopReason: message?.stop_reason ?? null,
    error: kind === null ? null : errorOf(kind, call.failure, call.errorClass),
  };
}

function errorOf(kind: ErrorKind, failure: Failure | null, errorClass: string | null): CallError {
  return {
    kind,
    source: failure?.source ?? null,
    class: errorClass,
    status: failure?.status ?? null,
    type: failure?.type ?? null,
    code: failure?.errorCode ?? null,
    causeCode: failure?.causeCode ?? null,
    phase: failure?.phase ?? null,
  };
}
