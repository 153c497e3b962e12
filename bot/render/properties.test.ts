import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { MessageEntity } from "grammy/types";
import { plainPart, renderAnswer, renderFrame, type RenderedPart } from "./answer.ts";
import { violationsOf } from "./validity.ts";

const RUNS = { numRuns: 300 };
const WORD = /w\d+x/g;

function problemsOf(parts: readonly RenderedPart[]): string[] {
  return parts.flatMap((part) => ("file" in part ? [] : violationsOf(part)));
}

const bodyOf = (part: RenderedPart) => ("file" in part ? part.file.content : part.text);
const wordsIn = (parts: readonly RenderedPart[]) => parts.flatMap((part) => bodyOf(part).match(WORD) ?? []);

/** Also the words that an entity carries beside its text. */
function allWordsIn(parts: readonly RenderedPart[]): string[] {
  const carried = parts.flatMap((part) =>
    "file" in part ? [part.file.language] : part.entities.map((entity) => carriedBy(entity, part.text)),
  );
  return [...wordsIn(parts), ...(carried.join(" ").match(WORD) ?? [])];
}

function carriedBy(entity: MessageEntity, text: string): string {
  if (entity.type === "pre") return entity.language ?? "";
  if (entity.type !== "text_link") return "";
  const label = text.slice(entity.offset, entity.offset + entity.length);
  return label.includes(entity.url) ? "" : entity.url;
}

// What a model, or somebody who writes through it, may put next to each other. "W" becomes a word of its own.
const PIECES =
  "W W W W _ * ** *** ~~ ` `` [ ] ( ) ![ ]( < > & &amp; \\ \\( \\) $ $$ \\[ \\] | # : = 👩‍👩‍👧 é 🇩🇪 שלום , . ! https://a.org/".split(
    " ",
  );
const LINES = [
  "\n",
  "\n\n",
  "\n- ",
  "\n  - ",
  "\n1. ",
  "\n> ",
  "\n> > ",
  "\n## ",
  "\n```",
  "\n~~~\n",
  "\n    ",
  "\n---\n",
];
const TABLE_LINES = ["\n| a | b |\n|---|--:|\n| ", " | ", " |\n| "];
const SPACES = [" ", " ", "  ", "\t", "\u00a0"];

function numbered(pieces: readonly string[]): string[] {
  let count = 0;
  return pieces.map((piece) => (piece === "W" ? `w${++count}x` : piece));
}

const chaos = fc
  .array(fc.constantFrom(...PIECES, ...LINES, ...SPACES), { maxLength: 60, size: "max" })
  .map(numbered);
const chaosWithTables = fc
  .array(fc.constantFrom(...PIECES, ...LINES, ...SPACES, ...TABLE_LINES), { maxLength: 60, size: "max" })
  .map(numbered);

test("every prefix of any Markdown renders to valid messages", () => {
  fc.assert(
    fc.property(chaosWithTables, (pieces) => {
      const markdown = pieces.join("");
      for (let end = 0; end <= markdown.length; end++) {
        expect(problemsOf(renderFrame(markdown.slice(0, end)))).toEqual([]);
      }
      expect(problemsOf(renderAnswer(markdown))).toEqual([]);
    }),
    { numRuns: 150 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300, size: "max" }), (text) => {
      for (const parts of [renderAnswer(text), renderFrame(text), plainPart(text)])
        expect(problemsOf(parts)).toEqual([]);
    }),
    RUNS,
  );
});

