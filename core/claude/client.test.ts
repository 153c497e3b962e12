import { expect, test } from "bun:test";
import type { ClaudeReply } from "../../ops/sim/claude/script.ts";
import { createClaudeSim } from "../../ops/sim/claude/server.ts";
import type { ClaudeCallLine } from "./call-line.ts";
import { createClaude } from "./client.ts";
import type { ClaudeRequest } from "./messages.ts";
import type { ClaudeEvent } from "./events.ts";
import { createClaudeHealth } from "./health.ts";
import { systemPrompt, volatileFacts } from "./prompt.ts";
import type { WatchdogBounds } from "./watchdog.ts";

const KEY = "sk-ant-test-key";
const MODEL = "claude-sonnet-5-5";
const QUESTION = "What is the capital of Mongolia?";
const ANSWER = "It is **Ulaanbaatar**, which was called Örgöö once. 🏙️";
const SHORT_MS = 150;

const REQUEST: ClaudeRequest = {
  system: systemPrompt({
    name: "Blue Harbour",
    botName: "BlockBot",
    voice: { instructions: null, language: null },
  }),
  messages: [
    { role: "user", text: "Hello" },
    { role: "assistant", text: "Hello. How can I help?" },
    { role: "user", text: QUESTION },
    {
      role: "system",
      text: volatileFacts({ now: new Date("2026-11-21T09:00:00Z"), timeZone: "UTC", chatKind: "private" }),
    },
  ],
  maxTokens: 4096,
  userRef: "u_5f0c",
  conversationWarm: true,
  about: { incident: "inc-7", orgId: "org-1", chatRef: "c_1", action: "answer", attempt: 1 },
};

test("an answer streams in, then ends once with its usage and its request id", async () => {
  await using world = await start(() => ({ text: ANSWER, chunkChars: 7 }));
  const events = await world.ask();
  expect(textOf(events)).toBe(ANSWER);
  expect(events.filter((event) => event.type === "text").length).toBeGreaterThan(3);
  const end = theEnd(events);
  if (end.type !== "end") throw new Error(`not an end: ${JSON.stringify(end)}`);
  expect(end).toMatchObject({
    stopReason: "end_turn",
    model: MODEL,
    content: [{ type: "text", text: ANSWER }],
  });
  expect(end.requestId).toMatch(/^req_/);
  expect(end.usage.outputTokens).toBeGreaterThan(0);
  expect(end.usage.inputTokens + end.usage.cacheReadTokens + end.usage.cacheWrite1hTokens).toBeGreaterThan(0);
  expect(world.sim.violations).toEqual([]);
});

test("the request says what the design says, and caches up to the volatile facts", async () => {
  await using world = await start(() => ({ text: "Hi" }));
  await world.ask();
  await world.ask({ ...REQUEST, conversationWarm: false });
  const [warm, cold] = world.sim.requests;
  expect(warm).toMatchObject({
    model: MODEL,
    max_tokens: 4096,
    stream: true,
    thinking: { type: "between_tools" },
    output_config: { effort: "low" },
    service_tier: "standard_only",
    metadata: { user_id: "u_5f0c" },
    system: [{ type: "text", text: REQUEST.system, cache_control: { type: "ephemeral", ttl: "1h" } }],
  });
  expect(markersIn(warm?.messages)).toEqual([null, null, { type: "ephemeral", ttl: "5m" }, null]);
  expect(markersIn(cold?.messages)).toEqual([null, null, null, null]);
  expect(JSON.stringify(warm)).not.toContain("inc-7");
  expect(world.sim.violations).toEqual([]);
});

