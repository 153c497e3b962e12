import type { ClaudeReply } from "../sim/claude/script.ts";
import { quantile, type BenchResult, type Figure } from "./figures.ts";
import { openRig, type Rig } from "./rig.ts";

const ROUNDS = 15;
// How often a message of a private chat is redrawn while it grows; see bot/presenter.ts.
const FRAME_MS = 1_100;
const ANSWER_MS_MAX = 30_000;
const END = "that is all.";
const TEXT = `${"word ".repeat(15)}and ${END}`;

/** One pace of Claude's, and when it sends the first delta of the answer, in ms after it was asked. */
type Pace = { readonly name: string; readonly reply: ClaudeReply; readonly firstDeltaMs: number };

const PACES: readonly Pace[] = [
  {
    name: "Claude fast (24 characters every 20 ms)",
    reply: { text: TEXT, chunkChars: 24, chunkMs: 20 },
    firstDeltaMs: 0,
  },
  {
    name: "Claude slow (10 characters every 250 ms)",
    reply: { text: TEXT, chunkChars: 10, chunkMs: 250 },
    firstDeltaMs: 0,
  },
  {
    // Seven pieces of thinking and its signature, each followed by a pause.
    name: "Claude late (silent for 2 s, then as slow)",
    reply: { thinking: "x".repeat(70), text: TEXT, chunkChars: 10, chunkMs: 250 },
    firstDeltaMs: 8 * 250,
  },
];

/** From the first delta of Claude's answer to the first words of it in the chat. */
export async function firstText(): Promise<BenchResult> {
  const figures: Figure[] = [];
  for (const pace of PACES) {
    const waits = await measure(pace);
    figures.push(
      { what: `${pace.name}, p50`, value: quantile(waits, 0.5), unit: "ms" },
      { what: `${pace.name}, longest`, value: quantile(waits, 1), unit: "ms", goal: { atMost: FRAME_MS } },
    );
  }
  return {
    figures,
    notes: [
      `${ROUNDS} questions each, one at a time. The goal is one frame of a private chat. The first delta is counted from when the simulated Claude has read the question.`,
    ],
  };
}

async function measure({ reply, firstDeltaMs }: Pace): Promise<number[]> {
  let askedAt = 0;
  const script = (): ClaudeReply => {
    askedAt = performance.timeOrigin + performance.now();
    return reply;
  };
  await using rig = await openRig({ kind: "ours", people: ROUNDS + 1, script, chatBudgets: "production" });
  const waits: number[] = [];
  // Each in a chat of their own, so that nobody's budget of messages is used up. The first one warms up.
  for (const [round, person] of rig.people.entries()) {
    const shownAt = await firstShown(rig, person);
    if (round > 0) waits.push(shownAt - askedAt - firstDeltaMs);
  }
  return waits;
}

/** Asks, and says when the first words of the answer were in the chat, once all of it is. */
async function firstShown({ telegram }: Rig, person: number): Promise<number> {
  const from = telegram.calls.length;
  // The last frame of the chat before may still be on its way.
  const shown = () =>
    telegram.calls
      .slice(from)
      .filter(({ params, errorCode }) => errorCode === null && Number(params["chat_id"]) === person)
      .filter(({ params }) => String(params["text"]).startsWith("word"));
  telegram.say({ from: person, text: "What do you think of this?" });
  await telegram.waitFor(
    () => shown().some(({ params }) => String(params["text"]).includes(END)),
    ANSWER_MS_MAX,
  );
  return shown()[0]?.at ?? Number.NaN;
}
