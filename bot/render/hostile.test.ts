import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { renderAnswer, renderFrame } from "./answer.ts";
import { violationsOf } from "./validity.ts";

const SOURCE_UNITS = 64 * 1024;
// The hardest known pattern takes half of this per unit; one that takes quadratic time takes thousands.
const STEPS_PER_UNIT_MAX = 250;
const TEST_TIMEOUT_MS = 60_000;
const OUTPUT_PER_UNIT_MAX = 40;

type Text = string & Record<string, unknown>;
type Cost = (text: string, args: number[], result: number) => number;

const scanned: Cost = (text, [, from = 0], result) =>
  1 + Math.max(0, (result < 0 ? text.length : result) - from);
const scannedBack: Cost = (text, [, from = text.length], result) =>
  1 + Math.max(0, Math.min(from, text.length) - Math.max(0, result));
const whole: Cost = (text) => 1 + text.length;
const one: Cost = () => 1;

const COSTS: Readonly<Record<string, Cost>> = {
  charAt: one,
  charCodeAt: one,
  slice: one,
  startsWith: one,
  substring: one,
  trim: one,
  indexOf: scanned,
  search: scanned,
  lastIndexOf: scannedBack,
  includes: whole,
  replace: whole,
  replaceAll: whole,
  split: whole,
};

/** How many characters `run` looks at, in our code and in the parser's: a measure that no busy machine changes. */
function stepsOf<T>(run: () => T): { steps: number; result: T } {
  const prototype = String.prototype as unknown as Record<string, unknown>; // safe: only named methods are replaced, and restored
  let steps = 0;
  const originals = Object.keys(COSTS).map((name) => [name, prototype[name]] as const);
  for (const [name, original] of originals) {
    const cost = COSTS[name] ?? one;
    const method = original as (...args: unknown[]) => unknown; // safe: every name in COSTS is a method
    prototype[name] = function counted(this: Text, ...args: unknown[]): unknown {
      const result = method.apply(this, args);
      steps += cost(this, args as number[], result as number);
      return result;
    };
  }
  try {
    const result = run();
    return { steps, result };
  } finally {
    for (const [name, original] of originals) prototype[name] = original;
  }
}

function filled(unit: string, units: number): string {
  return unit.repeat(Math.ceil(units / unit.length)).slice(0, units);
}

function growing(unit: (at: number) => string): string {
  let text = "";
  for (let at = 0; text.length < SOURCE_UNITS; at++) text += unit(at);
  return text.slice(0, SOURCE_UNITS);
}

function expectBounded(source: string, name: string, renders = [renderAnswer, renderFrame]): void {
  for (const render of renders) {
    const { steps, result } = stepsOf(() => render(source));
    const output = result.reduce(
      (units, part) => units + ("file" in part ? part.file.content : part.text).length,
      0,
    );
    const problems = result.flatMap((part) => ("file" in part ? [] : violationsOf(part)));
    if (steps > source.length * STEPS_PER_UNIT_MAX) problems.push(`${steps} steps`);
    if (output > source.length * OUTPUT_PER_UNIT_MAX + 100) problems.push(`${output} units`);
    expect({ name, problems }).toEqual({ name, problems: [] });
  }
}

const UNITS =
  '[a]( | -  | *a  | ` | >  | ![ | < | & | **a *b  | [ | ]( | \\( | \\[ | $ | [$$ | *** | ~~~a | _a__b | *_~~ | a**b | `a``b```c | > -  | 1. - >  | [a](b " | [a](< | [![a]( | https://a_ | _[ | [[>  | `` `  | - [x] '
    .split(" | ")
    .concat([
      "||||",
      "|x",
      "$$a\n",
      "a\n",
      "a\n=",
      "- a\n  ",
      "- # a\nb\n",
      "> ---\na\n",
      "> # a\nb\n",
      "| a | b\n",
      "|-|-|\n",
    ])
    .concat([
      "| a |\n|--|\n",
      "```a\n",
      "```\n* a\n",
      "\n\n\n- a",
      "1. a\n2) b\n",
      "- a\n\n  b\n",
      "    a\n\n",
      "e\u0301",
      "👩‍",
      "\u200b",
    ]);

