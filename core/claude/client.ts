import Anthropic, {
  AnthropicError,
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from "@anthropic-ai/sdk";
import { type ClaudeAccess, credentialName, keyAccess, NO_ACCESS } from "./access.ts";
import type { Leave, Refusal } from "./breaker.ts";
import { type ClaudeCallLine, lineOf } from "./call-line.ts";
import { causeCodeOf, type Failure, retryAfterOf } from "./classify.ts";
import { type ClaudeEvent, closing, isTokenRefused, kindOf, usageIn } from "./events.ts";
import type { ClaudeHealth } from "./health.ts";
import { type ClaudeRequest, paramsOf } from "./messages.ts";
import { type Retrieval, retrieveWith } from "./models.ts";
import type { Usage } from "./pricing.ts";
import {
  createWatchdog,
  StallError,
  type Watchdog,
  WATCHDOG_BOUNDS,
  type WatchdogBounds,
} from "./watchdog.ts";

const EFFORT = "low";
const CONTINUATIONS_MAX = 3;
// Files take time to go up and to be read before the first header of the answer comes back.
const HEADERS_PATIENCE_WITH_FILES = 4;

type MessageStream = ReturnType<Anthropic["messages"]["stream"]>;

export type Claude = {
  readonly model: string;
  /** Whether the instance has a credential, for the teams that have none of their own. */
  readonly connected: boolean;
  /** What the instance's is known by in `ClaudeHealth`. */
  readonly credential: string;
  /** The instance's, when it is a key of the environment or none at all; null when it is an OAuth sign-in. */
  readonly instance: ClaudeAccess | null;
  /**
   * Asks once: nothing is retried, except that an access token which Claude refused before anything was shown is
   * refreshed and sent once more, as the next attempt. Claude's failures are `unavailable` events, never exceptions; an aborted
   * `signal` is one too (`stopped`). Abort or leaving the loop early closes the connection. While the credential
   * is in an outage nothing is sent. A turn that Claude paused before it showed anything is gone on with, at most
   * three times.
   */
  stream(request: ClaudeRequest, signal: AbortSignal, access?: ClaudeAccess): AsyncIterable<ClaudeEvent>;
  /** Retrieves the model, to see whether Claude is there and what is planned for it. Asks nothing and costs nothing. */
  retrieve(signal: AbortSignal, access?: ClaudeAccess): Promise<Retrieval>;
};

/**
 * The instance's credential is `apiKey`, or the OAuth sign-in of `oauth`, which calls are then given the access of;
 * variables and profile files of the host are not read. Without any, every call is `unavailable` (`not_connected`)
 * and nothing is sent. `log` gets one line per call, without content;
 * `clock` (milliseconds) is for its durations only: the bounds are watched by a clock of their own.
 */
export function createClaude(options: {
  apiKey: string | null;
  /** What makes the instance's OAuth sign-in this one; null when there is none. */
  oauth?: string | null;
  baseUrl: string;
  model: string;
  bounds?: Partial<WatchdogBounds>;
  health: ClaudeHealth;
  log: (line: ClaudeCallLine) => void;
  clock?: () => number;
}): Claude {
  const { apiKey, oauth = null, model, health, log } = options;
  const clock = options.clock ?? (() => performance.now());
  const bounds = { ...WATCHDOG_BOUNDS, ...options.bounds };
  const sdk = createSdk(options.baseUrl, bounds.totalMs);
  const key = apiKey === null ? NO_ACCESS : keyAccess(apiKey);
  const credential = oauth === null ? key.credential : credentialName(oauth);

  async function* run(call: Call): AsyncGenerator<ClaudeEvent> {
    const startedAt = clock();
    const { credential } = call.access;
    const leave = health.ask(credential);
    try {
      const fetch = "kind" in leave ? null : await call.open();
      if ("kind" in leave) call.refusal = leave;
      else if (typeof fetch !== "function") call.failure = fetch ?? call.failure;
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
    const { credential, kind: credentialKind } = call.access;
    const { retryAfterSeconds } = call;
    // A token that is refreshed now says nothing about Claude: the next attempt does.
    const verdict = isRenewable(call) ? "stopped" : kind;
    if (!("kind" in leave)) health.ended(credential, leave, { kind: verdict, retryAfterSeconds, incident });
    const { breaker } = health.report(credential);
    log(lineOf({ ...call, kind, totalMs, effort: EFFORT, credentialKind, credential, breaker }));
  }

  return {
    model,
    connected: credential !== NO_ACCESS.credential,
    credential,
    instance: oauth === null ? key : null,
    retrieve: (signal, access = key) => retrieveWith(access, { baseUrl: options.baseUrl, model }, signal),
    async *stream(request, signal, access = key) {
      let call = startCall({ model, request, signal, access });
      yield* run(call);
      for (let n = 1; n <= CONTINUATIONS_MAX; n += 1) {
        const next = nextOf(call);
        if (next === null) break;
        call = next;
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

function createSdk(baseURL: string, timeout: number): Anthropic {
  return new Anthropic({
    apiKey: "sent by the transport", // it would look for one in the host's environment
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

type Calling = { model: string; request: ClaudeRequest; signal: AbortSignal; access: ClaudeAccess };

function startCall({ model, request, signal, access }: Calling) {
  return {
    model,
    request,
    signal,
    access,
    open: access.open,
    mayRenew: access.renew !== null,
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

// What goes on from this call by itself.
function nextOf(call: Call): Call | null {
  if (isPaused(call)) return continued(call);
  return isRenewable(call) ? renewed(call) : null;
}

// Never after somebody saw text: what follows could not be told from what was said.
const isPaused = (call: Call): boolean =>
  call.finished?.stop_reason === "pause_turn" && call.text === "" && call.finished.content.length > 0;

function continued(call: Call): Call {
  return {
    ...startCall(call),
    mayRenew: call.mayRenew,
    attempt: call.attempt + 1,
    paused: [...call.paused, ...(call.finished?.content ?? [])],
    earlierUsage: usageIn(call),
  };
}

const isRenewable = (call: Call): boolean => call.mayRenew && isTokenRefused(call);

function renewed(call: Call): Call {
  return {
    ...startCall(call),
    open: call.access.renew ?? call.access.open,
    mayRenew: false,
    attempt: call.attempt + 1,
    paused: call.paused,
    earlierUsage: call.earlierUsage,
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
