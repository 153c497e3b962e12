import type { Align } from "./block-rules.ts";

const BOX_COLUMNS_MAX = 34;
// Keys are repeated in every record. They may outweigh the cells that often, or make up so little, and no more:
// the answer must not grow faster than its source.
const KEYS_SHARE_MAX = 4;
const KEYS_UNITS_FREE = 1000;

const GAP = " | ";
const RULE_GAP = "-+-";

/**
 * How a table is shown: "box" as aligned lines, "records" as "key: value" lines, "rows" with the cells of a row
 * on one line, where records cannot be told apart by short keys.
 */
type TableShape = "box" | "records" | "rows";

type Grid = { header: readonly string[]; rows: readonly (readonly string[])[] };

/** `hasLinks`: a box is monospace text, in which a link would lose its address. */
export function tableShape({ header, rows }: Grid, hasLinks: boolean): TableShape {
  const columns = rows.reduce((most, row) => Math.max(most, row.length), header.length);
  if (!hasLinks && 1 + (columns - 1) * (1 + GAP.length) <= BOX_COLUMNS_MAX) {
    const widths = columnWidths([header, ...rows]);
    if (totalWidth(widths) <= BOX_COLUMNS_MAX) return "box";
  }
  if (rows.length === 0) return "rows";
  const cells = rows.flat().reduce((total, cell) => total + cell.length, header.join("").length);
  return repeatedUnits({ header, rows }) <= cells * KEYS_SHARE_MAX + KEYS_UNITS_FREE ? "records" : "rows";
}

function repeatedUnits({ header, rows }: Grid): number {
  let units = 0;
  for (const row of rows) {
    for (const [column, cell] of row.entries()) if (cell !== "") units += header[column]?.length ?? 0;
  }
  return units;
}

/** The lines of a box, the header set off by a rule. Does not begin or end with white space. */
export function boxLines({ header, rows }: Grid, aligns: readonly Align[]): string {
  const first = header[0] === "" ? ["·", ...header.slice(1)] : header;
  const widths = columnWidths([first, ...rows]);
  const rule = widths.map((width) => "-".repeat(width)).join(RULE_GAP);
  // The corner stays left: Telegram would cut off the spaces before it and push its line out of step.
  const head = boxLine(first, widths, ["left", ...aligns.slice(1)]);
  return [head, rule, ...rows.map((row) => boxLine(row, widths, aligns))].join("\n");
}

function boxLine(cells: readonly string[], widths: readonly number[], aligns: readonly Align[]): string {
  return cells
    .map((cell, column) => padded(cell, widths[column] ?? 0, aligns[column]))
    .join(GAP)
    .trimEnd();
}

function padded(cell: string, width: number, align: Align = "left"): string {
  const room = width - Bun.stringWidth(cell);
  if (align === "right") return " ".repeat(room) + cell;
  const before = align === "center" ? room >> 1 : 0;
  return " ".repeat(before) + cell + " ".repeat(room - before);
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 1, Bun.stringWidth(cell));
    }
  }
  return widths;
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, (widths.length - 1) * GAP.length);
}
