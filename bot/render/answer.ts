import { layOut } from "./blocks.ts";
import { graphemeCut } from "./graphemes.ts";
import { parseMarkdown } from "./markdown.ts";
import type { CodeFile } from "./page.ts";
import { splitStyled, type TextPart } from "./split.ts";

/** Beyond this many UTF-16 units Markdown is shown as it was written. */
const MARKDOWN_UNITS_MAX = 64 * 1024;

export type RenderedPart = TextPart | { file: CodeFile };

/**
 * A finished answer as messages in order, each valid for Telegram as it is. Code of more than 3500 units is a file
 * of its own. Empty only for text without a visible character.
 */
export function renderAnswer(markdown: string): RenderedPart[] {
  return render(cleaned(markdown), false);
}

/** An answer that is still coming: marks that are open at its end are closed, and no code becomes a file. */
export function renderFrame(markdown: string): RenderedPart[] {
  return render(cleaned(markdown), true);
}

/** Text without any markup, split like an answer. Empty only for text without a visible character. */
export function plainPart(text: string): TextPart[] {
  return splitStyled({ text: cleaned(text), entities: [], blocks: [] });
}

function render(source: string, streaming: boolean): RenderedPart[] {
  const end = source.length <= MARKDOWN_UNITS_MAX ? source.length : lastLineEnd(source);
  const rest = plainPart(source.slice(end));
  const tokens = parseMarkdown(source.slice(0, end), streaming && end === source.length);
  const parts: RenderedPart[] = [];
  for (const segment of layOut(tokens, !streaming)) {
    if ("file" in segment) parts.push(segment);
    else parts.push(...splitStyled(segment.styled));
  }
  parts.push(...rest);
  // Marks alone, such as a lone "#", are no structure of anything: they are the text.
  return parts.length > 0 ? parts : plainPart(source);
}

function lastLineEnd(source: string): number {
  const line = source.lastIndexOf("\n", MARKDOWN_UNITS_MAX - 1) + 1;
  return line > MARKDOWN_UNITS_MAX / 2 ? line : graphemeCut(source, 0, MARKDOWN_UNITS_MAX);
}

/** What JSON and Telegram's clients can carry: no lone surrogates, one kind of line end, no NUL. */
function cleaned(text: string): string {
  return text.toWellFormed().replaceAll(/\r\n?/g, "\n").replaceAll("\0", "\uFFFD");
}
