import { expect, test } from "bun:test";
import { takeLease } from "../core/pipeline/lease.ts";
import { recoverSending } from "../core/pipeline/outcomes.ts";
import { ANN, BEN, GROUP } from "../ops/sim/telegram/test-sim.ts";
import { createSkippingClock, startFront } from "./test-front.ts";

const LABEL = "(may be a repeat)";

async function start() {
  const clock = createSkippingClock();
  let held = true;
  const it = await startFront(clock, () => held);
  return {
    ...it,
    clock,
    hold: (now: boolean) => void (held = now),
    flush: it.front.sender.flush,
    /** Everything that waits for its second try gets it now. */
    async retry(): Promise<void> {
      await it.makeDue();
      await it.front.sender.flush();
    },
    states: async () => (await it.outbox()).map(({ state }) => state),
    made: (method: string) => it.sim.calls.filter((call) => call.method === method).length,
  };
}

test("a chat gets its messages in their order, however often the outbox is woken", async () => {
  await using it = await start();
  const texts = Array.from({ length: 25 }, (_, i) => `message ${i}`);
  await it.owe(...texts.map((text) => it.item("notice", { text })));
  for (let i = 0; i < 50; i += 1) it.front.sender.wake();
  await it.flush();
  expect(it.shown()).toEqual(texts);
  expect(new Set(await it.states())).toEqual(new Set(["sent"]));
  // What has been delivered keeps no text.
  expect((await it.outbox()).every(({ text }) => text === null)).toBe(true);
});

test("a chat whose call hangs holds up no other", async () => {
  await using it = await start();
  it.sim.say({ from: BEN, text: "hi" });
  it.sim.fault({ method: "sendMessage", times: 1, kind: "hang" });
  for (const chatId of [ANN, BEN])
    await it.owe(...["one", "two", "three"].map((text) => it.item("notice", { text }, { chatId })));
  it.front.sender.wake();
  const shown = () => [it.shown(ANN), it.shown(BEN)].sort((a, b) => a.length - b.length);
  await it.sim.waitFor(() => shown()[1]?.length === 3);
  expect(shown()).toEqual([[], ["one", "two", "three"]]);
});

test("the same thing is said only once, whoever asks for it again", async () => {
  await using it = await start();
  const item = it.item("notice", { text: "hello" });
  await it.owe(item);
  await it.flush();
  await it.owe(item, item);
  await it.flush();
  expect(it.shown()).toEqual(["hello"]);
});

test("a pause that Telegram asks for is kept, and nothing is lost or overtaken", async () => {
  await using it = await start();
  it.sim.fault({
    method: "sendMessage",
    times: 1,
    kind: "error",
    errorCode: 429,
    description: "Too Many Requests: retry after 7",
    retryAfter: 7,
  });
  const pausedAt = it.clock.now();
  await it.owe(it.item("final", { text: "one" }), it.item("final", { text: "two" }));
  await it.flush();
  expect([it.shown(), await it.states()]).toEqual([[], ["queued", "queued"]]);
  expect(it.made("sendMessage")).toBe(1);
  await it.retry();
  expect(it.shown()).toEqual(["one", "two"]);
  expect(it.clock.now() - pausedAt).toBeGreaterThanOrEqual(7_000);
});

test("what comes after a message that waits for its next try waits with it; other chats do not", async () => {
  await using it = await start();
  it.sim.say({ from: BEN, text: "hi" });
  it.sim.fault({ method: "sendMessage", times: 1, kind: "error", errorCode: 500, description: "" });
  await it.owe(it.item("final", { text: "one" }), it.item("final", { text: "two" }));
  await it.flush();
  await it.owe(it.item("notice", { text: "for Ben" }, { chatId: BEN }));
  await it.flush(); // the first is not due yet
  expect([it.shown(), it.shown(BEN)]).toEqual([[], ["for Ben"]]);
  await it.retry();
  expect(it.shown()).toEqual(["one", "two"]);
});

test("a process that is not sure of its lease says nothing until it is", async () => {
  await using it = await start();
  const { sender } = it.front;
  const messageId = Number(await sender.open(it.item("open", { text: "A frame" })));
  it.hold(false);
  await it.owe(it.item("final", { text: "An answer" }));
  await it.flush();
  expect(await sender.open(it.item("open", { text: "Another frame" }))).toBe("later");
  expect(await sender.frame(ANN, messageId, { text: "changed" })).toBe(false);
  await sender.strip(ANN, messageId);
  await sender.typing({ chatId: ANN, threadId: 0 });
  expect(it.sim.calls.at(-1)?.method).toBe("sendMessage"); // the frame of before
  it.hold(true);
  await it.flush();
  expect(it.shown()).toEqual(["A frame", "An answer"]);
});

