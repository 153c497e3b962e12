import { expect, test } from "bun:test";
import { NO_ACCESS } from "../core/claude/access.ts";
import type { AnswerPart, Outcome, Turn } from "../core/chat/turns.ts";
import { ANN, GROUP } from "../ops/sim/telegram/test-sim.ts";
import { createPresentation, STOP_PREFIX } from "./presenter.ts";
import { createStoppedClock } from "../core/test-clock.ts";
import { startFront } from "./test-front.ts";

const SENTENCE = "A sentence of an answer that is long enough for a first frame. ";

type Where = { chatId?: number; attempt?: number; opened?: { part: number; messageId: number }[] };

async function start({ chatId = ANN, attempt = 1, opened = [] }: Where = {}) {
  const clock = createStoppedClock();
  const it = await startFront(clock);
  const inGroup = chatId < 0;
  const turn: Turn = {
    id: crypto.randomUUID(),
    lease: it.front.lease,
    place: { chatId, threadId: 0, kind: inGroup ? "supergroup" : "private", title: "", lane: "a" },
    question: "What is it?",
    files: [],
    speaker: null,
    asked: [],
    replyTo: inGroup ? it.sim.say({ from: ANN, chat: chatId, text: "@blockbot_test_bot hi" }) : null,
    askerId: it.scope.actor.userId,
    attempt,
    history: { messages: [], warm: false },
    voice: { instructions: null, language: null },
    access: NO_ACCESS,
  };
  const presentation = createPresentation(it.front, it.scope, turn, opened);
  const made = (method: string) => it.sim.calls.filter((call) => call.method === method);
  return {
    ...it,
    clock,
    turn,
    presentation,
    made,
    /** How often something was shown: the first frames and the edits. */
    frames: () => made("sendMessage").length + made("editMessageText").length,
    messages: () => it.sim.messages(chatId).filter(({ fromBot }) => fromBot),
    /** The answer's end, with what is owed delivered. */
    async close(outcome: Outcome): Promise<readonly AnswerPart[]> {
      const parts = await presentation.close(outcome, "plain");
      await it.owe(...parts.map(({ item }) => item));
      const flushed = it.front.sender.flush();
      await Promise.race([flushed, clock.pass(60_000)]);
      await flushed;
      return parts;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      presentation.end();
      await it[Symbol.asyncDispose]();
    },
  };
}

const answered = (text: string): Outcome => ({
  status: "answered",
  text,
  stopReason: "end_turn",
  usage: {
    inputTokens: 1,
    outputTokens: 1,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
  },
  model: "claude-sonnet-5-5",
});

test("typing shows at once, and again every four seconds in which nothing new is shown", async () => {
  await using it = await start();
  // No frame waits for it, so it may come a little later than the clock says.
  const typed = (times: number) => it.sim.waitFor(() => it.made("sendChatAction").length === times);
  await it.clock.pass(0);
  await typed(1);
  await it.clock.pass(3_900);
  await typed(1);
  await it.clock.pass(200);
  await typed(2);
  it.presentation.show(SENTENCE);
  await it.clock.pass(3_900);
  expect(it.frames()).toBe(1);
  await typed(2);
  await it.clock.pass(300); // Claude has stalled in the middle of it
  await typed(3);
  await it.close(answered(SENTENCE));
  await typed(3);
});

test("typing is not tried again where nobody will see it, and goes on after any other failure", async () => {
  for (const [errorCode, description, tries] of [
    [401, "Unauthorized", 1],
    [403, "Forbidden: bot was blocked by the user", 1],
    [400, "Bad Request: not enough rights to send text messages to the chat", 1],
    [400, "Bad Request", 3],
    [500, "Internal Server Error", 3],
  ] as const) {
    await using it = await start();
    it.sim.fault({ method: "sendChatAction", times: 9, kind: "error", errorCode, description });
    const refused = () => it.lines.filter(({ msg }) => msg === "no typing indicator").length;
    for (let seconds = 0; seconds < 10; seconds += 1) {
      await it.clock.pass(1_000);
      const due = Math.min(tries, 1 + Math.floor((seconds + 1) / 4));
      while (refused() < due) await Bun.sleep(1); // the clock stands still, the call is real
    }
    expect({ errorCode, tries: it.made("sendChatAction").length }).toEqual({ errorCode, tries });
    it.sim.clearFaults();
  }
});

