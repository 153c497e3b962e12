import type { Delimiter, StateCore, StateInline, Token } from "markdown-it";

const OPEN_CODE_UNITS_MAX = 200;
const OPEN_LABEL_UNITS_MAX = 200;

const TILDE = 0x7e;
const WORD_END = /[\p{L}\p{N}]$/u;
const HALF_ADDRESS = /^(?:https?:\/\/|mailto:|tel:|tg:)\S*$/i;
const SCHEMES = ["http://", "https://", "mailto:", "tel:", "tg:"];

/**
 * Drops the marks at the end of a text that is still coming: they may be the half of a longer mark, the underline
 * of a heading or the beginning of a table, and would flash as literal text.
 */
export function withoutHalfMarks(source: string): string {
  let line = source.length;
  while (line > 0 && "-=+*#_~`|> \t".includes(source.charAt(line - 1))) line--;
  if (line === 0 || source.charAt(line - 1) === "\n") return source.slice(0, line);
  let end = source.length;
  while (end > 0 && "*_~`".includes(source.charAt(end - 1))) end--;
  return source.slice(0, end);
}

/** Core rule, before `inline`: finds the text at the very end and closes its code span or link. */
export function findOpenTail(state: StateCore): void {
  if (state.env["streaming"] !== true) return;
  const tail = state.tokens.findLast((token) => token.nesting === 0);
  if (tail?.type !== "inline") return;
  tail.content = withOpenCodeClosed(tail.content) ?? withoutHalfLink(tail.content);
  state.env["tail"] = tail.children;
}

/** Inline rule, after `emphasis`: emphasis that the text at the very end leaves open lasts to its end. */
export function closeOpenEmphasis(state: StateInline): void {
  if (state.env["tail"] !== state.tokens) return;
  const closers: Token[] = [];
  let covered = -1;
  for (let index = 0; index < state.delimiters.length; index++) {
    const first = state.delimiters[index];
    if (!first) continue;
    covered = Math.max(covered, first.end);
    const length = runLength(state.delimiters, index);
    if (length === 0) continue;
    const before = state.tokens[first.token - 1]?.content ?? "";
    if (index > covered && !WORD_END.test(before.slice(-2))) openRun(state, { first, length, closers });
    index += length - 1;
  }
  for (const closer of closers.reverse()) state.tokens.push(closer);
}

/** How many delimiters from `index` on are one run of openers that found no end. */
function runLength(delimiters: readonly Delimiter[], index: number): number {
  let end = index;
  while (isOpen(delimiters[end]) && (end === index || areOneRun(delimiters[end - 1], delimiters[end]))) end++;
  return end - index;
}

function isOpen(delimiter: Delimiter | undefined): boolean {
  return delimiter !== undefined && delimiter.open && delimiter.end < 0;
}

function areOneRun(before: Delimiter | undefined, after: Delimiter | undefined): boolean {
  return before?.marker === after?.marker && before?.token === (after?.token ?? 0) - 1;
}

function openRun(
  state: StateInline,
  { first, length, closers }: { first: Delimiter; length: number; closers: Token[] },
): void {
  for (let used = 0; used < length;) {
    const isPair = first.marker !== TILDE && length - used >= 2;
    const tag = first.marker === TILDE ? "s" : isPair ? "strong" : "em";
    const opener = state.tokens[first.token + used];
    const second = isPair ? state.tokens[first.token + used + 1] : undefined;
    if (second) second.content = "";
    if (opener) Object.assign(opener, { type: `${tag}_open`, tag, nesting: 1, content: "" });
    closers.push(new state.Token(`${tag}_close`, tag, -1));
    used += isPair ? 2 : 1;
  }
}

/** The text with its last open code span closed, or null when none is open. */
function withOpenCodeClosed(content: string): string | null {
  const from = Math.max(0, content.length - OPEN_CODE_UNITS_MAX);
  const runs = [...content.slice(from).matchAll(/\\[^]|`+/g)]
    .map((match) => match[0])
    .filter((run) => run[0] === "`");
  for (let index = 0; index < runs.length; index++) {
    const end = runs.indexOf(runs[index] ?? "", index + 1);
    if (end < 0) return content + (runs[index] ?? "");
    index = end;
  }
  return null;
}

/** `text [label](https://exa` becomes `text label`. */
function withoutHalfLink(content: string): string {
  const middle = content.lastIndexOf("](");
  const opener = content.lastIndexOf("[", middle);
  if (middle < 0 || opener < 0 || middle - opener > OPEN_LABEL_UNITS_MAX) return content;
  const address = content.slice(middle + 2);
  const isHalf =
    HALF_ADDRESS.test(address) || SCHEMES.some((scheme) => scheme.startsWith(address.toLowerCase()));
  if (!isHalf || /[)`]/.test(address)) return content;
  const before = content.slice(0, opener);
  return (before.endsWith("!") ? before.slice(0, -1) : before) + content.slice(opener + 1, middle);
}
