import Anthropic, {
  AnthropicError,
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from "@anthropic-ai/sdk";
import { type ClaudeCallLine, lineOf } from "./call-line.ts";
import {
  causeCodeOf,
  classifyEnding,
  classifyFailure,
  type ErrorKind,
  type Failure,
  POLICIES,
  retryAfterOf,
} from "./classify.ts";
import { type Usage, usageOf } from "./pricing.ts";
import { createTransport } from "./transport.ts";
import {
  createWatchdog,
  StallError,
  type Watchdog,
  WATCHDOG_BOUNDS,
  type WatchdogBounds,
} from "./watchdog.ts";

const EFFORT = "low";

type ContentBlock = Anthropic.ContentBlock;
type MessageStream = ReturnType<Anthropic["messages"]["stream"]>;

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
      content: ContentBlock[];
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

/** Never empty. A `system` message carries volatile facts: it follows a user turn and is the last message. */
export type ClaudeMessage = { role: "user" | "assistant" | "system"; text: string };

/**
 * `userRef` is opaque to the provider, never a name or an id of ours. `conversationWarm` says that the previous
 * turn of this conversation is less than five minutes old, so that caching its tail pays. `incident` is the
 * correlation id: logged, never sent.
 */
export type ClaudeRequest = {
  system: string;
  messages: readonly ClaudeMessage[];
  maxTokens: number;
  userRef: string;
  conversationWarm: boolean;
  incident: string;
};

export type Claude = {
  readonly model: string;
  readonly connected: boolean;
  /**
   * Asks once: nothing is retried. Claude's failures are `unavailable` events, never exceptions; an aborted
   * `signal` is one too (`stopped`). Abort or leaving the loop early closes the connection.
   */
  stream(request: ClaudeRequest, signal: AbortSignal): AsyncIterable<ClaudeEvent>;
};

/**
 * The only credential is `apiKey`: variables and profile files of the host are not read. Without one every call
 * is `unavailable` (`not_connected`) and nothing is sent. `log` gets one line per call, without content;
 * `clock` (milliseconds) is for its durations only: the bounds are watched by a clock of their own.
 */
export function createClaude(options: {
  apiKey: string | null;
  baseUrl: string;
  model: string;
  bounds?: Partial<WatchdogBounds>;
  log: (line: ClaudeCallLine) => void;
  clock?: () => number;
}): Claude {
  const { apiKey, model, log } = options;
  const clock = options.clock ?? (() => performance.now());
  const bounds = { ...WATCHDOG_BOUNDS, ...options.bounds };
  const fetch = apiKey === null ? null : createTransport(apiKey);
  const sdk = apiKey === null ? null : createSdk(apiKey, options.baseUrl, bounds.totalMs);

  return {
    model,
    connected: sdk !== null,
    async *stream(request, signal) {
      const startedAt = clock();
      const call = startCall(model, request, signal);
      try {
        if (sdk === null || fetch === null) call.failure = { source: "credential", textShown: false };
        else {
          for await (const text of read(call, sdk, createWatchdog({ bounds, fetch }))) {
            call.firstTextMs ??= clock() - startedAt;
            call.text += text;
            yield { type: "text", text };
          }
        }
      } finally {
        const { kind } = outcomeOf(call);
        const failure = call.finished === null ? call.failure : null;
        const facts = { effort: EFFORT, connected: sdk !== null, totalMs: clock() - startedAt };
        log(lineOf({ ...call, ...facts, kind, failure }));
      }
      yield* closing(call);
    },
  };
}

function createSdk(apiKey: string, baseURL: string, timeout: number): Anthropic {
  return new Anthropic({
    apiKey,
    baseURL,
    timeout,
    maxRetries: 0,
    webhookKey: null,
    openTelemetry: false,
    // The SDK would print the line that it could not parse, which is somebody's conversation.
    logLevel: "off",
  });
}

type Call = ReturnType<typeof startCall>;

function startCall(model: string, request: ClaudeRequest, signal: AbortSignal) {
  return {
    model,
    request,
    signal,
    text: "", // as far as it was read; `message` may have arrived further
    firstTextMs: null as number | null,
    message: null as Anthropic.Message | null,
    finished: null as Anthropic.Message | null,
    // Why `finished` is null. Until something else is known: because nobody read on.
    failure: { source: "person", textShown: false } as Failure,
    errorClass: null as string | null,
    retryAfterSeconds: null as number | null,
    requestId: null as string | null,
  };
}

async function* read(call: Call, sdk: Anthropic, watchdog: Watchdog): AsyncGenerator<string> {
  const stream = sdk.withOptions({ fetch: watchdog.fetch }).messages.stream(bodyOf(call), {
    signal: AbortSignal.any([call.signal, watchdog.signal]),
  });
  // Both run when bytes come in, however slowly the answer is read.
  stream.on("streamEvent", (_event, message) => {
    watchdog.progress();
    call.message = message;
  });
  stream.on("end", () => watchdog.stop());
  try {
    yield* textsOf(stream, call.signal);
    const message = stream.receivedMessages.at(-1);
    // An error that came while the reader was busy is only reported here.
    if (message === undefined) await stream.done();
    call.finished = message ?? null;
    call.failure = { source: "stream", textShown: call.text !== "" };
  } catch (error) {
    call.failure = { source: "program", textShown: call.text !== "" };
    if (!(error instanceof AnthropicError)) throw error;
    call.failure = failureOf(error, call, watchdog);
    call.errorClass = error.name;
    call.retryAfterSeconds =
      error instanceof APIError ? retryAfterOf(error.headers?.get("retry-after")) : null;
    call.requestId = error instanceof APIError ? (error.requestID ?? null) : null;
  } finally {
    call.requestId ??= stream.request_id ?? null;
    if (call.finished === null) stream.abort();
  }
}

// Not `for await`: that would close the connection after the last event, and the next call would need a new one.
async function* textsOf(stream: MessageStream, signal: AbortSignal): AsyncGenerator<string> {
  const events = stream[Symbol.asyncIterator]();
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    const event = next.value;
    if (event.type === "message_stop") return;
    // What arrived before the stop and was not read yet is dropped.
    if (signal.aborted) throw new APIUserAbortError();
    if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") continue;
    if (event.delta.text !== "") yield event.delta.text;
  }
}

