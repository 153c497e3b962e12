import type { BenchResult } from "./figures.ts";
import { openRig, type BotKind, type Rig } from "./rig.ts";
import { instantAnswer, runTurns } from "./turns.ts";

const CHATS = 200;
const TURNS = 4_000;
const COMMANDS = 6_000;
const COMMAND_MS_MAX = 60_000;
const LOOK_EVERY_MS = 5;

/** Turns and commands until something is saturated: everybody asks again as soon as the answer stands. */
export async function throughput(): Promise<BenchResult> {
  const bare = await measure("bare");
  const ours = await measure("ours");
  return {
    figures: [
      { what: "full turns", value: ours.turns, unit: "/s", baseline: bare.turns, goal: { atLeast: 300 } },
      {
        what: "commands",
        value: ours.commands,
        unit: "/s",
        baseline: bare.commands,
        goal: { atLeast: 1_500 },
      },
      { what: "updates stored", value: ours.stored, unit: "/s" },
      { what: "processor per turn, bot", value: ours.botMs, unit: "ms", baseline: bare.botMs },
      { what: "processor per turn, Postgres", value: ours.postgresMs, unit: "ms" },
    ],
    notes: [
      `${CHATS} chats at once; Postgres, the simulators and the bot share the machine.`,
      "A command is /help, from all chats at once, until the last has been answered; ours waits up to 300 ms in each turn for more of a burst.",
      "Raised for the bench: our budget per chat, our limits per person and team, Telegram's limits.",
    ],
  };
}

async function measure(kind: BotKind) {
  await using rig = await openRig({ kind, people: CHATS, script: instantAnswer });
  await runTurns(rig, { turns: CHATS, pauseMs: 0 });
  const course = await runTurns(rig, { turns: TURNS, pauseMs: 0 });
  const perSecond = (count: number, ms: number): number => (count / ms) * 1_000;
  const { storedMs, answeredMs } = await runCommands(rig);
  return {
    turns: perSecond(course.times.length, course.wallMs),
    botMs: course.botCpuMs / course.times.length,
    postgresMs: course.postgresCpuMs / course.times.length,
    commands: perSecond(COMMANDS, answeredMs),
    stored: perSecond(COMMANDS, storedMs),
  };
}

// All are there before the first is fetched, or at least before most are.
async function runCommands({ telegram, people }: Rig): Promise<{ storedMs: number; answeredMs: number }> {
  const answered = (): number => people.reduce((sum, person) => sum + telegram.messages(person).length, 0);
  const before = answered();
  const startedAt = performance.now();
  for (let index = 0; index < COMMANDS; index += 1)
    telegram.say({ from: people[index % people.length] ?? 0, text: "/help" });
  let storedMs = 0;
  for (; ; await Bun.sleep(LOOK_EVERY_MS)) {
    if (storedMs === 0 && telegram.pendingUpdates() === 0) storedMs = performance.now() - startedAt;
    if (storedMs > 0 && answered() - before >= 2 * COMMANDS) break;
    if (performance.now() - startedAt > COMMAND_MS_MAX) throw new Error("the commands were not answered");
  }
  return { storedMs, answeredMs: performance.now() - startedAt };
}
