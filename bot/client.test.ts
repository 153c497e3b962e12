import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { ANN, startSim } from "../ops/sim/telegram/test-sim.ts";
import { createApi, failureOf, type CallFailure } from "./client.ts";

const TOKEN = "7001:NOBODY_MAY_READ_THIS_TOKEN_ANYWHERE";

type Answer = { status?: number; body: unknown };

/** Answers every call with the same error, as the real service words it. */
async function failureFor(answer: Answer | Response, method: "send" | "edit" | "poll" = "send") {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      answer instanceof Response
        ? answer.clone()
        : Response.json(answer.body, { status: answer.status ?? 400 }),
  });
  try {
    return failureOf(await thrownBy(server.url.origin, method));
  } finally {
    await server.stop(true);
  }
}

async function thrownBy(apiRoot: string, method: "send" | "edit" | "poll" = "send"): Promise<unknown> {
  const api = createApi({ token: TOKEN, apiRoot }, method === "poll" ? "poll" : "send");
  const call =
    method === "send"
      ? api.sendMessage(ANN, "hello")
      : method === "edit"
        ? api.editMessageText(ANN, 1, "hello")
        : api.getUpdates({ timeout: 0 });
  return call.then(
    () => {
      throw new Error("the call was to fail");
    },
    (err: unknown) => err,
  );
}

const refusal = (code: number, description: string, parameters?: object): Answer => ({
  status: code,
  body: { ok: false, error_code: code, description, ...(parameters === undefined ? {} : { parameters }) },
});

test("a failed call is told by its code, and by its words only where Telegram has no code", async () => {
  const cases: [Answer, CallFailure][] = [
    [
      refusal(429, "Too Many Requests: retry after 7", { retry_after: 7 }),
      { kind: "retry_after", seconds: 7 },
    ],
    [refusal(429, "Too Many Requests"), { kind: "retry_after", seconds: 1 }],
    [refusal(401, "Unauthorized"), { kind: "revoked" }],
    [refusal(404, "Not Found"), { kind: "revoked" }],
    [refusal(409, "Conflict: terminated by other getUpdates request"), { kind: "conflict" }],
    [refusal(500, "Internal Server Error: message is not modified"), { kind: "server" }],
    [refusal(502, "Bad Gateway"), { kind: "server" }],
    [
      refusal(403, "Forbidden: bot was blocked by the user"),
      { kind: "gone", reason: "Forbidden: bot was blocked by the user" },
    ],
    [refusal(400, "Bad Request: chat not found"), { kind: "gone", reason: "Bad Request: chat not found" }],
    [refusal(400, "Bad Request: not enough rights to send text messages to the chat"), { kind: "muted" }],
    [refusal(400, "Bad Request: TOPIC_CLOSED"), { kind: "muted" }],
    [
      refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", {
        migrate_to_chat_id: -1002,
      }),
      { kind: "migrated", chatId: -1002 },
    ],
    [refusal(400, "Bad Request: message is not modified: specified new message"), { kind: "not_modified" }],
    [refusal(400, "Bad Request: can't parse entities: unexpected end"), { kind: "cannot_parse" }],
    [refusal(400, "Bad Request: ENTITY_BOUNDS_INVALID"), { kind: "cannot_parse" }],
    [refusal(400, "Bad Request: message thread not found"), { kind: "no_thread" }],
    [refusal(400, "Bad Request: message to edit not found"), { kind: "no_message" }],
    [refusal(400, "Bad Request: message can't be edited"), { kind: "no_message" }],
    [refusal(400, "Bad Request: message to delete not found"), { kind: "no_message" }],
    [refusal(400, "Bad Request: message can't be deleted for everyone"), { kind: "undeletable" }],
    [refusal(400, "Bad Request: message is too long"), { kind: "too_long" }],
    [refusal(400, "Bad Request: MESSAGE_TOO_LONG"), { kind: "too_long" }],
    [
      refusal(400, "Bad Request: BUTTON_DATA_INVALID"),
      { kind: "rejected", reason: "Bad Request: BUTTON_DATA_INVALID" },
    ],
  ];
  for (const [answer, failure] of cases) expect(await failureFor(answer)).toEqual(failure);
  expect(await failureFor(refusal(409, "Conflict"), "poll")).toEqual({ kind: "conflict" });
  expect(failureOf(new TypeError("a bug of ours"))).toEqual({ kind: "not_telegram" });
  expect(failureOf("thrown")).toEqual({ kind: "not_telegram" });
});