const HTTP_FAILURES: [reply: ClaudeReply, expected: Record<string, unknown>][] = [
  [
    { status: 400, message: "prompt is too long: 2 > 1" },
    { kind: "too_long", retryable: false },
  ],
  [
    { status: 400, message: "Your credit balance is too low" },
    { kind: "billing", retryable: false },
  ],
  [{ status: 400, message: "messages.1: unexpected" }, { kind: "our_bug" }],
  [{ status: 400, errorCode: "organization_on_hold" }, { kind: "forbidden" }],
  [{ status: 401 }, { kind: "auth", retryable: false }],
  [{ status: 402, type: "billing_error" }, { kind: "billing" }],
  [{ status: 403 }, { kind: "forbidden" }],
  [{ status: 404 }, { kind: "model_missing" }],
  [
    { status: 413, html: "<html>too large</html>" },
    { kind: "too_large", retryable: false },
  ],
  [
    { status: 429, headers: { "retry-after": "20" } },
    { kind: "rate_limited", retryAfterSeconds: 20 },
  ],
  [{ status: 429, errorCode: "enforced_spend_limit_reached" }, { kind: "billing" }],
  [
    { status: 429, errorCode: "ramp_limit_exceeded" },
    { kind: "busy", retryable: true },
  ],
  [{ status: 500 }, { kind: "overloaded", retryable: true }],
  [{ status: 502, html: "<html>bad gateway</html>" }, { kind: "overloaded" }],
  [{ status: 503, html: "<html>away</html>", headers: { "retry-after": "5" } }, { kind: "overloaded" }],
  [{ status: 504, type: "timeout_error" }, { kind: "overloaded" }],
  [
    { status: 529, headers: { "x-should-retry": "true" } },
    { kind: "overloaded", retryable: true },
  ],
  [{ fault: "reset_before_headers" }, { kind: "unreachable", retryable: true }],
  [{ fault: "redirect" }, { kind: "intercepted" }],
  [{ fault: "html_200" }, { kind: "intercepted" }],
];

test("a failure before the answer is one event, is asked once, and is one line in the log", async () => {
  await using world = await start(() => ({ status: 500 }));
  for (const [reply, expected] of HTTP_FAILURES) {
    const [asked, logged] = [world.sim.requests.length, world.lines.length];
    world.forget();
    world.sim.setScript(() => reply);
    const events = await world.ask();
    expect({ reply, events }).toMatchObject({ events: [{ type: "unavailable", partial: "", ...expected }] });
    expect(world.sim.requests.length - asked).toBe(1);
    expect(world.lines.length - logged).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({ correlationId: "inc-7", error: { kind: expected["kind"] } });
  }
});

const BROKEN_ANSWERS: [reply: ClaudeReply, kind: string][] = [
  [{ fault: "reset_mid_stream", text: ANSWER, afterChars: 20 }, "interrupted"],
  [{ fault: "eof_mid_stream", text: ANSWER, afterChars: 20 }, "interrupted"],
  [{ fault: "sse_error_overloaded", text: ANSWER, afterChars: 20 }, "interrupted"],
  [{ fault: "bad_json", text: ANSWER, afterChars: 20 }, "garbled"],
];

test("an answer that breaks off keeps the text that was shown", async () => {
  await using world = await start(() => ({ status: 500 }));
  for (const [reply, kind] of BROKEN_ANSWERS) {
    world.forget();
    world.sim.setScript(() => reply);
    const events = await world.ask();
    expect({ reply, end: theEnd(events) }).toMatchObject({
      end: { type: "unavailable", kind, retryable: true, partial: ANSWER.slice(0, 20) },
    });
    expect(textOf(events)).toBe(ANSWER.slice(0, 20));
    expect(theEnd(events)).toHaveProperty("usage.inputTokens", expect.any(Number));
  }
});

const SILENCES: [reply: ClaudeReply, bounds: Partial<WatchdogBounds>, expected: Record<string, unknown>][] = [
  [{ fault: "no_headers" }, { headersMs: SHORT_MS }, { kind: "timeout", partial: "" }],
  [{ fault: "headers_then_silence" }, { firstEventMs: SHORT_MS }, { kind: "timeout", partial: "" }],
  [{ fault: "pings_only" }, { idleAliveMs: SHORT_MS }, { kind: "timeout", partial: "" }],
  [{ fault: "pings_only" }, { totalMs: SHORT_MS }, { kind: "timeout", partial: "" }],
  [
    { fault: "stall_mid_stream", text: ANSWER, afterChars: 20 },
    { idleMs: 2 * SHORT_MS },
    { kind: "interrupted", partial: ANSWER.slice(0, 20) },
  ],
];

