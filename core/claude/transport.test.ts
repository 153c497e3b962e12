import { expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createClaude } from "./client.ts";
import type { ClaudeRequest } from "./messages.ts";
import type { ClaudeEvent } from "./events.ts";
import { createClaudeHealth } from "./health.ts";
import type { WatchdogBounds } from "./watchdog.ts";

const KEY = "sk-ant-test-key";
const MODEL = "claude-sonnet-5-5";
const SHORT_MS = 150;

const REQUEST: ClaudeRequest = {
  system: "You are a test.",
  messages: [{ role: "user", text: "Hello" }],
  maxTokens: 100,
  userRef: "u_1",
  conversationWarm: false,
  about: { incident: "inc-1", orgId: "org-1", chatRef: "c_1", action: "answer", attempt: 1 },
};

test("nobody at the address, or somebody who speaks no TLS, is not Claude being busy", async () => {
  await using plain = await startRaw((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const closed = await startRaw(() => undefined);
  await closed[Symbol.asyncDispose]();
  expect(await ask(closed.url)).toMatchObject([{ type: "unavailable", kind: "unreachable" }]);
  expect(await ask("http://nobody.invalid")).toMatchObject([{ type: "unavailable", kind: "unreachable" }]);
  expect(await ask(plain.url.replace("http:", "https:"))).toMatchObject([{ kind: "intercepted" }]);
});

test("a redirect is not followed: the key goes to nobody else", async () => {
  const visitors: string[] = [];
  await using elsewhere = await startRaw((socket, request) => {
    visitors.push(request);
    socket.end(RAW_ANSWER);
  });
  await using server = await startRaw((socket) => {
    socket.end(`HTTP/1.1 307 Moved\r\nlocation: ${elsewhere.url}/v1/messages\r\ncontent-length: 0\r\n\r\n`);
  });
  expect(await ask(server.url)).toMatchObject([{ type: "unavailable", kind: "intercepted" }]);
  expect(visitors).toEqual([]);
});

test("an answer is over at message_stop, even if the connection stays open or breaks after it", async () => {
  for (const after of ["silence", "reset"]) {
    await using server = await startRaw((socket) => {
      socket.write(RAW_ANSWER);
      if (after === "reset") setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const events = await ask(server.url);
    expect(events).toMatchObject([
      { type: "text", text: "Hi" },
      { type: "end", stopReason: "end_turn" },
    ]);
  }
});

test("an error whose body never comes is given up too", async () => {
  await using server = await startRaw((socket) => {
    socket.write("HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 500\r\n\r\n<html>");
  });
  const events = await ask(server.url, { firstEventMs: SHORT_MS });
  expect(events).toMatchObject([{ type: "unavailable", kind: "timeout", partial: "" }]);
});

test("variables of the host change nothing: not the key, the address, the headers or the output", async () => {
  const headers: string[] = [];
  await using server = await startRaw((socket, request) => {
    headers.push(request.split("\r\n\r\n")[0]?.toLowerCase() ?? "");
    socket.end(RAW_ANSWER.replace('"text":"Hi"', '"text":"Hi'));
  });
  const program = `
    import { createClaude } from ${JSON.stringify(new URL("client.ts", import.meta.url).href)};
    import { createClaudeHealth } from ${JSON.stringify(new URL("health.ts", import.meta.url).href)};
    const health = createClaudeHealth(Date);
    const options = { baseUrl: ${JSON.stringify(server.url)}, model: "${MODEL}", health, log: () => {} };
    for (const apiKey of ["${KEY}", null]) {
      const claude = createClaude({ ...options, apiKey });
      for await (const event of claude.stream(${JSON.stringify(REQUEST)}, new AbortController().signal)) {
        if (event.type !== "text") process.stdout.write(event.kind + " ");
      }
    }`;
  const child = Bun.spawn([process.execPath, "--no-env-file", "-e", program], {
    env: {
      ANTHROPIC_API_KEY: "key-of-the-host",
      ANTHROPIC_AUTH_TOKEN: "token-of-the-host",
      ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
      ANTHROPIC_CUSTOM_HEADERS:
        "Authorization: Bearer header-of-the-host\nanthropic-beta: some-beta\nx-api-key: x\nanthropic-version: 2023-06-01",
      ANTHROPIC_LOG: "debug",
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await new Response(child.stdout).text()).toBe("garbled not_connected ");
  expect(await new Response(child.stderr).text()).toBe("");
  expect(headers).toHaveLength(1);
  expect(headers[0]).toContain(`authorization: bearer ${KEY}`);
  expect(headers[0]).toContain("anthropic-version: 2026-10-21");
  expect(headers[0]).not.toMatch(/of-the-host|anthropic-beta|x-api-key|2023-06-01/);
});

async function ask(baseUrl: string, bounds: Partial<WatchdogBounds> = {}): Promise<ClaudeEvent[]> {
  const health = createClaudeHealth(Date);
  const claude = createClaude({ apiKey: KEY, baseUrl, model: MODEL, bounds, health, log: () => undefined });
  return Array.fromAsync(claude.stream(REQUEST, new AbortController().signal));
}

/** A server on the bare socket: `answer` gets each connection once its request's first bytes are there. */
async function startRaw(answer: (socket: Socket, request: string) => void) {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => open.delete(socket));
    socket.once("data", (bytes) => answer(socket, bytes.toString()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // safe: it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

const RAW_USAGE = { input_tokens: 3, output_tokens: 1 };
const RAW_MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: MODEL,
  content: [],
  usage: RAW_USAGE,
};
const RAW_ANSWER = [
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n",
  ...[
    { type: "message_start", message: RAW_MESSAGE },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: RAW_USAGE },
    { type: "message_stop" },
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
].join("");
