import type { BenchResult } from "./figures.ts";
import { residentMb } from "./processes.ts";
import { openRig } from "./rig.ts";
import { instantAnswer, runTurns } from "./turns.ts";

const CHATS = 100;
const TURNS = 10_000;
const SETTLE_MS = 3_000;

/** Resident memory of the bot's process, idle and after many turns. */
export async function memory(): Promise<BenchResult> {
  const bareIdle = await idleOf("bare");
  await using rig = await openRig({ kind: "ours", people: CHATS, script: instantAnswer });
  await Bun.sleep(SETTLE_MS);
  const idle = residentMb(rig.pid);
  await runTurns(rig, { turns: TURNS, pauseMs: 0 });
  await Bun.sleep(SETTLE_MS);
  const after = residentMb(rig.pid);
  return {
    figures: [
      { what: "idle", value: idle, unit: "MB", baseline: bareIdle, goal: { atMost: 120 } },
      { what: `after ${TURNS} turns`, value: after, unit: "MB", baseline: idle },
    ],
    notes: ["Idle against the bare bot; after the turns against our own idle process."],
  };
}

async function idleOf(kind: "bare"): Promise<number> {
  await using rig = await openRig({ kind, people: 1, script: instantAnswer });
  await Bun.sleep(SETTLE_MS);
  return residentMb(rig.pid);
}
