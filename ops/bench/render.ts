import { readFileSync } from "node:fs";
import { plainPart, renderAnswer, renderFrame } from "../../bot/render/answer.ts";
import { quantile, type BenchResult, type Figure } from "./figures.ts";

const FRAME_UNITS = 4 * 1024;
const SOURCE_UNITS = 64 * 1024;
const FRAMES = 300;
const HOSTILE_ROUNDS = 5;
const FRAME_MS_GOAL = 50;

const TABLE_COLUMNS = 500;
const row = (cell: string) => `|${cell.repeat(TABLE_COLUMNS)}\n`;

/** Text made to hang a parser: what comes first, and what is repeated after it. */
const HOSTILE: readonly (readonly [what: string, unit: string, head?: string])[] = [
  ["`[a](`", "[a]("],
  ["`- `", "- "],
  ["`*a `", "*a "],
  ["backticks", "`"],
  ["growing backticks", "`a``b```c"],
  ["`> - `", "> - "],
  ["`_a__b`", "_a__b"],
  ["a table of 500 columns", row("y|"), row("x|") + row("-|")],
];

/** One frame of an answer, from Markdown to messages: what a text of Claude's costs, and what a hostile one does. */
export async function render(): Promise<BenchResult> {
  const guide = readFileSync(new URL("../sim/claude/guide.md", import.meta.url), "utf8");
  const plain = msEach(FRAMES, (at) => plainPart(prefixOf(guide, at)));
  const frames = msEach(FRAMES, (at) => renderFrame(prefixOf(guide, at)));
  const whole = msEach(FRAMES, () => renderAnswer(guide));
  const hostile = HOSTILE.map(([what, unit, head = ""]) => {
    const frame = filled(head, unit, FRAME_UNITS);
    const answer = filled(head, unit, SOURCE_UNITS);
    return {
      what,
      frameMs: quantile(
        msEach(HOSTILE_ROUNDS * 10, () => renderFrame(frame)),
        0.5,
      ),
      answerMs: quantile(
        msEach(HOSTILE_ROUNDS, () => renderAnswer(answer)),
        0.5,
      ),
    };
  });
  const goal = { atMost: FRAME_MS_GOAL };
  const frame = (what: string, share: number): Figure => ({
    what: `a frame of 4 KB, ${what}`,
    value: quantile(frames, share),
    unit: "ms",
    baseline: quantile(plain, share),
    goal,
  });
  return {
    figures: [
      frame("p50", 0.5),
      frame("p95", 0.95),
      {
        what: `an answer of ${Math.round(guide.length / 1024)} KB, p50`,
        value: quantile(whole, 0.5),
        unit: "ms",
      },
      ...hostile.flatMap(({ what, frameMs, answerMs }): Figure[] => [
        { what: `4 KB of ${what}`, value: frameMs, unit: "ms", goal },
        {
          what: `64 KB of ${what}, per 4 KB`,
          value: (answerMs * FRAME_UNITS) / SOURCE_UNITS,
          unit: "ms",
          goal,
        },
      ]),
    ],
    notes: ["Baseline: the same text without any markup, only split into messages."],
  };
}

// Ends at another place each time, as a stream's frames do.
function prefixOf(text: string, at: number): string {
  const start = (at * 97) % (text.length - FRAME_UNITS);
  return text.slice(start, start + FRAME_UNITS);
}

function filled(head: string, unit: string, units: number): string {
  return (head + unit.repeat(Math.ceil(units / unit.length))).slice(0, units);
}

/** Milliseconds of each round, after a tenth of them to warm up. */
function msEach(rounds: number, work: (at: number) => unknown): number[] {
  for (let at = 0; at < rounds / 10; at += 1) work(at);
  return Array.from({ length: rounds }, (_, at) => {
    const startedAt = performance.now();
    work(at);
    return performance.now() - startedAt;
  });
}
