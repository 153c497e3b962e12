import { connect } from "node:net";
import { expect, test } from "bun:test";
import { assert, asyncProperty, integer, string } from "fast-check";
import type { ClaudeReply } from "./script.ts";
import { createClaudeSim } from "./server.ts";
import { HEADERS, QUESTION, body, post, read, textOf, typesOf, until } from "./test-client.ts";

test("an answer arrives as the events of the API, in their order", async () => {
  const sim = await createClaudeSim({
    script: (_, { index, lastUserText }) => ({
      thinking: "Let me look.",
      text: `Call ${index} about ${lastUserText}`,
      chunkChars: 1000,
      toolCalls: [{ name: "search", input: { city: "Zürich" } }],
    }),
  });
  const { events, failed } = await read(sim);
  expect(failed).toBeNull();
  const block = (deltas: number) => [
    "content_block_start",
    ...Array<string>(deltas).fill("content_block_delta"),
    "content_block_stop",
  ];
  const blocks = [...block(2), ...block(1), ...block(4)];
  expect(typesOf(events)).toEqual(["message_start", ...blocks, "message_delta", "message_stop"]);
  expect(events.some((event) => event.type === "ping")).toBe(true);
  expect(events.flatMap((event) => event.content_block?.type ?? [])).toEqual([
    "thinking",
    "text",
    "tool_use",
  ]);
  expect(textOf(events)).toBe("Call 0 about Hello");
  const json = events.map((event) => event.delta?.["partial_json"] ?? "").join("");
  expect(JSON.parse(json)).toEqual({ city: "Zürich" });
  const ending = events.find((event) => event.type === "message_delta");
  expect(ending?.delta?.["stop_reason"]).toBe("tool_use");
  expect(ending?.usage?.["input_tokens"]).toBeGreaterThan(0);
  expect(ending?.usage?.["output_tokens"]).toBeGreaterThan(3);
  const response = await post(sim);
  expect(response.headers.get("request-id")).toBe("req_sim_000002");
  expect(response.headers.get("anthropic-ratelimit-requests-remaining")).not.toBeNull();
  expect(await response.text()).toContain("Call 1 about Hello");
  await sim.stop();
});

test("any text arrives unchanged, however it is cut", async () => {
  let reply: ClaudeReply = { text: "" };
  const sim = await createClaudeSim({ script: () => reply });
  const texts = string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  await assert(
    asyncProperty(texts, integer({ min: 1, max: 50 }), async (text, chunkChars) => {
      reply = { text, chunkChars };
      const { events } = await read(sim);
      expect(textOf(events)).toBe(text);
      expect(events.every((event) => (event.delta?.["text"] ?? "").isWellFormed())).toBe(true);
    }),
    { numRuns: 40 },
  );
  await sim.stop();
});

test("chunks end inside characters and inside JSON", async () => {
  const sim = await createClaudeSim({ script: () => ({ text: "Grüße aus 東京", chunkChars: 5 }) });
  const sent = JSON.stringify(QUESTION);
  const head = Object.entries({ ...HEADERS, "content-length": sent.length }).map(
    ([k, v]) => `${k}: ${v}\r\n`,
  );
  const received = await new Promise<Buffer>((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect(Number(new URL(sim.url).port), "127.0.0.1");
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("close", () => resolve(Buffer.concat(parts)));
    socket.write(`POST /v1/messages HTTP/1.1\r\n${head.join("")}\r\n${sent}`);
  });
  const chunks: Buffer[] = [];
  let rest = received.subarray(received.indexOf("\r\n\r\n") + 4);
  for (;;) {
    const line = rest.indexOf("\r\n");
    const length = Number.parseInt(rest.subarray(0, line).toString(), 16);
    if (length === 0) break;
    chunks.push(rest.subarray(line + 2, line + 2 + length));
    rest = rest.subarray(line + 4 + length);
  }
  expect(chunks.some((chunk) => chunk.toString().includes("\uFFFD"))).toBe(true);
  expect(chunks.some((chunk) => !chunk.toString().endsWith("\n\n"))).toBe(true);
  expect(Buffer.concat(chunks).toString()).toContain("Grüße");
  await sim.stop();
});