test("an answer that is not Telegram's is a network that failed, not a refusal", async () => {
  const page = new Response("<html>502 Bad Gateway</html>", { status: 502 });
  for (const answer of [page, new Response(`{"ok":tr`), new Response("")])
    expect(await failureFor(answer)).toMatchObject({ kind: "unreachable" });
});

test("the simulated Telegram's faults are told apart in the same way", async () => {
  await using it = await startSim();
  await it.meetAnn();
  const api = createApi({ token: it.token, apiRoot: it.sim.url }, "send");
  const failing = async (call: Promise<unknown>) => failureOf(await call.catch((err: unknown) => err)).kind;
  it.sim.fault({ method: "sendMessage", times: 1, kind: "reset_before" });
  it.sim.fault({ method: "sendMessage", times: 1, kind: "truncate" });
  expect([await failing(api.sendMessage(ANN, "one")), await failing(api.sendMessage(ANN, "two"))]).toEqual([
    "unreachable",
    "unreachable",
  ]);
  const sent = await api.sendMessage(ANN, "three");
  expect(await failing(api.editMessageText(ANN, sent.message_id, "three"))).toBe("not_modified");
  expect(await failing(api.editMessageText(ANN, 999_999, "three"))).toBe("no_message");
  expect(await failing(api.deleteMessage(ANN, 999_999))).toBe("no_message");
  it.sim.setBlocked(ANN, true);
  expect(await failing(api.sendMessage(ANN, "four"))).toBe("gone");
});

test("whoever sends us elsewhere is not followed with the token", async () => {
  const other = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({ ok: true, result: {} }),
  });
  const elsewhere = new Response(null, { status: 307, headers: { location: other.url.href } });
  expect(await failureFor(elsewhere)).toMatchObject({ kind: "unreachable" });
  await other.stop(true);
});

test("no error and no cause of one says the token, however the connection fails", async () => {
  const broken: Record<string, (socket: Socket) => void> = {
    "before the answer": (socket) => socket.resetAndDestroy(),
    "in the head of it": (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-"),
    "in the middle of it": (socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"ok":tr',
      );
      setTimeout(() => socket.resetAndDestroy(), 20);
    },
    "by sending elsewhere": (socket) =>
      socket.end(
        `HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/bot${TOKEN}/x\r\ncontent-length: 0\r\n\r\n`,
      ),
    "with something else": (socket) => socket.end("hello\r\n\r\n"),
  };
  const errors: [string, unknown][] = [["refused", await thrownBy("http://127.0.0.1:1")]];
  for (const [when, answer] of Object.entries(broken)) {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => answer(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    for (const method of ["send", "poll"] as const)
      errors.push([`${when}, ${method}`, await thrownBy(`http://127.0.0.1:${port}`, method)]);
    server.close();
  }
  expect(errors).toHaveLength(11);
  for (const [when, err] of errors) {
    expect({ when, ...failureOf(err) }).toMatchObject({ when, kind: "unreachable" });
    // Everything that any log could print: own and hidden properties, causes, stacks.
    const printed =
      inspect(err, { depth: 20, showHidden: true }) + String((err as Error).stack) + JSON.stringify(err);
    expect({ when, leaks: printed.includes("NOBODY_MAY_READ") }).toEqual({ when, leaks: false });
  }
});
