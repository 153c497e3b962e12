import type { Refusal } from "./breaker.ts";
import { classifyEnding, classifyFailure, type ErrorKind, type Failure, POLICIES } from "./classify.ts";
import { addUsage, type ReportedUsage, type Usage, usageOf } from "./pricing.ts";

/** A block of an answer, as far as it is looked into; the SDK's own blocks fit it. */
type Block = {
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
};

/** An answer that came whole; the SDK's own message fits it. */
type FinishedMessage = {
  readonly content: readonly Block[];
  readonly stop_reason: string | null;
  readonly model: string;
  readonly usage: ReportedUsage;
};

/**
 * One call is any number of `text`, then `tool_call`s (only when Claude stopped to have tools run), then exactly
 * one `end` or `unavailable`. `partial` is the text yielded before the failure; `usage` is what the failed call
 * is known to have used, which is less than what is billed when the answer broke off.
 */
export type ClaudeEvent =
  | { type: "text"; text: string }
  | { type: "tool_call"; id: string; name: string; input: unknown }
  | {
      type: "end";
      stopReason: string;
      content: readonly Block[];
      usage: Usage;
      model: string;
      requestId: string | null;
    }
  | {
      type: "unavailable";
      kind: ErrorKind;
      retryable: boolean;
      retryAfterSeconds?: number;
      partial: string;
      usage: Usage | null;
    };

/** What became of a call. `finished` is null when it failed, and `failure` says why; `refusal` when it was never made. */
export type EndedCall = {
  readonly refusal: Refusal | null;
  readonly finished: FinishedMessage | null;
  readonly failure: Failure;
  /** As far as it arrived. */
  readonly message: { readonly usage: ReportedUsage } | null;
  readonly text: string;
  readonly retryAfterSeconds: number | null;
  readonly requestId: string | null;
  /** Of the calls that this one went on from. */
  readonly earlierUsage: Usage | null;
};

/** Null when the answer can be used as it is. */
export function kindOf({ refusal, finished, failure }: EndedCall): ErrorKind | null {
  if (refusal !== null) return refusal.kind;
  if (finished === null) return classifyFailure(failure);
  return classifyEnding({
    stopReason: finished.stop_reason ?? "none",
    hasText: finished.content.some((block) => block.type === "text" && block.text?.trim() !== ""),
    hasToolCalls: toolCallsOf(finished).length > 0,
  });
}

/** Claude did not take the token, so nothing was billed, and nothing was shown: the one case in which the same is sent again. */
export function isTokenRefused({ refusal, finished, failure, text }: EndedCall): boolean {
  const isRefusal = failure.source === "response" && failure.status === 401;
  return refusal === null && finished === null && text === "" && isRefusal;
}

/** The last events of a call. */
export function* closing(call: EndedCall): Generator<ClaudeEvent> {
  const kind = kindOf(call);
  const usage = usageIn(call);
  if (call.finished !== null && usage !== null && kind === null) {
    const { content, model, stop_reason } = call.finished;
    for (const { id = "", name = "", input } of toolCallsOf(call.finished))
      yield { type: "tool_call", id, name, input };
    yield {
      type: "end",
      stopReason: stop_reason ?? "none",
      content,
      usage,
      model,
      requestId: call.requestId,
    };
    return;
  }
  const waitSeconds = call.retryAfterSeconds ?? Math.ceil((call.refusal?.waitMs ?? 0) / 1_000);
  yield {
    type: "unavailable",
    kind: kind ?? "our_bug",
    retryable: POLICIES[kind ?? "our_bug"].retryable,
    ...(waitSeconds > 0 && { retryAfterSeconds: waitSeconds }),
    partial: call.text,
    usage,
  };
}

/** All that is known to have been used, the calls that this one went on from included. */
export function usageIn({ message, earlierUsage }: EndedCall): Usage | null {
  const own = message === null ? null : usageOf(message.usage);
  return own !== null && earlierUsage !== null ? addUsage(own, earlierUsage) : (own ?? earlierUsage);
}

// Only then are the inputs whole: a call cut by max_tokens looks like one with an empty input.
function toolCallsOf(message: FinishedMessage): readonly Block[] {
  return message.stop_reason === "tool_use"
    ? message.content.filter((block) => block.type === "tool_use")
    : [];
}
