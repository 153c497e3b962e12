import { expect, test } from "bun:test";
import { ALICE, hasButton, startWorld } from "./world.ts";

const LONG = Array.from({ length: 200 }, (_, n) => `Sentence ${n} of a long answer.`).join(" ");

test("an answer at the length limit says so and goes on with Continue, once, with what it said in mind", async () => {
  const [beginning, rest] = [LONG.slice(0, 3_000), LONG.slice(3_000)];
  await using world = await startWorld((_request, { index }) =>
    index === 0 ? { text: beginning, stopReason: "max_tokens" } : { text: rest },
  );
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "tell me everything" });
  const cut = await world.hears(ALICE, "length limit");
  expect(cut.text).toStartWith(beginning.trim());
  expect(cut.buttons.flat().map(({ text }) => text)).toEqual(["Continue"]);

  const presses = [1, 2].map(() => world.press(ALICE, "Continue"));
  const whole = await world.hears(ALICE, rest.trim().slice(-40));
  expect(`${beginning}${whole.text}`.replaceAll(" ", "")).toBe(LONG.replaceAll(" ", ""));
  expect(whole.buttons).toEqual([]);
  await world.telegram.waitFor(() => world.heard(ALICE).every((message) => !hasButton(message, "Continue")));
  for (const press of presses) await world.telegram.waitFor(() => world.telegram.callbackAnswer(press));
  expect(world.claude.requests).toHaveLength(2);
  expect(world.claude.requests[1]?.messages).toMatchObject([
    { role: "user" },
    { role: "assistant", content: [{ text: beginning }] },
    { role: "user", content: [{ text: "Please go on exactly where your last answer stopped." }] },
    { role: "system" },
  ]);
});

test("Stop ends Claude's stream and the answer at its next edit, with everything that had been written", async () => {
  await using world = await startWorld(() => ({ text: LONG, chunkChars: 20, chunkMs: 50 }));
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "tell me everything" });
  const running = await world.telegram.waitFor(() =>
    world.heard(ALICE).find((message) => hasButton(message, "Stop") && message.text.length > 100),
  );
  const edits = () => world.telegram.calls.filter(({ method }) => method === "editMessageText");
  const before = edits().length;
  world.press(ALICE, "Stop");
  const stopped = await world.hears(ALICE, "Stopped.");
  expect(world.claude.aborted()).toBe(1);
  expect(world.claude.running).toBe(0);
  expect(stopped.messageId).toBe(running.messageId);
  const written = stopped.text.replace(/\n\nStopped\.$/, "");
  expect(LONG).toStartWith(written);
  expect(written).toStartWith(running.text.trim());
  // One more frame may have been on its way when the button was pressed.
  expect(edits().length - before).toBeLessThanOrEqual(2);
  expect(stopped.buttons.flat().map(({ text }) => text)).toEqual(["Retry"]);
});
