import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { segmentsOf } from "./entities.ts";
import type { Entity, Segment } from "./entities.ts";

/** Writes a tree as `[type …]` around its text, so that an expectation reads like the message. */
function written(segments: Segment[]): string {
  return segments
    .map((s) => (s.kind === "text" ? s.text : `[${s.entity.type} ${written(s.children)}]`))
    .join("");
}

/** For each character, the sorted types of the marks above it. */
function marksPerCharacter(segments: Segment[], above: string[] = []): string[] {
  return segments.flatMap((segment) =>
    segment.kind === "text"
      ? [...Array(segment.text.length).keys()].map(() => above.toSorted().join())
      : marksPerCharacter(segment.children, [...above, segment.entity.type]),
  );
}

const textOf = (segments: Segment[]): string =>
  segments.map((s) => (s.kind === "text" ? s.text : textOf(s.children))).join("");

const mark = (type: string, offset: number, length: number): Entity => ({ type, offset, length });

test("marks nest by length, whatever order they arrive in", () => {
  const entities = [mark("italic", 4, 5), mark("code", 16, 2), mark("bold", 0, 10), mark("underline", 4, 2)];
  expect(written(segmentsOf("one two three in it", entities))).toBe(
    "[bold one [italic [underline tw]o t]h]ree in[code  i]t",
  );
});

test("a quote or a code block stays outside of marks that cover the same text", () => {
  expect(written(segmentsOf("quoted", [mark("bold", 0, 6), mark("expandable_blockquote", 0, 6)]))).toBe(
    "[expandable_blockquote [bold quoted]]",
  );
  expect(written(segmentsOf("x", [mark("bold", 0, 1), mark("pre", 0, 1), mark("blockquote", 0, 1)]))).toBe(
    "[blockquote [pre [bold x]]]",
  );
});

test("marks that cross are cut, and marks outside of the text are clipped or dropped", () => {
  expect(written(segmentsOf("abcdef", [mark("bold", 0, 4), mark("italic", 2, 4)]))).toBe(
    "[bold ab[italic cd]][italic ef]",
  );
  const outside = [
    mark("bold", 4, 99),
    mark("italic", 9, 2),
    mark("code", 1, 0),
    mark("strikethrough", -2, 3),
  ];
  expect(written(segmentsOf("abcdef", outside))).toBe("[strikethrough a]bcd[bold ef]");
});

test("offsets count UTF-16 code units, so an emoji before a mark does not shift it", () => {
  expect(written(segmentsOf("👩‍🚀 go", [mark("bold", 6, 2)]))).toBe("👩‍🚀 [bold go]");
});

test("no text is lost and no mark is lost or invented, for any marks", () => {
  const anyEntity = fc.record({
    type: fc.constantFrom("bold", "italic", "pre", "blockquote", "unheard_of"),
    offset: fc.integer({ min: -5, max: 40 }),
    length: fc.integer({ min: -2, max: 40 }),
  });
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), fc.array(anyEntity, { maxLength: 12 }), (text, entities) => {
      const tree = segmentsOf(text, entities);
      const expected = [...Array(text.length).keys()].map((at) =>
        entities
          .filter((e) => e.offset <= at && at < e.offset + e.length)
          .map((e) => e.type)
          .toSorted()
          .join(),
      );
      expect(textOf(tree)).toBe(text);
      expect(marksPerCharacter(tree)).toEqual(expected);
    }),
  );
});