test("an answer whose response was lost is sent again with a word about it in the reader's language, as often as it takes", async () => {
  await using it = await start();
  it.sim.fault({ method: "sendMessage", times: 1, kind: "reset_after" });
  const bold = { type: "bold", offset: 0, length: 2 };
  await it.owe(it.item("final", { text: "An answer", entities: [bold] }));
  await it.flush();
  expect(await it.outbox()).toMatchObject([{ state: "queued", maybeSent: 1 }]);
  // Neither a flood nor the database in between makes it a first time again.
  it.sim.fault({
    method: "sendMessage",
    times: 1,
    kind: "error",
    errorCode: 429,
    description: "",
    retryAfter: 1,
  });
  await it.retry();
  await it.makeDue();
  await it.asAdmin("REVOKE UPDATE ON pipeline.outbox FROM blockbot_app");
  await it.flush();
  await it.asAdmin("GRANT UPDATE ON pipeline.outbox TO blockbot_app");
  await it.retry();
  await it.retry();
  expect(it.shown()).toEqual(["An answer", `An answer\n\n${LABEL}`]);
  expect(it.sim.messages(ANN).at(-1)?.entities).toEqual([bold]);

  it.sim.fault({ method: "sendMessage", times: 4, kind: "reset_before" });
  await it.owe(it.item("final", { text: "Lost four times" }, { locale: "de" }));
  for (let i = 0; i < 5; i += 1) await it.retry();
  expect(it.shown().at(-1)).toBe("Lost four times\n\n(vielleicht doppelt)");
  it.sim.fault({ method: "sendMessage", times: 5, kind: "reset_before" });
  await it.owe(it.item("final", { text: "Lost for good" }));
  for (let i = 0; i < 6; i += 1) await it.retry();
  expect((await it.outbox()).at(-1)).toMatchObject({ state: "failed", text: null, error: "outcome unknown" });
});

test("a repeat that leaves no room for the label, or is a file, has it in a message of its own before", async () => {
  await using it = await start();
  const full = "x".repeat(4096);
  it.sim.fault({ method: "sendMessage", times: 1, kind: "reset_after" });
  await it.owe(it.item("final", { text: full }));
  await it.flush();
  await it.retry();
  expect(it.shown()).toEqual([full, LABEL, full]);
  it.sim.fault({ method: "sendDocument", times: 1, kind: "reset_after" });
  await it.owe(it.item("final", { text: "", file: { name: "a.txt", content: "x" } }));
  await it.flush();
  await it.retry();
  const last = it.sim.messages(ANN).slice(-3);
  expect(last.map(({ text, file }) => file?.name ?? text)).toEqual(["a.txt", LABEL, "a.txt"]);
});

test("a notice whose response was lost is said again with the label, and an edit without", async () => {
  await using it = await start();
  it.sim.fault({ method: "sendMessage", times: 1, kind: "reset_after" });
  await it.owe(it.item("notice", { text: "A notice" }));
  await it.flush();
  await it.retry();
  expect(it.shown()).toEqual(["A notice", `A notice\n\n${LABEL}`]);
  const messageId = it.sim.messages(ANN).at(-1)?.messageId ?? 0;
  it.sim.fault({ method: "editMessageText", times: 1, kind: "reset_after" });
  it.sim.fault({ method: "editMessageText", times: 1, kind: "reset_before" });
  await it.owe(it.item("edit", { text: "Changed", messageId }));
  for (let i = 0; i < 3; i += 1) await it.retry();
  expect(it.shown()).toEqual(["A notice", "Changed"]);
  expect(await it.states()).toEqual(["sent", "sent"]);
});

test("a text that Telegram finds too long all the same comes as a file", async () => {
  await using it = await start();
  it.sim.fault({
    method: "sendMessage",
    times: 1,
    kind: "error",
    errorCode: 400,
    description: "Bad Request: message is too long",
  });
  await it.owe(it.item("final", { text: "An answer" }));
  await it.flush();
  expect(it.sim.messages(ANN).at(-1)?.file).toMatchObject({ name: "answer.txt", size: 9 });
  expect(await it.states()).toEqual(["sent"]);
});