test("the first frame comes with sixty characters or after 600 ms, and none without text", async () => {
  await using it = await start();
  await it.clock.pass(1_000);
  it.presentation.show("  \n");
  await it.clock.pass(500);
  expect(it.frames()).toBe(0);
  it.presentation.show("Hi"); // 600 ms are over
  await it.clock.pass(100);
  expect(it.messages().map(({ text }) => text)).toEqual(["Hi"]);

  await using other = await start();
  other.presentation.show("a".repeat(59));
  await other.clock.pass(500);
  expect(other.frames()).toBe(0);
  other.presentation.show("a".repeat(60));
  await other.clock.pass(100);
  expect(other.frames()).toBe(1);
});

test("frames come every 1.1 s with a person and every 3.1 s in a group, only when there is something new", async () => {
  for (const [chatId, frameMs] of [
    [ANN, 1_100],
    [GROUP, 3_100],
  ] as const) {
    await using it = await start({ chatId });
    let text = SENTENCE;
    it.presentation.show(text);
    await it.clock.pass(100);
    expect(it.frames()).toBe(1);
    for (let i = 1; i <= 3; i += 1) {
      it.presentation.show((text += SENTENCE));
      await it.clock.pass(frameMs - 200);
      expect(it.frames()).toBe(i); // too early
      await it.clock.pass(200);
      expect(it.frames()).toBe(i + 1);
    }
    await it.clock.pass(20_000);
    expect(it.frames()).toBe(4);
    expect(it.sim.violations).toEqual([]);
  }
});

test("while it is written an answer has a Stop button, under its last message only", async () => {
  await using it = await start({ chatId: GROUP });
  const stop = [[{ text: "Stop", data: STOP_PREFIX + it.turn.id }]];
  it.presentation.show(SENTENCE);
  await it.clock.pass(100);
  expect(it.messages()).toMatchObject([{ buttons: stop, replyTo: it.turn.replyTo }]);
  it.presentation.show(SENTENCE.repeat(100));
  await it.clock.pass(10_000);
  expect(it.messages()).toMatchObject([
    { buttons: [], replyTo: it.turn.replyTo },
    { buttons: stop, replyTo: null },
  ]);
  await it.close(answered(SENTENCE.repeat(100)));
  expect(it.messages().map(({ buttons }) => buttons)).toEqual([[], []]);
});

test("frames that are dropped lose no text: the end shows every character once", async () => {
  await using it = await start();
  const text = Array.from({ length: 900 }, (_, i) => `word${i}`).join(" ");
  it.presentation.show(text.slice(0, 100));
  await it.clock.pass(100);
  const refuse = { kind: "error", errorCode: 429, description: "", retryAfter: 5 } as const;
  it.sim.fault({ method: "editMessageText", times: 1, ...refuse });
  for (let i = 2; i < 9; i += 1) {
    it.presentation.show(text.slice(0, i * 100));
    await it.clock.pass(500);
  }
  expect(it.made("editMessageText")).toHaveLength(1); // a chat that is paused gets no frames
  await it.close(answered(text));
  expect(
    it
      .messages()
      .map((message) => message.text)
      .join(" "),
  ).toBe(text);
});

test("when the first frame is refused for a while, a later one shows the answer", async () => {
  await using it = await start();
  it.sim.fault({
    method: "sendMessage",
    times: 1,
    kind: "error",
    errorCode: 429,
    description: "",
    retryAfter: 3,
  });
  it.presentation.show(SENTENCE);
  await it.clock.pass(100);
  expect(it.messages()).toEqual([]);
  await it.clock.pass(6_000);
  expect(it.messages()).toHaveLength(1);
  expect(it.made("sendMessage")).toHaveLength(2);
});

test("an answer that is complete waits for no first frame, however much its chat has been told", async () => {
  await using it = await start({ chatId: GROUP });
  for (const text of ["one", "two", "three", "four"])
    await it.front.sender.open(it.item("open", { text }, { chatId: GROUP }));
  it.presentation.show(SENTENCE);
  await it.clock.pass(100);
  await it.close(answered("The end."));
  expect(it.shown(GROUP)).toEqual(["one", "two", "three", "four", "The end."]);
});