test("a silent Claude is given up, and its connection closed", async () => {
  for (const [reply, bounds, expected] of SILENCES) {
    await using world = await start(() => reply, bounds);
    const events = await world.ask();
    expect({ reply, end: theEnd(events) }).toMatchObject({ end: { type: "unavailable", ...expected } });
    await until(() => world.sim.running === 0);
    expect(world.sim.aborted()).toBe(1);
    const [phase = ""] = Object.keys(bounds);
    expect(world.lines[0]?.error?.phase).toBe(
      { headersMs: "headers", firstEventMs: "first_event", totalMs: "total" }[phase] ?? "idle",
    );
  }
});

test("how an answer ended decides whether it is one", async () => {
  await using world = await start(() => ({ fault: "refusal" }));
  expect(await world.ask()).toMatchObject([{ type: "unavailable", kind: "refused", retryable: false }]);
  world.sim.setScript(() => ({ fault: "empty_content" }));
  const [empty] = await world.ask();
  expect(empty).toMatchObject({ type: "unavailable", kind: "empty" });
  expect(world.lines.at(-1)).toMatchObject({ error: { kind: "empty", source: null } });
  const endings: [ClaudeReply, string][] = [
    [{ fault: "unknown_stop_reason", text: ANSWER }, "stopped_for_a_new_reason"],
    [{ fault: "context_window", text: ANSWER }, "model_context_window_exceeded"],
    [{ text: ANSWER, stopReason: "max_tokens" }, "max_tokens"],
  ];
  for (const [reply, stopReason] of endings) {
    world.sim.setScript(() => reply);
    const events = await world.ask();
    expect(textOf(events)).toBe(ANSWER);
    expect(theEnd(events)).toMatchObject({ type: "end", stopReason });
  }
});

test("tool calls are handed out only when Claude stopped to have them run", async () => {
  const toolCalls = [
    { id: "toolu_1", name: "search", input: { query: "Grüße", deep: { list: [1, 2] } } },
    { id: "toolu_2", name: "search", input: { query: "b" } },
  ];
  await using world = await start(() => ({ text: "Let me look.", toolCalls, stopReason: "tool_use" }));
  const events = await world.ask();
  expect(events.slice(-3)).toMatchObject([
    { type: "tool_call", ...toolCalls[0] },
    { type: "tool_call", ...toolCalls[1] },
    { type: "end", stopReason: "tool_use" },
  ]);
  world.sim.setScript(() => ({ text: "Let me look.", toolCalls, stopReason: "max_tokens" }));
  const cut = await world.ask();
  expect(cut.some((event) => event.type === "tool_call")).toBe(false);
  expect(theEnd(cut)).toMatchObject({ type: "end", stopReason: "max_tokens" });
});

test("a turn that Claude paused is gone on with as it was, and logged as a further attempt; never after text", async () => {
  await using world = await start(() => ({ status: 500 }));
  world.sim.setScript((_request, { index }) => (index < 2 ? { fault: "pause_turn" } : { text: ANSWER }));
  const events = await world.ask();
  expect(textOf(events)).toBe(ANSWER);
  expect(theEnd(events)).toMatchObject({ type: "end", stopReason: "end_turn" });
  expect(world.sim.requests).toHaveLength(3);
  expect(world.lines.map(({ attempt, stopReason, error }) => ({ attempt, stopReason, error }))).toEqual([
    { attempt: 1, stopReason: "pause_turn", error: null },
    { attempt: 2, stopReason: "pause_turn", error: null },
    { attempt: 3, stopReason: "end_turn", error: null },
  ]);
  const outputs = world.lines.map(({ usage }) => usage?.outputTokens ?? 0);
  expect(theEnd(events)).toHaveProperty(
    "usage.outputTokens",
    outputs.reduce((sum, tokens) => sum + tokens),
  );

  world.sim.setScript(() => ({ fault: "pause_turn" }));
  expect(theEnd(await world.ask())).toMatchObject({ type: "unavailable", kind: "empty" });
  expect(world.sim.requests).toHaveLength(3 + 4);
  world.sim.setScript(() => ({ fault: "pause_turn", text: "Shown already." }));
  expect(theEnd(await world.ask())).toMatchObject({ type: "end", stopReason: "pause_turn" });
  expect(world.sim.requests).toHaveLength(3 + 4 + 1);
  expect(world.sim.violations).toEqual([]);
});

