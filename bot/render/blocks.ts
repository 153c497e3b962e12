import type { Token } from "markdown-it";
import type { Align } from "./block-rules.ts";
import { codeBlockOf } from "./code-block.ts";
import { createDocument } from "./document.ts";
import { appendInline } from "./inlines.ts";
import { createPage, type Page, type Segment } from "./page.ts";
import { boxLines, tableShape } from "./table-layout.ts";

const RULE = "———";
const BULLET = "• ";

type List = { ordered: boolean; first: string; shown: string };
type Cell = { tokens: readonly Token[]; text: string; hasLink: boolean };

/** Lays the blocks of an answer out as text. Once it `isFinal`, long code becomes a file between two texts. */
export function layOut(tokens: readonly Token[], isFinal: boolean): Segment[] {
  const page = createPage(isFinal);
  const lists: List[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (!token) continue;
    if (token.type === "table_open") {
      const rows = rowsFrom(tokens, index + 1);
      appendTable(page, rows.cells, token.meta?.["aligns"] as Align[]); // safe: our own table rule sets it
      index = rows.end;
    } else if (token.type.includes("list")) appendListPart(page, lists, token);
    else appendBlock(page, token, tokens[index - 1]);
  }
  return page.finish();
}

function appendBlock(page: Page, token: Token, before: Token | undefined): void {
  switch (token.type) {
    case "inline":
      if (token.children?.length) page.startLine();
      return page.inline(token.children ?? [], { isBold: before?.type === "heading_open" });
    case "paragraph_open":
      return;
    case "paragraph_close":
      return page.lineBreak(token.hidden ? 1 : 2);
    case "heading_open":
      return page.setOff();
    case "heading_close":
      return page.lineBreak(1);
    case "blockquote_open":
      page.setOff();
      return page.openQuote();
    case "blockquote_close":
      page.closeQuote();
      return page.setOff();
  }
  page.setOff();
  appendLeaf(page, token);
  page.setOff();
}

function appendLeaf(page: Page, token: Token): void {
  switch (token.type) {
    case "fence":
    case "code_block":
      return page.code(codeBlockOf(token));
    case "math_block":
      return appendMath(page, token.content.trim());
    case "hr":
      page.startLine();
      return page.text(RULE);
    case "literal":
      page.startLine();
      return page.text(token.content);
  }
}

function appendMath(page: Page, formula: string): void {
  if (formula.includes("\n")) return page.box(formula, "latex");
  page.startLine();
  page.formula(formula);
}

function appendListPart(page: Page, lists: List[], token: Token): void {
  switch (token.type) {
    case "bullet_list_open":
    case "ordered_list_open":
      if (lists.length > 0) page.lineBreak(1);
      lists.push({ ordered: token.type === "ordered_list_open", first: "", shown: "" });
      return page.openList();
    case "bullet_list_close":
    case "ordered_list_close":
      lists.pop();
      page.closeList();
      return page.setOff();
    case "list_item_open":
      return page.openItem(bulletOf(token, lists.at(-1)));
    case "list_item_close":
      return page.closeItem();
  }
}

/** The item's own number, or the next one where the source repeats the first ("1." on every line). */
function bulletOf(item: Token, list: List | undefined): string {
  const box = item.meta?.["box"];
  if (!list?.ordered) return typeof box === "string" ? `${box} ` : BULLET;
  const isRepeated = list.shown !== "" && item.info === list.first;
  if (list.shown === "") list.first = item.info;
  list.shown = isRepeated ? String(Number(list.shown) + 1) : item.info;
  return `${list.shown}${item.markup} ${typeof box === "string" ? `${box} ` : ""}`;
}

function rowsFrom(tokens: readonly Token[], start: number): { cells: Cell[][]; end: number } {
  const cells: Cell[][] = [];
  for (let index = start; ; index++) {
    const token = tokens[index];
    if (!token || token.type === "table_close") return { cells, end: index };
    if (token.type === "row_open") cells.push([]);
    if (token.type === "inline") cells.at(-1)?.push(cellOf(token.children ?? []));
  }
}

function cellOf(tokens: readonly Token[]): Cell {
  const document = createDocument();
  appendInline(document, tokens, { quote: null, isBold: false, indent: "", lead: "" });
  const { text, entities } = document.finish();
  const hasLink = entities.some((entity) => entity.type === "text_link");
  return { tokens, text: text.replaceAll(/\s+/g, " ").trim(), hasLink };
}

function appendTable(page: Page, table: readonly Cell[][], aligns: readonly Align[]): void {
  const [header = [], ...rows] = table;
  const texts = (row: readonly Cell[]) => row.map((cell) => cell.text);
  const grid = { header: texts(header), rows: rows.map(texts) };
  page.setOff();
  switch (
    tableShape(
      grid,
      table.some((row) => row.some((cell) => cell.hasLink)),
    )
  ) {
    case "box":
      page.box(boxLines(grid, aligns), "");
      break;
    case "records":
      for (const row of rows) appendRecord(page, header, row);
      break;
    case "rows":
      for (const row of table) appendRow(page, row);
  }
  page.setOff();
}

// The first cell tells records apart, so its line is their heading, and a bullet begins each further line.
function appendRecord(page: Page, header: readonly Cell[], row: readonly Cell[]): void {
  const filled = row.map((cell, column) => ({ ...cell, column })).filter(({ text }) => text !== "");
  for (const { tokens, column } of filled) {
    const isHeading = column === 0 && filled.length > 1;
    const bullet = isHeading || filled.length === 1 ? "" : BULLET;
    const key = header[column]?.text ?? "";
    page.startLine();
    page.inline(tokens, { isBold: isHeading, lead: key === "" ? bullet : `${bullet}${key}: ` });
    page.lineBreak(1);
  }
  page.lineBreak(2);
}

function appendRow(page: Page, row: readonly Cell[]): void {
  page.startLine();
  for (const [column, cell] of row.entries()) {
    if (column > 0) page.text(" | ");
    page.inline(cell.tokens);
  }
  page.lineBreak(1);
}