test(
  "work grows no faster than the input on patterns made to hang a parser",
  () => {
    for (const unit of UNITS) expectBounded(filled(unit, SOURCE_UNITS), JSON.stringify(unit), [renderAnswer]);
  },
  TEST_TIMEOUT_MS,
);

test(
  "work grows no faster than the input on deep and growing structures",
  () => {
    const half = SOURCE_UNITS / 2;
    const row = (cell: string) => `|${cell.repeat(500)}\n`;
    const sources: Record<string, string> = {
      brackets: "[".repeat(half) + "]".repeat(half),
      stars: `_${"*".repeat(half)}a b_${"*".repeat(half - 10)}`,
      ticks: growing((at) => `${"`".repeat(at + 1)}a`),
      labelledTicks: `[${growing((at) => `${"`".repeat(at + 1)}a`).slice(0, half)}](x)`,
      farCloser: `[${"\\(".repeat(half - 10)}]\\)`,
      quotes: growing((at) => `${"> ".repeat(at)}a\n`),
      lists: growing((at) => `${"  ".repeat(at % 100)}- a\n`),
      deepLists: filled(`${"- ".repeat(30)}a\n`, SOURCE_UNITS),
      lazy: `- a\n${filled("b\n", half)}`,
      spaces: `a${" ".repeat(SOURCE_UNITS - 2)}b`,
      wideTable: row("x|") + row("-|") + filled(row("y|"), SOURCE_UNITS - 2100),
      shortRows: row("x|") + row("-|") + filled("|y\n", SOURCE_UNITS - 2100),
      repeatedKeys: `|${"k".repeat(40)}|${"l".repeat(40)}|\n|-|-|\n${filled("|a|b|\n", half)}`,
      longKey: `|${"k".repeat(half)}|\n|-|\n${filled("|a|\n", half - 10)}`,
    };
    for (const [name, source] of Object.entries(sources)) expectBounded(source, name);
  },
  TEST_TIMEOUT_MS,
);

test("twice the input costs no more than twice the work", () => {
  const row = (cell: string) => `|${cell.repeat(500)}\n`;
  const table = row("x|") + row("-|");
  for (const [unit, head] of [
    ["[a](", ""],
    ["- ", ""],
    ["*a ", ""],
    ["`", ""],
    ["``a`", ""],
    ["> ", ""],
    [row("y|"), table],
  ] as const) {
    const costs = [SOURCE_UNITS / 2, SOURCE_UNITS].map(
      (units) => stepsOf(() => renderAnswer(head + filled(unit, units - head.length))).steps,
    );
    const growth = (costs[1] ?? 0) / (costs[0] ?? 1);
    expect({ unit, growth, isLinear: growth < 2.2 }).toEqual({ unit, growth, isLinear: true });
  }
});

test(
  "work grows no faster than the input on any repeated mix of marks",
  () => {
    const marks = "[ ] ( ) ! * _ ~~ ` `` < > $ $$ \\( \\) \\[ \\ & # | |- : = a \" ' http:// <a@b.c>".split(
      " ",
    );
    const lines = [
      "\n",
      "\n\n",
      "\n- ",
      "\n> ",
      "1. ",
      "```",
      "\n---\n",
      "    ",
      "\t",
      "|-|-|\n",
      "|a|b|\n",
      " ",
      "- ",
      "> ",
      "[x] ",
    ];
    const unit = fc.array(fc.constantFrom(...marks, ...lines), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(unit, unit, (first, second) => {
        const source = filled(first.join(""), SOURCE_UNITS / 4) + filled(second.join(""), SOURCE_UNITS / 4);
        expectBounded(source, JSON.stringify([first.join(""), second.join("")]));
      }),
      { numRuns: 60 },
    );
  },
  TEST_TIMEOUT_MS,
);

test("no word is lost below the deepest level that is laid out", () => {
  for (const mark of ["- ", "> ", "1. ", "> - "]) {
    const source = `${mark.repeat(200)}deepest\n\nafter`;
    const text = renderAnswer(source)
      .map((part) => ("text" in part ? part.text : ""))
      .join("\n");
    expect(text.match(/deepest|after/g)).toEqual(["deepest", "after"]);
  }
});
