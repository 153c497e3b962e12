import { quantile, type BenchResult, type Figure } from "./figures.ts";
import { measureTurns, type Course, type Load } from "./turns.ts";

const LOADS: readonly Load[] = [
  { chats: 1, turns: 40, pauseMs: 0 },
  { chats: 10, turns: 200, pauseMs: 500 },
  { chats: 100, turns: 2_000, pauseMs: 1_000 },
];
// How long a message waits for more of the same burst; see bot/bursts.ts. It is a wait, not work.
const BURST_MS = 300;
const SHARES = [0.5, 0.95, 0.99] as const;

/** A question with an instant Claude, from being there to the whole answer, at 1, 10 and 100 chats at once. */
export async function turn(): Promise<BenchResult> {
  const figures: Figure[] = [];
  for (const load of LOADS) {
    const bare = await measureTurns("bare", load);
    const ours = await measureTurns("ours", load);
    figures.push(...figuresOf(load.chats, ours, bare));
  }
  return {
    figures,
    notes: [
      "People think for half a second (10 chats) or a second (100 chats) on average before they ask again.",
      `Ours without the ${BURST_MS} ms for which every message waits for more of the same burst.`,
      "Baseline: a grammY bot on the runner that streams the same Claude with its SDK and edits one message, and stores nothing.",
      "Raised for the bench: our budget per chat, our limits per person and team, Telegram's limits.",
    ],
  };
}

function figuresOf(chats: number, ours: Course, bare: Course): Figure[] {
  const at = (name: string): string => `${name}, ${chats} chat${chats === 1 ? "" : "s"}`;
  const whole = SHARES.map((share): Figure => {
    const goal = chats < 100 ? undefined : share === 0.5 ? 15 : share === 0.99 ? 60 : undefined;
    return {
      what: at(`whole answer p${share * 100}`),
      value:
        quantile(
          ours.times.map((times) => times.whole),
          share,
        ) - BURST_MS,
      unit: "ms",
      baseline: quantile(
        bare.times.map((times) => times.whole),
        share,
      ),
      ...(goal === undefined ? {} : { goal: { atMost: goal } }),
    };
  });
  const first = (key: "anything" | "text"): Figure => ({
    what: at(key === "anything" ? "first sign p50" : "first text p50"),
    value:
      quantile(
        ours.times.map((times) => times[key]),
        0.5,
      ) - BURST_MS,
    unit: "ms",
    baseline: quantile(
      bare.times.map((times) => times[key]),
      0.5,
    ),
  });
  return [
    first("anything"),
    first("text"),
    ...whole,
    {
      what: at("processor per turn, bot"),
      value: ours.botCpuMs / ours.times.length,
      unit: "ms",
      baseline: bare.botCpuMs / bare.times.length,
    },
    { what: at("processor per turn, Postgres"), value: ours.postgresCpuMs / ours.times.length, unit: "ms" },
  ];
}
