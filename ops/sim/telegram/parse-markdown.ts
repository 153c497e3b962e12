import { type ApiError, violation } from "./api-error.ts";
import type { MessageEntity } from "./entities.ts";
import type { Parsed } from "./parse-html.ts";

/** `name` is what the service calls the entity in its errors. */
type Mark = { name: string; type: string; open: string; close: string };
type Open = { mark: Mark; start: number; sourceStart: number; language?: string };
type State = { source: string; at: number; text: string; open: Open[]; entities: MessageEntity[] };

const RESERVED = new Set("_*[]()~`>#+-=|{}.!");
const CODE: Mark = { name: "Code", type: "code", open: "`", close: "`" };
const PRE: Mark = { name: "Pre", type: "pre", open: "```", close: "```" };
const QUOTE: Mark = { name: "BlockQuote", type: "blockquote", open: ">", close: "\n" };
const LINK: Mark = { name: "TextUrl", type: "text_link", open: "[", close: "]" };
const EMOJI: Mark = { name: "CustomEmoji", type: "custom_emoji", open: "![", close: "]" };
// Longer marks first: the service reads them greedily.
const MARKS: readonly Mark[] = [
  PRE,
  EMOJI,
  { name: "Underline", type: "underline", open: "__", close: "__" },
  { name: "Spoiler", type: "spoiler", open: "||", close: "||" },
  { name: "Italic", type: "italic", open: "_", close: "_" },
  { name: "Bold", type: "bold", open: "*", close: "*" },
  { name: "Strikethrough", type: "strikethrough", open: "~", close: "~" },
  LINK,
  CODE,
];
const EMOJI_URL = /^tg:\/\/emoji\?(?:.*&)?id=(\d+)/;

/** Reads MarkdownV2; throws with the wording of the service. */
export function parseMarkdownV2(source: string): Parsed {
  const state: State = { source, at: 0, text: "", open: [], entities: [] };
  while (state.at < source.length) step(state);
  endQuote(state);
  const unclosed = state.open.at(-1);
  if (unclosed) throw unended(state, unclosed);
  return { text: state.text, entities: state.entities };
}

function step(state: State): void {
  const character = state.source.charAt(state.at);
  const next = state.source.charCodeAt(state.at + 1);
  if (character === "\\" && next > 0 && next <= 126) {
    take(state, state.source.charAt(state.at + 1), 2);
  } else if (inCode(state)) {
    if (!closes(state)) take(state, character, 1);
  } else if (character === "\n" && inQuote(state)) {
    endQuoteUnlessContinued(state);
  } else if (!RESERVED.has(character)) {
    take(state, character, 1);
  } else if (!closes(state) && !endsExpandableQuote(state)) {
    open(state, character);
  }
}

function take(state: State, text: string, length: number): void {
  state.text += text;
  state.at += length;
}

function inCode({ open }: State): boolean {
  const type = open.at(-1)?.mark.type;
  return type === "code" || type === "pre";
}

function inQuote({ open }: State): boolean {
  return open.some(({ mark }) => mark === QUOTE);
}

function closes(state: State): boolean {
  const top = state.open.at(-1);
  if (!top || top.mark === QUOTE || !state.source.startsWith(top.mark.close, state.at)) return false;
  // "__" inside italic opens an underline, it does not end the italic twice.
  if (top.mark.type === "italic" && state.source[state.at + 1] === "_") return false;
  state.open.pop();
  state.at += top.mark.close.length;
  if (top.mark === LINK || top.mark === EMOJI) closeLink(state, top);
  else add(state, top, top.language === undefined ? {} : { language: top.language });
  return true;
}

function open(state: State, character: string): void {
  const { source, at } = state;
  if (character === ">" && startsQuote(state)) {
    state.open.push({ mark: QUOTE, start: state.text.length, sourceStart: at });
    state.at += 1;
    return;
  }
  const mark = MARKS.find(({ open }) => source.startsWith(open, at));
  if (!mark) {
    throw problem(`Character '${character}' is reserved and must be escaped with the preceding '\\'`);
  }
  const opened: Open = { mark, start: state.text.length, sourceStart: at };
  state.at += mark.open.length;
  state.open.push(mark === PRE ? { ...opened, ...readLanguage(state) } : opened);
}

/** A quote starts a line; "**" before it separates it from the quote above. */
function startsQuote({ source, at, open }: State): boolean {
  if (open.length > 0) return false;
  const lineStart = source.lastIndexOf("\n", at - 1) + 1;
  return at === lineStart || (at === lineStart + 2 && source.startsWith("**", lineStart));
}

function readLanguage(state: State): { language?: string } {
  const match = /^([^\s`]+)(?=[^`])/.exec(state.source.slice(state.at));
  state.at += match?.[0].length ?? 0;
  state.at += /^(\r\n|\n)/.exec(state.source.slice(state.at, state.at + 2))?.[0].length ?? 0;
  return match?.[1] === undefined ? {} : { language: match[1] };
}

function endsExpandableQuote(state: State): boolean {
  const { source, at, open } = state;
  if (open.at(-1)?.mark !== QUOTE || !source.startsWith("||", at)) return false;
  const after = source.slice(at + 2, at + 4);
  if (after !== "" && (!after.startsWith("\n") || after === "\n>")) return false;
  const quote = open.pop();
  state.at += 2;
  if (quote) add(state, quote, { type: "expandable_blockquote" });
  return true;
}

function endQuoteUnlessContinued(state: State): void {
  const continued = state.source[state.at + 1] === ">";
  if (!continued) endQuote(state);
  take(state, "\n", continued ? 2 : 1);
}

function endQuote(state: State): void {
  if (!inQuote(state)) return;
  const top = state.open.pop();
  if (!top) return;
  if (top.mark !== QUOTE) throw unended(state, top);
  add(state, top, {});
}

function closeLink(state: State, top: Open): void {
  const url = state.source[state.at] === "(" ? readUrl(state) : state.text.slice(top.start);
  if (top.mark === LINK) {
    add(state, top, { url });
    return;
  }
  const id = EMOJI_URL.exec(url)?.[1];
  if (id === undefined) throw problem("Custom emoji entity must contain a tg://emoji URL");
  add(state, top, { custom_emoji_id: id });
}

function readUrl(state: State): string {
  const start = state.at + 1;
  const match = /^((?:\\[\s\S]|[^\\)])*)\)/.exec(state.source.slice(start));
  if (!match) throw problem(`Can't find end of a URL at byte offset ${bytes(state.source, start)}`);
  state.at = start + match[0].length;
  return (match[1] ?? "").replaceAll(/\\([\s\S])/g, "$1");
}

function add(state: State, { mark, start }: Open, more: Partial<MessageEntity>): void {
  const length = state.text.length - start;
  if (length > 0) state.entities.push({ type: mark.type, ...more, offset: start, length });
}

function unended({ source }: State, { mark, sourceStart, language }: Open): ApiError {
  const name = language === undefined ? mark.name : "PreCode";
  return problem(`Can't find end of ${name} entity at byte offset ${bytes(source, sourceStart)}`);
}

function problem(reason: string): ApiError {
  return violation(`can't parse entities: ${reason}`);
}

function bytes(source: string, at: number): number {
  return Buffer.byteLength(source.slice(0, at));
}