test("no word is lost or doubled, whatever marks stand around it", () => {
  fc.assert(
    fc.property(chaos, fc.boolean(), (pieces, streaming) => {
      const markdown = pieces.join("");
      // A frame does not show the language of code that has not come yet, or half an address.
      fc.pre(!streaming || !/```|~~~|\]\(https/.test(markdown));
      const words = markdown.match(WORD) ?? [];
      const parts = streaming ? renderFrame(markdown) : renderAnswer(markdown);
      expect(allWordsIn(parts).toSorted()).toEqual(words.toSorted());
    }),
    { numRuns: 2000 },
  );
});

type Block = { kind: number; words: number; depth: number };

const blocks = fc.array(
  fc.record({
    kind: fc.nat(13),
    words: fc.integer({ min: 1, max: 400 }),
    depth: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Well-formed Markdown of numbered words, and how many there are. */
function documentOf(plan: readonly Block[]): { markdown: string; count: number } {
  let count = 0;
  const word = () => `w${++count}x`;
  const words = (many: number, style: (word: string, at: number) => string = (plain) => plain) =>
    Array.from({ length: many }, (_, at) => style(word(), at)).join(" ");
  const styles = ["**", "*", "~~", "`", "", "", "", "", "***", ""];
  const styled = (plain: string, at: number) => `${styles[at % 10]}${plain}${styles[at % 10]}`;
  const linked = (plain: string) => `[${plain}](https://a.org/p)`;
  const lines = (many: number, prefix: (at: number) => string) =>
    Array.from({ length: many }, (_, at) => `${prefix(at)}${word()} ${word()}.`).join("\n");
  const wideTable = (many: number, cell: () => string, key: string) =>
    `| no | ${key} | ${key} |\n|---|---|---|\n${Array.from({ length: many % 12 }, () => `| ${cell()} | ${cell()} | ${cell()} |`).join("\n")}`;
  const kinds: ((block: Block) => string)[] = [
    ({ words: many }) => words(many),
    ({ words: many }) => words(many, styled),
    ({ words: many }) => words(many, linked),
    ({ depth }) => `${"#".repeat(depth)} ${words(5, styled)}`,
    ({ words: many, depth }) => lines(many, (at) => `${"  ".repeat(at % depth)}- `),
    ({ words: many }) => lines(many, (at) => `${at + 1}. `),
    ({ words: many }) => lines(many, () => "> "),
    ({ words: many }) => `\`\`\`js\n${lines(many, (at) => " ".repeat(at % 4))}\n\`\`\``,
    ({ words: many }) =>
      `| head | key |\n|---|---|\n${Array.from({ length: many }, () => `| ${word()} | ${word()} |`).join("\n")}`,
    ({ depth }) => `$$\n${words(depth)}\n$$`,
    ({ words: many }) => words(many, (plain) => `<b>${plain}</b>`),
    ({ depth }) => `${"> ".repeat(depth)}${"- ".repeat(depth * 4)}${words(3)}`,
    ({ words: many, depth }) => wideTable(many, () => words(depth + 6, styled), "a rather long key"),
    ({ words: many }) => wideTable(many, () => words(7), "a key that outweighs its cells ".repeat(90)),
  ];
  const markdown = plan.map((block) => kinds[block.kind]?.(block) ?? "").join("\n\n");
  return { markdown, count };
}

test("a long answer shows every word once and in order, in valid messages", () => {
  fc.assert(
    fc.property(blocks, (plan) => {
      const { markdown, count } = documentOf(plan);
      const expected = Array.from({ length: count }, (_, at) => `w${at + 1}x`);
      for (const parts of [renderAnswer(markdown), renderFrame(markdown)]) {
        expect(problemsOf(parts)).toEqual([]);
        expect(wordsIn(parts)).toEqual(expected);
      }
    }),
    { numRuns: 150 },
  );
});

test("plain text keeps every visible character in any script", () => {
  const texts = fc.array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 40, size: "max" }),
      fc.constantFrom(" ", "\n", "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "שלום ", "a<b>", "word. "),
    ),
    { maxLength: 40, size: "max" },
  );
  const visible = (text: string) => text.replaceAll(/\s/g, "");
  fc.assert(
    fc.property(texts, fc.nat(300), (pieces, times) => {
      const text = pieces.join("").repeat(times);
      const parts = plainPart(text);
      expect(problemsOf(parts)).toEqual([]);
      if (parts.length > 0) expect(visible(parts.map((part) => part.text).join(""))).toBe(visible(text));
    }),
    RUNS,
  );
});
