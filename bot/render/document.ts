import type { MessageEntity } from "grammy/types";
import { hasVisible, isSpaceAt } from "./graphemes.ts";

const QUOTE_OPEN_UNITS_MAX = 600;
const QUOTE_OPEN_LINES_MAX = 10;

export type Mark =
  | { readonly type: "bold" | "italic" | "strikethrough" | "code" | "blockquote" }
  | { readonly type: "pre"; readonly language: string }
  | { readonly type: "text_link"; readonly url: string };

export type Styled = {
  readonly text: string;
  /** Sorted as Telegram sorts them; none is empty or touches white space with an end. */
  readonly entities: readonly MessageEntity[];
  /** Offsets where a block begins, ascending: the best places to cut. */
  readonly blocks: readonly number[];
};

type Span = { mark: Mark; start: number; end: number };

export type Document = ReturnType<typeof createDocument>;

/**
 * Collects text with marks. A mark is one object: it lasts from the first `append` that names it to the first that
 * does not, and a line break between two appends belongs to the marks that both of them name.
 */
export function createDocument() {
  let text = "";
  let breakLines = 0;
  let open: { mark: Mark; start: number }[] = [];
  const spans: Span[] = [];
  const blocks: number[] = [];

  function keepOnly(marks: readonly Mark[]): void {
    for (const { mark, start } of open)
      if (!marks.includes(mark)) spans.push({ mark, start, end: text.length });
    open = open.filter(({ mark }) => marks.includes(mark));
  }

  return {
    isEmpty: () => text === "",

    /** Asks for at least this many line ends before the next text; two or more begin a block. */
    lineBreak(lines: number): void {
      breakLines = Math.max(breakLines, lines);
    },

    append(piece: string, marks: readonly Mark[]): void {
      if (piece === "") return;
      keepOnly(marks);
      if (text !== "") {
        text += "\n".repeat(breakLines);
        if (breakLines > 1) blocks.push(text.length);
      }
      breakLines = 0;
      for (const mark of marks) {
        if (!open.some((held) => held.mark === mark)) open.push({ mark, start: text.length });
      }
      text += piece;
    },

    finish(): Styled {
      keepOnly([]);
      const entities = spans.map((span) => trimmed(text, span)).filter((span) => span !== null);
      return {
        text,
        entities: entities.map((span) => toEntity(text, span)).toSorted(compareEntities),
        blocks,
      };
    },
  };
}

/** Telegram's order: by offset, the enclosing entity first. */
export function compareEntities(a: MessageEntity, b: MessageEntity): number {
  return a.offset - b.offset || b.length - a.length || rank(a) - rank(b);
}

/** The span without white space at its ends, or null when nothing visible is left. */
export function trimmed<T extends { start: number; end: number }>(text: string, span: T): T | null {
  let { start, end } = span;
  while (start < end && isSpaceAt(text, start)) start++;
  while (end > start && isSpaceAt(text, end - 1)) end--;
  return hasVisible(text.slice(start, end)) ? { ...span, start, end } : null;
}

function toEntity(text: string, { mark, start, end }: Span): MessageEntity {
  const range = { offset: start, length: end - start };
  switch (mark.type) {
    case "pre":
      return mark.language === ""
        ? { type: "pre", ...range }
        : { type: "pre", ...range, language: mark.language };
    case "text_link":
      return { type: "text_link", ...range, url: mark.url };
    case "blockquote":
      return { type: isLong(text.slice(start, end)) ? "expandable_blockquote" : "blockquote", ...range };
    case "bold":
    case "italic":
    case "strikethrough":
    case "code":
      return { type: mark.type, ...range };
  }
}

function isLong(quote: string): boolean {
  return quote.length > QUOTE_OPEN_UNITS_MAX || quote.split("\n").length > QUOTE_OPEN_LINES_MAX;
}

function rank(entity: MessageEntity): number {
  if (entity.type === "blockquote" || entity.type === "expandable_blockquote") return 0;
  return entity.type === "text_link" ? 1 : 2;
}