test("keys, models, sizes and paths are checked", async () => {
  const sim = await createClaudeSim({ apiKeys: ["right"], script: () => ({ text: "fine" }) });
  const withHeaders = (change: Record<string, string>) => ({ headers: { ...HEADERS, ...change } });
  const right = withHeaders({ authorization: "Bearer right" });
  expect((await body(post(sim))).error?.type).toBe("authentication_error");
  expect((await post(sim, {}, withHeaders({ authorization: "" }))).status).toBe(401);
  expect((await post(sim, {}, right)).status).toBe(200);
  expect((await post(sim, {}, withHeaders({ authorization: "", "x-api-key": "right" }))).status).toBe(200);
  const unknown = await body(post(sim, { model: "claude-opus-9" }, right));
  expect(unknown.error).toMatchObject({ type: "not_found_error", message: "model: claude-opus-9" });

  const large = await post(sim, {}, { ...right, body: "x".repeat(32 * 1024 * 1024 + 1) });
  expect([large.status, large.headers.get("content-type"), large.headers.get("request-id")]).toEqual([
    413,
    "text/html",
    null,
  ]);
  const model = await fetch(`${sim.url}/v1/models/claude-sonnet-5-5`, right);
  expect(await model.json()).toMatchObject({
    id: "claude-sonnet-5-5",
    lifecycle: "active",
    retires_at: null,
  });
  expect((await fetch(`${sim.url}/v1/models/claude-opus-9`, right)).status).toBe(404);
  const plan = { deprecatedAt: "2027-05-01T00:00:00Z", retiresAt: "2027-09-28T00:00:00Z" };
  for (const [lifecycle, status] of [
    ["deprecated", 200],
    ["retired", 404],
  ] as const) {
    sim.setModelReply({ lifecycle, ...plan });
    const told = await fetch(`${sim.url}/v1/models/claude-sonnet-5-5`, right);
    expect(await told.json()).toMatchObject({
      lifecycle,
      deprecated_at: plan.deprecatedAt,
      retires_at: plan.retiresAt,
    });
    expect((await post(sim, {}, right)).status).toBe(status);
  }
  sim.setModelReply(null);
  const { model: id, messages } = QUESTION;
  const count = (sent: object) =>
    fetch(`${sim.url}/v1/messages/count_tokens`, { ...right, method: "POST", body: JSON.stringify(sent) });
  expect(await (await count({ model: id, messages })).json()).toEqual({ input_tokens: expect.any(Number) });
  expect(sim.violations).toEqual([]);
  expect((await count(QUESTION)).status).toBe(400);
  expect((await fetch(`${sim.url}/v1/complete`, right)).status).toBe(404);
  expect(sim.violations).toHaveLength(2);
  await sim.stop();
});

test("a person can put it into every mode", async () => {
  const text = "A calm answer. ".repeat(20);
  const sim = await createClaudeSim({ script: () => ({ text }) });
  const set = (mode: string) =>
    sim.control(new Request("http://sim/sim/claude", { method: "POST", body: JSON.stringify({ mode }) }));
  const shown = (await (await sim.control(new Request("http://sim/sim/claude"))).json()) as {
    modes: object[];
  };
  expect(shown).toMatchObject({ mode: "ok" });
  expect(shown.modes).toHaveLength(7);
  expect((await set("furious")).status).toBe(400);
  expect((await sim.control(new Request("http://sim/sim/claude", { method: "PUT" }))).status).toBe(405);

  expect(await (await set("overloaded")).json()).toMatchObject({ mode: "overloaded" });
  expect((await post(sim)).status).toBe(529);
  await set("rate_limited");
  const limited = await post(sim);
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "20"]);
  await set("down");
  expect((await read(sim)).failed).toBe("ECONNRESET");
  await set("cut");
  const cut = await read(sim);
  expect(cut.failed).toBe("ECONNRESET");
  expect(textOf(cut.events)).toBe(text.slice(0, 80));
  for (const mode of ["slow", "stalled"]) {
    await set(mode);
    const leave = new AbortController();
    const reading = read(sim, { signal: leave.signal });
    await until(() => sim.running === 1);
    leave.abort();
    expect((await reading).failed).not.toBeNull();
    await until(() => sim.running === 0);
  }
  sim.setMode("ok");
  expect(sim.mode()).toBe("ok");
  expect(textOf((await read(sim)).events)).toBe(text);
  await sim.stop();
});

test("the token limit cuts an answer and the calls in it", async () => {
  const sim = await createClaudeSim({ script: () => ({ text: "word ".repeat(100) }) });
  const cut = await body(post(sim, { stream: false, max_tokens: 10 }));
  expect(cut).toMatchObject({ stop_reason: "max_tokens", usage: { output_tokens: 10 } });
  const toolCalls = [{ name: "search", input: { city: "Paris" } }];
  sim.setScript(() => ({ text: "", toolCalls, stopReason: "max_tokens" }));
  const { events } = await read(sim);
  const json = events.map((event) => event.delta?.["partial_json"] ?? "").join("");
  expect(json).toBe('{"city":');
  await sim.stop();
});
