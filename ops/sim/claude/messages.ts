import { lastUserText } from "./conversation.ts";
import { jsonHeaders, outcomeOf, type Outcome } from "./faults.ts";
import { replyInMode, type Mode } from "./modes.ts";
import type { MessagesRequest } from "./request.ts";
import type { ClaudeReply, ClaudeScript } from "./script.ts";
import { departure, play, playPings } from "./sse.ts";
import { messageOf, type Envelope } from "./stream.ts";
import { signThinking } from "./thinking.ts";
import { createCache } from "./usage.ts";
import type { Exchange } from "../wire.ts";

const PING_EVERY_MS = 20;
const LIMIT_PER_MINUTE = { requests: 4000, "input-tokens": 2_000_000, "output-tokens": 400_000 };

/** One accepted request with what the service knows about it. */
type Call = { request: MessagesRequest; requestId: string; account: string };

export type Desk = ReturnType<typeof createDesk>;

/** Answers requests that passed every check, as the script and the mode say. */
export function createDesk(options: { script: ClaudeScript; clock: () => number }) {
  const cache = createCache(options.clock);
  let { script } = options;
  let mode: Mode = "ok";
  let scriptCalls = 0;
  let messageCount = 0;
  let running = 0;
  let aborted = 0;

  const replyTo = (request: MessagesRequest): ClaudeReply =>
    replyInMode(mode, () => {
      const reply = script(request, { index: scriptCalls, lastUserText: lastUserText(request.messages) });
      scriptCalls += 1;
      return reply;
    });
  const envelopeFor = ({ request, account }: Call): Envelope => {
    messageCount += 1;
    return {
      messageId: `msg_sim_${String(messageCount).padStart(6, "0")}`,
      model: request.model,
      usage: cache(request, account),
      maxTokens: request.max_tokens,
      sign: (thinking) => signThinking(request, account, thinking),
    };
  };

  return {
    mode: () => mode,
    setMode(next: Mode) {
      mode = next;
    },
    setScript(next: ClaudeScript) {
      script = next;
      scriptCalls = 0;
    },
    running: () => running,
    aborted: () => aborted,
    async answer(exchange: Exchange, call: Call): Promise<void> {
      running += 1;
      try {
        const reply = replyTo(call.request);
        if ("after" in reply) await Promise.race([reply.after, departure(exchange.gone)]);
        if (exchange.gone.aborted) return;
        const envelope = envelopeFor(call);
        const stream = call.request.stream === true;
        const outcome = outcomeOf(reply, { stream, requestId: call.requestId, envelope });
        const headers = jsonHeaders(call.requestId, limitHeaders(options.clock()));
        await deliver(exchange, outcome, { envelope, headers });
      } finally {
        running -= 1;
        if (exchange.gone.reason === "client") aborted += 1;
      }
    },
  };
}

async function deliver(
  exchange: Exchange,
  outcome: Outcome,
  { envelope, headers }: { envelope: Envelope; headers: Record<string, string> },
): Promise<void> {
  switch (outcome.kind) {
    case "response":
      return exchange.respond(outcome.status, outcome.headers, outcome.body);
    case "message":
      return exchange.respond(200, headers, JSON.stringify(messageOf(outcome.answer, envelope)));
    case "no_response":
      if (outcome.ending === "reset") return exchange.reset();
      return departure(exchange.gone);
    case "stream":
      exchange.open(200, {
        ...headers,
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
      });
      await play(exchange, outcome.steps);
      return endStream(exchange, outcome.ending);
  }
}

function endStream(
  exchange: Exchange,
  ending: Extract<Outcome, { kind: "stream" }>["ending"],
): Promise<void> | void {
  switch (ending) {
    case "close":
      return exchange.finish();
    case "reset":
      return exchange.reset();
    case "silence":
      return departure(exchange.gone);
    case "pings":
      return playPings(exchange, PING_EVERY_MS);
  }
}

function limitHeaders(now: number): Record<string, string> {
  const reset = new Date(now + 60_000).toISOString();
  return Object.fromEntries(
    Object.entries(LIMIT_PER_MINUTE).flatMap(([name, limit]) => [
      [`anthropic-ratelimit-${name}-limit`, String(limit)],
      [`anthropic-ratelimit-${name}-remaining`, String(limit - 1)],
      [`anthropic-ratelimit-${name}-reset`, reset],
    ]),
  );
}