test("in an outage nothing is sent, until one call may find out", async () => {
  await using world = await start(() => ({ status: 429, headers: { "retry-after": "20" } }));
  await world.ask();
  expect(world.lines.at(-1)).toMatchObject({ breaker: "open", error: { source: "response", status: 429 } });
  expect(await world.ask()).toMatchObject([
    { type: "unavailable", kind: "rate_limited", retryAfterSeconds: 20 },
  ]);
  expect(world.lines.at(-1)).toMatchObject({
    breaker: "open",
    requestId: null,
    error: { source: "breaker" },
  });
  expect(world.sim.requests).toHaveLength(1);
});

test("Stop keeps what was shown and closes the connection", async () => {
  await using world = await start(() => ({ text: ANSWER.repeat(50), chunkChars: 5, chunkMs: 5 }));
  const stop = new AbortController();
  const events: ClaudeEvent[] = [];
  for await (const event of world.claude.stream(REQUEST, stop.signal)) {
    events.push(event);
    if (events.length === 3) stop.abort();
  }
  expect(theEnd(events)).toMatchObject({ type: "unavailable", kind: "stopped", partial: textOf(events) });
  expect(events).toHaveLength(4);
  await until(() => world.sim.running === 0);
  expect(world.sim.aborted()).toBe(1);
  expect(world.lines).toMatchObject([{ error: { kind: "stopped", source: "person" }, modelServed: MODEL }]);

  world.sim.setScript(() => ({ text: ANSWER, chunkChars: 5 }));
  const late = new AbortController();
  const shown: ClaudeEvent[] = [];
  for await (const event of world.claude.stream(REQUEST, late.signal)) {
    if (shown.push(event) > 1) continue;
    await until(() => world.sim.running === 0);
    await Bun.sleep(50); // by now all of it has arrived, and nobody has read it
    late.abort();
  }
  expect(shown).toMatchObject([
    { type: "text", text: ANSWER.slice(0, 5) },
    { type: "unavailable", kind: "stopped", partial: ANSWER.slice(0, 5) },
  ]);

  const before = await world.ask(REQUEST, AbortSignal.abort());
  expect(before).toMatchObject([{ type: "unavailable", kind: "stopped", partial: "" }]);
  expect(world.sim.requests).toHaveLength(2);
});

test("Stop works while Claude says nothing", async () => {
  await using world = await start(() => ({ fault: "no_headers" }));
  const stop = new AbortController();
  const asked = world.ask(REQUEST, stop.signal);
  await until(() => world.sim.running === 1);
  stop.abort();
  expect(await asked).toMatchObject([{ type: "unavailable", kind: "stopped", partial: "" }]);
  await until(() => world.sim.running === 0);
});

test("a reader who leaves early closes the connection, and the call is still logged", async () => {
  await using world = await start(() => ({ text: ANSWER.repeat(50), chunkChars: 5, chunkMs: 5 }));
  for await (const event of world.claude.stream(REQUEST, new AbortController().signal)) {
    if (event.type === "text") break;
  }
  await until(() => world.sim.running === 0);
  expect(world.sim.aborted()).toBe(1);
  expect(world.lines).toMatchObject([{ error: { kind: "stopped" }, correlationId: "inc-7" }]);
});

test("a slow reader is not a silent Claude, and still hears how it ended", async () => {
  const bounds = { firstEventMs: 600, idleMs: 600, idleAliveMs: 600, totalMs: 600 };
  await using world = await start(() => ({ text: ANSWER, chunkChars: 20 }), bounds);
  const slowly = async () => {
    const events: ClaudeEvent[] = [];
    for await (const event of world.claude.stream(REQUEST, new AbortController().signal)) {
      if (events.push(event) === 1) await Bun.sleep(700);
    }
    return events;
  };
  const whole = await slowly();
  expect(textOf(whole)).toBe(ANSWER);
  expect(theEnd(whole)).toMatchObject({ type: "end", stopReason: "end_turn" });

  world.sim.setScript(() => ({ fault: "bad_json", text: ANSWER, afterChars: 30 }));
  const broken = await slowly();
  expect(theEnd(broken)).toMatchObject({
    type: "unavailable",
    kind: "garbled",
    partial: ANSWER.slice(0, 30),
  });
});