test("a first frame for which its chat has no room comes as soon as there is some", async () => {
  await using it = await start();
  for (const text of ["one", "two", "three"]) await it.front.sender.open(it.item("open", { text }));
  it.presentation.show(SENTENCE);
  await it.clock.pass(900);
  expect(it.messages()).toHaveLength(3);
  await it.clock.pass(200);
  expect(it.messages()).toHaveLength(4);
});

test("a first frame that may have arrived is not sent again, and asks nothing of anybody ten times a second", async () => {
  await using it = await start();
  it.sim.fault({ method: "sendMessage", times: 1, kind: "reset_after" });
  it.presentation.show(SENTENCE);
  await it.clock.pass(5_000);
  expect(it.made("sendMessage")).toHaveLength(1);
  expect(await it.outbox()).toMatchObject([{ kind: "open", state: "failed" }]);
  await it.close(answered("The end."));
  expect(it.shown().at(-1)).toBe("The end.");
});

test("a database that is away costs frames, never the answer or the process", async () => {
  await using it = await start();
  await it.asAdmin("REVOKE INSERT ON pipeline.outbox FROM blockbot_app");
  it.presentation.show(SENTENCE);
  await it.clock.pass(3_000);
  expect(it.messages()).toEqual([]);
  await it.asAdmin("GRANT INSERT ON pipeline.outbox TO blockbot_app");
  await it.clock.pass(1_200);
  expect(it.messages()).toHaveLength(1);
  await it.close(answered("The end."));
  expect(it.shown()).toEqual(["The end."]);
});

test("the end goes into the messages that grew; those that it needs no more are deleted", async () => {
  await using it = await start();
  it.presentation.show(SENTENCE.repeat(150));
  await it.clock.pass(15_000);
  const [first, ...more] = it.messages();
  expect(more).toHaveLength(2);
  const parts = await it.close({ status: "stopped", text: "Short **after** all.", usage: null });
  expect(parts.map(({ item }) => [item.kind, item.part])).toEqual([
    ["final", 0],
    ["delete", 1],
    ["delete", 2],
  ]);
  expect(it.messages()).toMatchObject([
    { messageId: first?.messageId, text: "Short after all.\n\nStopped.", buttons: [] },
  ]);
  // The button for what comes next stands where the answer ends.
  expect(parts.map(({ buttons }) => buttons.map(({ label }) => label))).toEqual([["Retry"], [], []]);
});

test("long code is a file, and the line that ends the answer stands under everything", async () => {
  await using it = await start();
  const code = "x = 1\n".repeat(900);
  await it.close({
    status: "failed",
    text: `Here:\n\n\`\`\`py\n${code}\`\`\``,
    usage: null,
    kind: "interrupted",
    retryAfterSeconds: null,
  });
  const [text, file, line] = it.messages();
  expect(text?.text).toBe("Here:");
  expect(file?.file?.name).toEndWith(".py");
  expect(line?.text).toContain("interrupted");
  expect(it.messages()).toHaveLength(3);
});

test("a turn that is asked again says so, and writes over what its first attempt has shown", async () => {
  await using first = await start();
  first.presentation.show(SENTENCE);
  await first.clock.pass(100);
  const [message] = first.messages();
  const turn = { ...first.turn, attempt: 2 };
  first.presentation.end();
  const again = createPresentation(first.front, first.scope, turn, [
    { part: 0, messageId: message?.messageId ?? 0 },
  ]);
  again.show("Another answer.");
  await first.clock.pass(100);
  expect(first.shown()).toEqual(["I was restarted and am answering this again.\n\nAnother answer."]);
  const [final] = await again.close(answered("Another answer."), "plain");
  expect(final?.item.message.text).toEndWith("Another answer.");
  expect(final?.item.key).toContain(`${turn.id}:2:`);
});

test("after its end nothing is drawn, also when it is ended twice", async () => {
  await using it = await start();
  it.presentation.end();
  it.presentation.show(SENTENCE);
  it.presentation.end();
  await it.presentation.close(answered("x"), "plain");
  expect(it.frames()).toBe(0);
});