function bodyOf({ model, request }: Call): Anthropic.MessageStreamParams {
  // The volatile facts at the end differ with every turn, so the cached tail ends before them.
  const tail = request.conversationWarm
    ? request.messages.findLastIndex((message) => message.role !== "system")
    : -1;
  return {
    model,
    max_tokens: request.maxTokens,
    system: [{ type: "text", text: request.system, cache_control: { type: "ephemeral", ttl: "1h" } }],
    messages: request.messages.map(({ role, text }, index) => ({
      role,
      content: [
        {
          type: "text",
          text: text.toWellFormed(),
          ...(index === tail && { cache_control: { type: "ephemeral", ttl: "5m" } }),
        },
      ],
    })),
    thinking: { type: "between_tools" },
    output_config: { effort: EFFORT },
    service_tier: "standard_only",
    metadata: { user_id: request.userRef },
  };
}

function failureOf(error: AnthropicError, call: Call, watchdog: Watchdog): Failure {
  const textShown = call.text !== "";
  const stall: unknown = watchdog.signal.reason;
  if (call.signal.aborted) return { source: "person", textShown };
  if (stall instanceof StallError) return { source: "stall", phase: stall.phase, textShown };
  if (error instanceof APIConnectionTimeoutError) return { source: "stall", phase: "headers", textShown };
  const causeCode = causeCodeOf(error);
  if (error instanceof APIConnectionError) return { source: "connection", textShown, causeCode };
  if (error instanceof APIError) {
    const { status, type, errorCode } = error;
    const source = status === undefined ? "event" : "response";
    return { source, textShown, status, type, errorCode, message: error.apiMessage ?? "" };
  }
  return { source: watchdog.headersArrived() ? "stream" : "program", textShown, causeCode };
}

type Outcome = { kind: ErrorKind } | { kind: null; message: Anthropic.Message };

function outcomeOf({ finished, failure }: Call): Outcome {
  if (finished === null) return { kind: classifyFailure(failure) };
  const kind = classifyEnding({
    stopReason: finished.stop_reason ?? "none",
    hasText: finished.content.some((block) => block.type === "text" && block.text.trim() !== ""),
    hasToolCalls: toolCallsOf(finished).length > 0,
  });
  return kind === null ? { kind, message: finished } : { kind };
}

function* closing(call: Call): Generator<ClaudeEvent> {
  const { requestId, retryAfterSeconds, text: partial } = call;
  const outcome = outcomeOf(call);
  if (outcome.kind === null) {
    const { content, model, usage, stop_reason } = outcome.message;
    for (const { id, name, input } of toolCallsOf(outcome.message))
      yield { type: "tool_call", id, name, input };
    yield {
      type: "end",
      stopReason: stop_reason ?? "none",
      content,
      usage: usageOf(usage),
      model,
      requestId,
    };
    return;
  }
  yield {
    type: "unavailable",
    kind: outcome.kind,
    retryable: POLICIES[outcome.kind].retryable,
    ...(retryAfterSeconds !== null && { retryAfterSeconds }),
    partial,
    usage: call.message === null ? null : usageOf(call.message.usage),
  };
}

// Only then are the inputs whole: a call cut by max_tokens looks like one with an empty input.
function toolCallsOf(message: Anthropic.Message) {
  return message.stop_reason === "tool_use"
    ? message.content.filter((block) => block.type === "tool_use")
    : [];
}