test("without a key nothing is sent, and every call says so", async () => {
  await using world = await start(() => ({ text: "Hi" }));
  const lines: ClaudeCallLine[] = [];
  const claude = createClaude({
    apiKey: null,
    baseUrl: world.sim.url,
    model: MODEL,
    health: createClaudeHealth(Date),
    log: (l) => lines.push(l),
  });
  expect(claude.connected).toBe(false);
  const events = await collect(claude.stream(REQUEST, new AbortController().signal));
  expect(events).toEqual([
    { type: "unavailable", kind: "not_connected", retryable: false, partial: "", usage: null },
  ]);
  expect(lines).toMatchObject([{ credentialKind: null, error: { kind: "not_connected" } }]);
  expect(world.sim.requests).toHaveLength(0);
});

test("the log line carries what operators need and nothing that was said", async () => {
  await using world = await start(() => ({ text: ANSWER }));
  await world.ask();
  world.sim.setScript(() => ({ status: 529, message: `overloaded while answering ${QUESTION}` }));
  await world.ask();
  world.sim.setScript(() => ({ fault: "bad_json", text: ANSWER }));
  await world.ask();
  const [good, busy] = world.lines;
  const fields = Object.keys(good ?? {})
    .sort()
    .join(" ");
  expect(fields).toBe(
    "action attempt breaker chatRef conversationWarm correlationId credential credentialKind effort error firstTextMs modelAsked modelServed orgId promptHash requestId stopReason totalMs usage userRef",
  );
  expect(good).toMatchObject({
    correlationId: "inc-7",
    orgId: "org-1",
    chatRef: "c_1",
    userRef: "u_5f0c",
    action: "answer",
    attempt: 1,
    breaker: "closed",
    modelAsked: MODEL,
    modelServed: MODEL,
    requestId: expect.stringMatching(/^req_/),
    credentialKind: "api_key",
    effort: "low",
    promptHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    conversationWarm: true,
    usage: expect.objectContaining({ outputTokens: expect.any(Number) }),
    stopReason: "end_turn",
    error: null,
  });
  expect(good?.firstTextMs ?? Infinity).toBeLessThanOrEqual(good?.totalMs ?? 0);
  expect(busy).toMatchObject({
    requestId: expect.stringMatching(/^req_/),
    usage: null,
    error: {
      kind: "overloaded",
      source: "response",
      class: expect.stringMatching(/Error$/),
      status: 529,
      type: "overloaded_error",
      code: null,
      causeCode: null,
      phase: null,
    },
  });
  const printed = JSON.stringify(world.lines);
  for (const secret of [KEY, QUESTION, "Ulaanbaatar", "Blue Harbour"]) expect(printed).not.toContain(secret);
});

async function start(script: () => ClaudeReply, bounds: Partial<WatchdogBounds> = {}) {
  const sim = await createClaudeSim({ apiKeys: [KEY], script });
  const lines: ClaudeCallLine[] = [];
  const log = (line: ClaudeCallLine) => lines.push(line);
  let health = createClaudeHealth(Date);
  const open = () => createClaude({ apiKey: KEY, baseUrl: sim.url, model: MODEL, bounds, health, log });
  let claude = open();
  return {
    sim,
    claude,
    lines,
    ask: (request = REQUEST, signal = new AbortController().signal) =>
      collect(claude.stream(request, signal)),
    /** Forgets what earlier failures taught. */
    forget() {
      health = createClaudeHealth(Date);
      claude = open();
    },
    [Symbol.asyncDispose]: () => sim.stop(),
  };
}

async function collect(stream: AsyncIterable<ClaudeEvent>): Promise<ClaudeEvent[]> {
  const events = await Array.fromAsync(stream);
  const ends = events.flatMap(({ type }, index) => (type === "end" || type === "unavailable" ? [index] : []));
  expect(ends).toEqual([events.length - 1]); // exactly one, and last, whatever happened
  return events;
}

function theEnd(events: readonly ClaudeEvent[]): ClaudeEvent {
  const last = events.at(-1);
  if (last === undefined) throw new Error("no event at all");
  return last;
}

function textOf(events: readonly ClaudeEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.text : "")).join("");
}

function markersIn(messages: readonly { content: unknown }[] = []): unknown[] {
  return messages.map(({ content }) => {
    const [block] = content as { cache_control?: unknown }[]; // safe: the client sends lists of blocks
    return block?.cache_control ?? null;
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !holds(); n += 1) await Bun.sleep(10);
  expect(holds()).toBe(true);
}
