import { createHash } from "node:crypto";
import Anthropic, {
  AnthropicError,
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from "@anthropic-ai/sdk";
import type { Leave, Refusal } from "./breaker.ts";
import { type CallAbout, type ClaudeCallLine, lineOf } from "./call-line.ts";
import { causeCodeOf, type Failure, retryAfterOf } from "./classify.ts";
import { type ClaudeEvent, closing, kindOf, usageIn } from "./events.ts";
import type { ClaudeHealth } from "./health.ts";
import { type ClaudeMessage, paramsOf } from "./messages.ts";
import { type Retrieval, retrieveModel } from "./models.ts";
import type { Usage } from "./pricing.ts";
import { createTransport } from "./transport.ts";
import {
  createWatchdog,
  StallError,
  type Watchdog,
  WATCHDOG_BOUNDS,
  type WatchdogBounds,
} from "./watchdog.ts";

const EFFORT = "low";
const CONTINUATIONS_MAX = 3;
const CREDENTIAL_CHARS = 16;
// Files take time to go up and to be read before the first header of the answer comes back.
const HEADERS_PATIENCE_WITH_FILES = 4;

/** The name of having no credential at all. */
export const NO_CREDENTIAL = "none";

type MessageStream = ReturnType<Anthropic["messages"]["stream"]>;

/**
 * `userRef` is opaque to the provider, never a name or an id of ours. `conversationWarm` says that the previous
 * turn of this conversation is less than five minutes old, so that caching its tail pays. `about` is for the log
 * and never sent.
 */
export type ClaudeRequest = {
  system: string;
  messages: readonly ClaudeMessage[];
  maxTokens: number;
  userRef: string;
  conversationWarm: boolean;
  about: CallAbout;
};

export type Claude = {
  readonly model: string;
  readonly connected: boolean;
  /** What the credential in use is known by in `ClaudeHealth`: another one, another name. Tells nothing about it. */
  readonly credential: string;
  /**
   * Asks once: nothing is retried. Claude's failures are `unavailable` events, never exceptions; an aborted
   * `signal` is one too (`stopped`). Abort or leaving the loop early closes the connection. While the credential
   * is in an outage nothing is sent. A turn that Claude paused before it showed anything is gone on with, at most
   * three times.
   */
  stream(request: ClaudeRequest, signal: AbortSignal): AsyncIterable<ClaudeEvent>;
  /** Retrieves the model, to see whether Claude is there and what is planned for it. Asks nothing and costs nothing. */
  retrieve(signal: AbortSignal): Promise<Retrieval>;
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
  health: ClaudeHealth;
  log: (line: ClaudeCallLine) => void;
  clock?: () => number;
}): Claude {
  const { apiKey, model, health, log } = options;
  const clock = options.clock ?? (() => performance.now());
  const bounds = { ...WATCHDOG_BOUNDS, ...options.bounds };
  const fetch = apiKey === null ? null : createTransport(apiKey);
  const sdk = apiKey === null ? null : createSdk(apiKey, options.baseUrl, bounds.totalMs);
  const credential = apiKey === null ? NO_CREDENTIAL : nameOf(apiKey);

  async function* run(call: Call): AsyncGenerator<ClaudeEvent> {
    const startedAt = clock();
    const leave = health.ask(credential);
    try {
      if ("kind" in leave) call.refusal = leave;
      else if (sdk === null || fetch === null) call.failure = { source: "credential", textShown: false };
      else {
        const watchdog = createWatchdog({ bounds: boundsFor(call.request, bounds), fetch });
        for await (const text of read(call, sdk, watchdog)) {
          if (call.firstTextMs === null) health.progressed(credential, leave);
          call.firstTextMs ??= clock() - startedAt;
          call.text += text;
          yield { type: "text", text };
        }
      }
    } finally {
      conclude(call, leave, clock() - startedAt);
    }
  }

  function conclude(call: Call, leave: Leave | Refusal, totalMs: number): void {
    const kind = isPaused(call) ? null : kindOf(call);
    const { incident } = call.request.about;
    if (!("kind" in leave))
      health.ended(credential, leave, { kind, retryAfterSeconds: call.retryAfterSeconds, incident });
    const { breaker } = health.report(credential);
    log(lineOf({ ...call, kind, totalMs, effort: EFFORT, connected: sdk !== null, credential, breaker }));
  }

  return {
    model,
    connected: sdk !== null,
    credential,
    async retrieve(signal) {
      if (fetch === null) return { kind: "not_connected" };
      return retrieveModel({ fetch, baseUrl: options.baseUrl, model }, signal);
    },
    async *stream(request, signal) {
      let call = startCall(model, request, signal);
      yield* run(call);
      for (let n = 1; n <= CONTINUATIONS_MAX && isPaused(call); n += 1) {
        call = continued(call);
        yield* run(call);
      }
      yield* closing(call);
    },
  };
}

function boundsFor({ messages }: ClaudeRequest, bounds: WatchdogBounds): WatchdogBounds {
  if (!messages.some((message) => message.files?.length)) return bounds;
  return { ...bounds, headersMs: bounds.headersMs * HEADERS_PATIENCE_WITH_FILES };
}

/** A hash of the key: whoever reads it learns nothing but whether two are the same. */
function nameOf(apiKey: string): string {
  return createHash("sha256").update(apiKey).digest("hex").slice(0, CREDENTIAL_CHARS);
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
    attempt: request.about.attempt,
    paused: [] as Anthropic.ContentBlock[], // what this call goes on from
    earlierUsage: null as Usage | null,
    refusal: null as Refusal | null,
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

// Never after somebody saw text: what follows could not be told from what was said.
const isPaused = (call: Call): boolean =>
  call.finished?.stop_reason === "pause_turn" && call.text === "" && call.finished.content.length > 0;

function continued(call: Call): Call {
  return {
    ...startCall(call.model, call.request, call.signal),
    attempt: call.attempt + 1,
    paused: [...call.paused, ...(call.finished?.content ?? [])],
    earlierUsage: usageIn(call),
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

function bodyOf({ model, request, paused }: Call): Anthropic.MessageStreamParams {
  return {
    model,
    max_tokens: request.maxTokens,
    system: [{ type: "text", text: request.system, cache_control: { type: "ephemeral", ttl: "1h" } }],
    messages: [
      ...paramsOf(request.messages, request.conversationWarm),
      ...(paused.length === 0 ? [] : [{ role: "assistant" as const, content: paused }]),
    ],
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
