import type { StateBlock, StateInline } from "markdown-it";

const BLOCK_LINES_MAX = 40;
const DOLLAR_UNITS_MAX = 200;

const CLOSER: Readonly<Record<string, string>> = { $$: "$$", "\\[": "\\]", "\\(": "\\)" };

// What makes `$…$` a formula and not two amounts of money.
const FORMULA = /[\\^_{}=<>+]|^[A-Za-z]\w?'?$|^[A-Za-z]\([^()]*\)$/;
const FORMULA_AFTER_DIGIT = /[\\^_{}]/;
const WORD = /[\p{L}\p{N}]/u;

const closersOf = new WeakMap<StateInline, Map<string, number[]>>();

/** Display math that begins a line. While the answer is still streaming, a formula may still lack its end. */
export function mathBlock(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (indentOf(state, startLine) >= 4) return false;
  const first = lineText(state, startLine);
  const closer = first.startsWith("$$") || first.startsWith("\\[") ? CLOSER[first.slice(0, 2)] : undefined;
  if (closer === undefined) return false;
  const last = lastLine(state, { startLine, endLine, first: first.slice(2), closer });
  if (last < 0) return false;
  if (silent) return true;
  const source = state.getLines(startLine, last + 1, state.blkIndent, false).trim();
  const token = state.push("math_block", "", 0);
  token.content = source.slice(2, source.endsWith(closer) && source.length >= 4 ? -2 : undefined);
  token.map = [startLine, last + 1];
  state.line = last + 1;
  return true;
}

/** The line that ends with `closer`, or -1 when there is none, or when the closer stands inside a line. */
function lastLine(
  state: StateBlock,
  {
    startLine,
    endLine,
    first,
    closer,
  }: { startLine: number; endLine: number; first: string; closer: string },
): number {
  let rest = first;
  for (let line = startLine; line < endLine && line - startLine < BLOCK_LINES_MAX;) {
    const at = rest.indexOf(closer);
    if (at >= 0) return at === rest.length - 2 && (line > startLine || rest.length > 2) ? line : -1;
    line++;
    if (line >= endLine) break;
    if (state.isEmpty(line) || indentOf(state, line) < 0) return -1;
    rest = lineText(state, line);
  }
  const isStillComing = state.env["streaming"] === true && endLine === state.lineMax;
  return isStillComing && endLine - startLine <= BLOCK_LINES_MAX ? endLine - 1 : -1;
}

function lineText(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]).trimEnd();
}

function indentOf(state: StateBlock, line: number): number {
  return (state.sCount[line] ?? 0) - state.blkIndent;
}

/** `$$…$$`, `\[…\]`, `\(…\)` inside a line, and `$…$` where it cannot be money or a variable of a shell. */
export function mathInline(state: StateInline, silent: boolean): boolean {
  const marker = state.src.charCodeAt(state.pos);
  if (marker !== 0x24 && marker !== 0x5c) return false;
  const opener = state.src.slice(state.pos, state.pos + 2);
  const closer = CLOSER[opener];
  const found = closer === undefined ? dollarFormula(state) : closedFormula(state, closer);
  if (!found) return false;
  if (!silent) {
    const token = state.push("math_inline", "", 0);
    token.content = found.content;
    token.markup = state.src.slice(state.pos, found.end);
  }
  state.pos = found.end;
  return true;
}

function closedFormula(state: StateInline, closer: string): { content: string; end: number } | null {
  const start = state.pos + 2;
  const at = firstFrom(positions(state, closer), start);
  if (at + 2 > state.posMax) return null;
  const content = state.src.slice(start, at);
  return content.trim() === "" ? null : { content, end: at + 2 };
}

function dollarFormula(state: StateInline): { content: string; end: number } | null {
  const { src, pos } = state;
  if (src.charAt(pos) !== "$" || WORD.test(src.charAt(pos - 1))) return null;
  const window = src.slice(pos + 1, Math.min(state.posMax, pos + 1 + DOLLAR_UNITS_MAX));
  const length = window.search(/[$\n]/);
  if (length < 1 || window.charAt(length) !== "$") return null;
  const content = window.slice(0, length);
  const isLoose = content.trim() !== content || /[\w$]/.test(src.charAt(pos + length + 2));
  const looksRight = /^\d/.test(content) ? FORMULA_AFTER_DIGIT : FORMULA;
  return isLoose || !looksRight.test(content) ? null : { content, end: pos + length + 2 };
}

// Looked up once for each text: many openers before one far closer must not search for it again and again.
function positions(state: StateInline, closer: string): number[] {
  const known = closersOf.get(state) ?? new Map<string, number[]>();
  closersOf.set(state, known);
  let list = known.get(closer);
  if (!list) {
    list = [];
    for (let at = state.src.indexOf(closer); at >= 0; at = state.src.indexOf(closer, at + 1)) list.push(at);
    known.set(closer, list);
  }
  return list;
}

function firstFrom(sorted: readonly number[], from: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) < from) low = middle + 1;
    else high = middle;
  }
  return sorted[low] ?? Infinity;
}