test("who has blocked the bot is tried once, whatever waits, and hears nothing when it is written down", async () => {
  await using it = await start();
  it.sim.setBlocked(ANN, true);
  await it.owe(it.item("final", { text: "one" }), it.item("notice", { text: "two" }));
  await it.flush();
  expect(await it.states()).toEqual(["failed", "failed"]);
  await it.retry();
  expect(it.made("sendMessage")).toBe(1);
  const given = it.lines.filter(({ msg }) => msg === "a message was given up");
  expect(given).toHaveLength(1);
  expect(JSON.stringify(given)).not.toContain('"one"'); // never what was said
});

test("the last part of an answer becomes the message that grew, or a new one when the person has deleted it", async () => {
  await using it = await start();
  const turnId = crypto.randomUUID();
  const open = (part: number) =>
    it.front.sender.open(it.item("open", { text: `frame ${part}` }, { turnId, part }));
  const [first, second] = [await open(0), await open(1)];
  await it.call("deleteMessage", { chat_id: ANN, message_id: second });
  const parts = [0, 1, 2].map((part) => it.item("final", { text: `part ${part}` }, { turnId, part }));
  await it.owe(
    ...parts,
    it.item("final", { text: "", file: { name: "a.txt", content: "x" } }, { turnId, part: 0 }),
  );
  await it.flush();
  const messages = it.sim.messages(ANN).filter(({ fromBot }) => fromBot);
  expect(messages.map(({ text }) => text)).toEqual(["part 0", "part 1", "part 2", ""]);
  expect(messages[0]?.messageId).toBe(Number(first));
  expect((await it.outbox()).map(({ messageId }) => messageId).slice(2)).toEqual(
    messages.map(({ messageId }) => messageId),
  );
  // Deleting what is gone already is done, too.
  await it.owe(it.item("delete", { text: "", messageId: Number(second) }));
  await it.flush();
  expect((await it.outbox()).at(-1)).toMatchObject({ state: "sent" });
});

test("an answer follows its group that became a supergroup; what stood in the old one stays there", async () => {
  await using it = await start();
  const moved = {
    errorCode: 400,
    description: "Bad Request: group chat was upgraded to a supergroup chat",
    migrateToChatId: GROUP,
  };
  it.sim.fault({ method: "sendMessage", times: 1, kind: "error", ...moved });
  it.sim.fault({ method: "deleteMessage", times: 1, kind: "error", ...moved });
  await it.owe(
    it.item("final", { text: "An answer" }, { chatId: -55 }),
    it.item("delete", { text: "", messageId: 5 }, { chatId: -55 }),
  );
  await it.flush();
  expect(it.shown(GROUP)).toEqual(["An answer"]);
  expect(await it.states()).toEqual(["sent", "failed"]);
  expect(it.sim.violations).toEqual([]);
});

test("a process that has lost the bot sends nothing, and the next one takes up what it was sending", async () => {
  await using it = await start();
  it.sim.fault({ method: "sendMessage", times: 1, kind: "delay", ms: 200 });
  await it.owe(it.item("final", { text: "An answer" }), it.item("notice", { text: "A notice" }));
  const flushed = it.flush();
  while (!(await it.states()).includes("sending")) await Bun.sleep(5);
  const lease = await takeLease(it.front.app, { id: it.front.lease.botId, username: "blockbot_test_bot" });
  if ("heldBy" in lease) throw new Error("a lease of this very process can be taken");
  expect(await recoverSending(it.front.app, lease)).toEqual({ requeued: 1, givenUp: 0 });
  await flushed;
  await it.flush();
  // What was under way has arrived; its outcome, and all the rest, is the next one's to say.
  expect(it.shown()).toEqual(["An answer"]);
  expect(await it.outbox()).toMatchObject([
    { state: "queued", maybeSent: 1, messageId: null },
    { state: "queued", maybeSent: 0 },
  ]);
});

test("what was sent while the database was away is written down when it is back, and not sent again", async () => {
  await using it = await start();
  it.sim.fault({ method: "sendMessage", times: 1, kind: "delay", ms: 300 });
  await it.owe(it.item("final", { text: "An answer" }));
  const flushed = it.flush();
  while (!(await it.states()).includes("sending")) await Bun.sleep(5);
  await it.asAdmin("REVOKE UPDATE ON pipeline.outbox FROM blockbot_app");
  await flushed;
  await it.flush(); // still away: nothing is sent
  expect(await it.states()).toEqual(["sending"]);
  await it.asAdmin("GRANT UPDATE ON pipeline.outbox TO blockbot_app");
  await it.owe(it.item("notice", { text: "A notice" }));
  await it.flush();
  expect(it.shown()).toEqual(["An answer", "A notice"]);
  expect(await it.states()).toEqual(["sent", "sent"]);
});
