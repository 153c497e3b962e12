import type { ClaudeScript } from "../sim/claude/script.ts";
import { quantile, type BenchResult, type Figure } from "./figures.ts";
import { residentMb } from "./processes.ts";
import { openRig, type Rig } from "./rig.ts";

const STREAMS = 1_000;
const STREAM_MS = 60_000;
const CHUNK_MS = 500;
const CHUNK_CHARS = 24;
const HELP_EVERY_MS = 500;
const START_MS_MAX = 60_000;

/** A thousand answers that are being written at the same time for a minute, and /help from somebody else meanwhile. */
export async function streams(): Promise<BenchResult> {
  const production = await measure("production");
  const raised = await measure("raised");
  return {
    figures: [...production, ...raised],
    notes: [
      `${STREAMS} private chats; Claude sends ${CHUNK_CHARS} characters every ${CHUNK_MS} ms. The pace is the time between two frames of one answer.`,
      "Once with our production budget per chat, once without one. Raised in both: our limits per person and team, Telegram's limits.",
    ],
  };
}

const slowAnswer: ClaudeScript = () => ({
  text: "word ".repeat(Math.ceil((STREAM_MS * 1.5 * CHUNK_CHARS) / CHUNK_MS / 5)),
  chunkChars: CHUNK_CHARS,
  chunkMs: CHUNK_MS,
});

async function measure(chatBudgets: "production" | "raised"): Promise<Figure[]> {
  await using rig = await openRig({ kind: "ours", people: STREAMS + 1, script: slowAnswer, chatBudgets });
  const [helper = 0, ...askers] = rig.people;
  const idleMb = residentMb(rig.pid);
  for (const from of askers) rig.telegram.say({ from, text: "Please tell me everything." });
  await rig.telegram.waitFor(() => rig.claude.running === STREAMS, START_MS_MAX);
  const before = await rig.cpu();
  const frames = createFrameWatch(rig);
  const helps = await askForHelp(rig, helper);
  const after = await rig.cpu();
  const gaps = frames.stop();
  const at = (name: string): string => `${name}, ${chatBudgets} budgets`;
  return [
    { what: at("frame pace p50"), value: quantile(gaps, 0.5), unit: "ms" },
    { what: at("frame pace p99"), value: quantile(gaps, 0.99), unit: "ms" },
    { what: at("/help p50 meanwhile"), value: quantile(helps, 0.5), unit: "ms" },
    { what: at("/help p99 meanwhile"), value: quantile(helps, 0.99), unit: "ms" },
    { what: at("processor, bot"), value: (after.botMs - before.botMs) / (STREAM_MS / 100), unit: "%" },
    { what: at("memory more than idle"), value: residentMb(rig.pid) - idleMb, unit: "MB", baseline: idleMb },
  ];
}

/** Collects the times between two edits of the same chat, in ms. */
function createFrameWatch({ telegram }: Rig) {
  const lastAt = new Map<number, number>();
  const gaps: number[] = [];
  let last = telegram.calls.at(-1);
  const timer = setInterval(() => {
    const from = telegram.calls.lastIndexOf(last as (typeof telegram.calls)[number]) + 1; // safe: -1 reads from the first
    for (const call of telegram.calls.slice(from)) {
      last = call;
      if (call.method !== "editMessageText") continue;
      const chat = Number(call.params["chat_id"]);
      const before = lastAt.get(chat);
      if (before !== undefined) gaps.push(call.at - before);
      lastAt.set(chat, call.at);
    }
  }, 10);
  return {
    stop(): number[] {
      clearInterval(timer);
      return gaps;
    },
  };
}

// One at a time for the whole minute; how long each took.
async function askForHelp({ telegram }: Rig, helper: number): Promise<number[]> {
  const took: number[] = [];
  const until = performance.now() + STREAM_MS;
  while (performance.now() < until) {
    const count = telegram.messages(helper).length;
    const startedAt = performance.now();
    telegram.say({ from: helper, text: "/help" });
    await telegram.waitFor(() => telegram.messages(helper).length >= count + 2, START_MS_MAX);
    took.push(performance.now() - startedAt);
    await Bun.sleep(HELP_EVERY_MS);
  }
  return took;
}
