import type { ClaudeScript } from "../sim/claude/script.ts";
import type { BenchResult } from "./figures.ts";
import { residentMb } from "./processes.ts";
import { openRig } from "./rig.ts";
import { instantAnswer, runTurns } from "./turns.ts";

const CHATS = 100;
const TURNS = 10_000;
const STREAMS = 1_000;
const STREAMS_MS_MAX = 90_000;
const SETTLE_MS = 3_000;

/** Resident memory of the bot's process: idle, after many turns, and after many answers at once. */
export async function memory(): Promise<BenchResult> {
  const bareIdle = await idleOf("bare");
  await using rig = await openRig({ kind: "ours", people: CHATS, script: instantAnswer });
  await Bun.sleep(SETTLE_MS);
  const idle = residentMb(rig.pid);
  await runTurns(rig, { turns: TURNS, pauseMs: 0 });
  await Bun.sleep(SETTLE_MS);
  const after = residentMb(rig.pid);
  const streamed = await afterStreams();
  return {
    figures: [
      { what: "idle", value: idle, unit: "MB", baseline: bareIdle, goal: { atMost: 120 } },
      { what: `after ${TURNS} turns`, value: after, unit: "MB", baseline: idle },
      { what: `after ${STREAMS} answers at once`, value: streamed, unit: "MB", baseline: idle },
    ],
    notes: ["Idle against the bare bot; the others, each in a process of its own, against our own idle one."],
  };
}

// Long enough for the first to be still under way when the last begins.
const slowAnswer: ClaudeScript = () => ({ text: "word ".repeat(400), chunkChars: 50, chunkMs: 500 });

async function afterStreams(): Promise<number> {
  await using rig = await openRig({ kind: "ours", people: STREAMS, script: slowAnswer });
  for (const from of rig.people) rig.telegram.say({ from, text: "Please tell me everything." });
  await rig.telegram.waitFor(() => rig.claude.running === STREAMS, STREAMS_MS_MAX);
  await rig.telegram.waitFor(() => rig.claude.running === 0, STREAMS_MS_MAX);
  await Bun.sleep(SETTLE_MS);
  return residentMb(rig.pid);
}

async function idleOf(kind: "bare"): Promise<number> {
  await using rig = await openRig({ kind, people: 1, script: instantAnswer });
  await Bun.sleep(SETTLE_MS);
  return residentMb(rig.pid);
}
