import { expect, test } from "bun:test";
import type { OutboxRow } from "../core/pipeline/outbox.ts";
import { ANN, FORUM, GROUP, startSim } from "../ops/sim/telegram/test-sim.ts";
import { afterFailure, createCalls } from "./calls.ts";
import { createApi, failureOf, type CallFailure } from "./client.ts";

const SPOT = { chatId: ANN, threadId: 0 };
const BOLD = [{ type: "bold", offset: 0, length: 5 }];
const UNPARSABLE = "Bad Request: can't parse entities: byte offset 5 is wrong";

async function start() {
  const it = await startSim();
  await it.meetAnn();
  return {
    ...it,
    calls: createCalls(createApi({ token: it.token, apiRoot: it.sim.url }, "send")),
    made: (method: string) => it.sim.calls.filter((call) => call.method === method),
    refuse: (method: string, description: string, times = 1) =>
      it.sim.fault({ method, times, kind: "error", errorCode: 400, description }),
  };
}

const kindOf = async (call: Promise<unknown>) => failureOf(await call.catch((err: unknown) => err)).kind;

test("what Telegram cannot read is sent as plain text, once", async () => {
  await using it = await start();
  it.refuse("sendMessage", UNPARSABLE);
  await it.calls.send(SPOT, { text: "hello", entities: BOLD });
  expect(it.sim.messages(ANN).at(-1)).toMatchObject({ text: "hello", entities: [] });
  it.refuse("sendMessage", UNPARSABLE, 2);
  expect(await kindOf(it.calls.send(SPOT, { text: "again", entities: BOLD }))).toBe("cannot_parse");
  expect(it.made("sendMessage")).toHaveLength(4);

  const messageId = await it.calls.send(SPOT, { text: "first" });
  it.refuse("editMessageText", UNPARSABLE);
  await it.calls.edit(ANN, messageId, { text: "second", entities: BOLD });
  expect(it.sim.messages(ANN).at(-1)).toMatchObject({ messageId, text: "second", entities: [] });
});

test("when its topic is gone, a message goes to the group, once", async () => {
  await using it = await start();
  const [topic] = it.sim.topics(FORUM);
  await it.calls.send({ chatId: FORUM, threadId: topic?.threadId ?? 0 }, { text: "in the topic" });
  expect(it.sim.messages(FORUM).at(-1)).toMatchObject({ thread: topic?.threadId });
  await it.calls.send({ chatId: FORUM, threadId: 999 }, { text: "hello", entities: BOLD });
  expect(it.sim.messages(FORUM).at(-1)).toMatchObject({ text: "hello", thread: null, entities: BOLD });
  it.refuse("sendMessage", "Bad Request: message thread not found", 2);
  expect(await kindOf(it.calls.send({ chatId: FORUM, threadId: 999 }, { text: "x" }))).toBe("no_thread");
});

test("an edit that changes nothing is a success; any other refusal is thrown", async () => {
  await using it = await start();
  const messageId = await it.calls.send(SPOT, { text: "same" });
  await it.calls.edit(ANN, messageId, { text: "same" });
  expect(it.made("editMessageText").at(-1)?.errorCode).toBe(400);
  expect(await kindOf(it.calls.edit(ANN, 999_999, { text: "x" }))).toBe("no_message");
  await it.calls.remove(ANN, messageId);
  expect(await kindOf(it.calls.remove(ANN, messageId))).toBe("no_message");
});

