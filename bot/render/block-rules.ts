import type { StateBlock } from "markdown-it";

/** From this many open containers on, text is shown as it was written. A list counts twice. */
const NESTING_MAX = 24;

const QUOTE_MARK = /^> ?/;
const DELIMITER_CELL = /^:?-+:?$/;

export type Align = "left" | "right" | "center";

/**
 * A container this deep is literal text. markdown-it itself would drop everything below its own limit without a
 * word, so this rule must come first, and its limit must stay well below the parser's.
 */
export function literalBelow(state: StateBlock, startLine: number, endLine: number): boolean {
  if (state.level < NESTING_MAX) return false;
  let line = startLine + 1;
  while (line < endLine && (state.isEmpty(line) || !isOutdented(state, line))) line++;
  const token = state.push("literal", "", 0);
  token.content = state.getLines(startLine, line, state.blkIndent, false).trim();
  token.map = [startLine, line];
  state.line = line;
  return true;
}

function isOutdented(state: StateBlock, line: number): boolean {
  const indent = state.sCount[line] ?? 0;
  return indent >= 0 && indent < state.blkIndent;
}

/**
 * Quotations of the lines that begin with ">", and of no other: markdown-it's own rule looks at all lines to come
 * for lazy continuations and may then use one of them, which takes quadratic time.
 */
export function blockquote(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (!isQuoted(state, startLine)) return false;
  if (silent) return true;
  const lines: string[] = [];
  let line = startLine;
  for (; line < endLine && isQuoted(state, line); line++)
    lines.push(rowText(state, line).replace(QUOTE_MARK, ""));
  const inner = new state.md.block.State(lines.join("\n"), state.md, state.env, state.tokens);
  inner.level = state.level + 1;
  state.push("blockquote_open", "blockquote", 1).map = [startLine, line];
  state.md.block.tokenize(inner, 0, inner.lineMax);
  state.push("blockquote_close", "blockquote", -1);
  state.line = line;
  return true;
}

function isQuoted(state: StateBlock, line: number): boolean {
  return (
    isRow(state, line) && state.src.charAt((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0)) === ">"
  );
}

/**
 * Tables, with all cells of a row that is longer than the header: markdown-it's own rule drops those, and fills
 * short rows up to the width of the header.
 */
export function table(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (startLine + 2 > endLine) return false;
  const aligns = alignsIn(state, startLine + 1);
  if (!aligns || !isRow(state, startLine)) return false;
  const header = rowText(state, startLine);
  if (!header.includes("|")) return false;
  const cells = cellsIn(header);
  if (cells.length !== aligns.length) return false;
  if (silent) return true;

  const open = state.push("table_open", "table", 1);
  open.meta = { aligns };
  pushRow(state, cells);
  const oldParentType = state.parentType;
  state.parentType = "table";
  let line = startLine + 2;
  while (line < endLine && isRow(state, line) && !endsTable(state, line, endLine)) {
    pushRow(state, cellsIn(rowText(state, line)));
    line++;
  }
  state.parentType = oldParentType;
  state.push("table_close", "table", -1);
  open.map = [startLine, line];
  state.line = line;
  return true;
}

function alignsIn(state: StateBlock, line: number): Align[] | null {
  if (!isRow(state, line)) return null;
  const text = rowText(state, line);
  if (!/^[|:-]/.test(text) || /^-\s/.test(text) || /[^|:\-\s]/.test(text)) return null;
  const cells = cellsIn(text);
  return cells.every((cell) => DELIMITER_CELL.test(cell)) ? cells.map(alignOf) : null;
}

function alignOf(cell: string): Align {
  if (!cell.endsWith(":")) return "left";
  return cell.startsWith(":") ? "center" : "right";
}

function isRow(state: StateBlock, line: number): boolean {
  const indent = (state.sCount[line] ?? 0) - state.blkIndent;
  return indent >= 0 && indent < 4 && !state.isEmpty(line);
}

function rowText(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]).trim();
}

function endsTable(state: StateBlock, line: number, endLine: number): boolean {
  return state.md.block.ruler.getRules("blockquote").some((rule) => rule(state, line, endLine, true));
}

/** The cells between the pipes, `\|` unescaped; the outer pipes are optional. */
function cellsIn(row: string): string[] {
  const cells: string[] = [];
  let cell = "";
  let from = 0;
  for (let at = row.indexOf("|"); at >= 0; at = row.indexOf("|", at + 1)) {
    const isEscaped = row.charAt(at - 1) === "\\";
    cell += row.slice(from, isEscaped ? at - 1 : at);
    from = isEscaped ? at : at + 1;
    if (isEscaped) continue;
    cells.push(cell.trim());
    cell = "";
  }
  cells.push((cell + row.slice(from)).trim());
  if (cells.length > 1 && cells[0] === "") cells.shift();
  if (cells.length > 1 && cells.at(-1) === "") cells.pop();
  return cells;
}

function pushRow(state: StateBlock, cells: readonly string[]): void {
  state.push("row_open", "tr", 1);
  for (const cell of cells) {
    const token = state.push("inline", "", 0);
    token.content = cell;
    token.children = [];
  }
  state.push("row_close", "tr", -1);
}