test("links never preview, answers hang on their question, and a file goes as a document with its bytes", async () => {
  await using it = await start();
  const asked = it.sim.say({ from: ANN, chat: GROUP, text: "@blockbot_test_bot hi" });
  const keyboard = [[{ text: "Stop", data: "stop:1" }]];
  const group = { chatId: GROUP, threadId: 0 };
  const messageId = await it.calls.send(group, { text: "see https://example.org", replyTo: asked, keyboard });
  await it.calls.edit(GROUP, messageId, { text: "see https://example.com" });
  for (const method of ["sendMessage", "editMessageText"])
    expect(it.made(method).at(-1)?.params["link_preview_options"]).toEqual({ is_disabled: true });
  // An edit without a keyboard takes the buttons away.
  expect(it.sim.messages(GROUP).at(-1)).toMatchObject({ messageId, replyTo: asked, buttons: [] });

  const content = "const x = 'ä';\n";
  await it.calls.send({ chatId: FORUM, threadId: 999 }, { text: "", file: { name: "code-1.ts", content } });
  const { file } = it.sim.messages(FORUM).at(-1) ?? {};
  expect(file).toMatchObject({ name: "code-1.ts", size: new TextEncoder().encode(content).length });
  // The question was deleted meanwhile: the answer comes all the same.
  await it.calls.send(group, { text: "late", replyTo: 999_999 });
  expect(it.sim.messages(GROUP).at(-1)).toMatchObject({ text: "late", replyTo: null });
});

const row = (more: Partial<OutboxRow>): OutboxRow => ({
  id: 1,
  chatId: ANN,
  threadId: 0,
  kind: "final",
  message: { text: "hello" },
  turnId: null,
  target: null,
  attempts: 1,
  maybeSent: 0,
  ageMs: 0,
  locale: null,
  correlationId: null,
  ...more,
});
const lost: CallFailure = { kind: "unreachable", code: "ECONNRESET" };

test("a send that may have arrived is repeated as such, up to five times in all; a change is as good as new", () => {
  for (const kind of ["final", "notice"] as const) {
    for (const maybeSent of [0, 1, 2, 3])
      expect(afterFailure(row({ kind, maybeSent }), "send", lost)).toMatchObject({
        state: "queued",
        maybeSent: true,
      });
    expect(afterFailure(row({ kind, maybeSent: 4 }), "send", lost)).toMatchObject({
      state: "failed",
      unreachable: null,
    });
  }
  for (const call of ["edit", "delete"] as const)
    expect(afterFailure(row({ kind: call, attempts: 50 }), call, lost)).toMatchObject({
      state: "queued",
      maybeSent: false,
    });
});

test("a send that cannot have arrived is tried again without a word about it", () => {
  const failures: CallFailure[] = [
    { kind: "retry_after", seconds: 3 },
    { kind: "server" },
    ...["ECONNREFUSED", "ConnectionRefused", "ENOTFOUND", "EAI_AGAIN"].map((code) => ({
      kind: "unreachable" as const,
      code,
    })),
  ];
  for (const failure of failures)
    expect(afterFailure(row({ kind: "notice" }), "send", failure)).toMatchObject({
      state: "queued",
      error: failure.kind,
      maybeSent: false,
    });
});

test("waits grow to half a minute, half an hour of server trouble is enough, and a pause is exactly what Telegram asks", () => {
  const waits = [1, 2, 3, 4, 5, 900].map((attempts) =>
    afterFailure(row({ attempts }), "send", { kind: "server" }),
  );
  expect(waits.map((delivery) => ("afterMs" in delivery ? delivery.afterMs : null))).toEqual([
    2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
  expect(afterFailure(row({ ageMs: 31 * 60_000 }), "send", { kind: "server" })).toMatchObject({
    state: "failed",
  });
  const pause = afterFailure(row({ attempts: 90 }), "send", { kind: "retry_after", seconds: 77 });
  expect(pause).toMatchObject({ state: "queued", afterMs: 77_000 });
});

test("what Telegram will always refuse is given up at once; what is there already is done", () => {
  const hopeless: CallFailure[] = [
    { kind: "gone", reason: "blocked" },
    { kind: "muted" },
    { kind: "rejected", reason: "BUTTON_DATA_INVALID" },
    { kind: "cannot_parse" },
    { kind: "no_thread" },
    { kind: "too_long" },
    { kind: "migrated", chatId: -1002 },
    { kind: "not_telegram" },
  ];
  for (const failure of hopeless) expect(afterFailure(row({}), "send", failure).state).toBe("failed");
  const edited = row({ kind: "edit", target: 5 });
  for (const kind of ["no_message", "not_modified"] as const)
    expect(afterFailure(edited, "edit", { kind })).toEqual({ state: "sent", messageId: 5 });
});
