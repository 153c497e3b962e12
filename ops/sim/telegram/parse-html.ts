import { violation } from "./api-error.ts";
import type { ApiError } from "./api-error.ts";
import type { MessageEntity } from "./entities.ts";

export type Parsed = { text: string; entities: MessageEntity[] };

type OpenTag = { name: string; start: number; entity: Omit<MessageEntity, "offset" | "length"> };
type Tag = { name: string; attributes: Map<string, string>; end: number };
type State = { source: string; text: string; open: OpenTag[]; entities: MessageEntity[] };

const STYLE_OF: Record<string, string> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  code: "code",
  pre: "pre",
};
const NAMED: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"' };
const REFERENCE = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot));?/gi;
const CODE_POINT_MAX = 0x10ffff;

/** Reads text with HTML marks; throws with the wording of the service. */
export function parseHtml(source: string): Parsed {
  const state: State = { source, text: "", open: [], entities: [] };
  let at = 0;
  while (at < source.length) {
    if (source.startsWith("</", at)) at = closeTag(state, at);
    else if (source[at] === "<") at = openTag(state, at);
    else {
      const tag = source.indexOf("<", at);
      const end = tag < 0 ? source.length : tag;
      state.text += decoded(source.slice(at, end));
      at = end;
    }
  }
  const unclosed = state.open.at(-1);
  if (unclosed) throw problem(`Can't find end tag corresponding to start tag "${unclosed.name}"`);
  return { text: state.text, entities: state.entities.map(withoutStrayLanguage) };
}

function decoded(text: string): string {
  return text.replaceAll(REFERENCE, (whole: string, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    const surrogate = code >= 0xd800 && code <= 0xdfff;
    return code > 0 && code <= CODE_POINT_MAX && !surrogate ? String.fromCodePoint(code) : whole;
  });
}

/** A language on <code> counts only inside <pre>. */
function withoutStrayLanguage(entity: MessageEntity): MessageEntity {
  if (entity.type !== "code") return entity;
  return { type: entity.type, offset: entity.offset, length: entity.length };
}

function openTag(state: State, at: number): number {
  const tag = readTag(state.source, at);
  const entity = entityFor(state, tag, at);
  state.open.push({ name: tag.name, start: state.text.length, entity });
  return tag.end;
}

function entityFor(state: State, tag: Tag, at: number): OpenTag["entity"] {
  const { name, attributes } = tag;
  if (name === "a") return { type: "text_link", url: attributes.get("href") ?? "" };
  if (name === "blockquote")
    return { type: attributes.has("expandable") ? "expandable_blockquote" : "blockquote" };
  if (name === "tg-emoji") return { type: "custom_emoji", custom_emoji_id: attributes.get("emoji-id") ?? "" };
  if (name === "span") {
    if (attributes.get("class") === "tg-spoiler") return { type: "spoiler" };
    throw problem(`Tag "span" must have class "tg-spoiler" at byte offset ${bytes(state.source, at)}`);
  }
  const type = STYLE_OF[name];
  if (type === undefined) {
    throw problem(`Unsupported start tag "${name}" at byte offset ${bytes(state.source, at)}`);
  }
  const language = name === "code" ? /^language-(.+)$/.exec(attributes.get("class") ?? "")?.[1] : undefined;
  return language === undefined ? { type } : { type, language };
}

function readTag(source: string, start: number): Tag {
  let at = start + 1;
  while (at < source.length && !/[\s>]/.test(source.charAt(at))) at += 1;
  const name = source.slice(start + 1, at).toLowerCase();
  const attributes = new Map<string, string>();
  for (;;) {
    while (/\s/.test(source.charAt(at))) at += 1;
    if (at >= source.length) throw problem(`Unclosed start tag at byte offset ${bytes(source, start)}`);
    if (source[at] === ">") return { name, attributes, end: at + 1 };
    at = readAttribute({ source, at, tag: name, start }, attributes);
  }
}

function readAttribute(
  { source, at, tag, start }: { source: string; at: number; tag: string; start: number },
  attributes: Map<string, string>,
): number {
  const where = `the tag "${tag}" at byte offset ${bytes(source, start)}`;
  const match = /([^\s=>/"']*)\s*(?:(=)\s*(?:"([^"]*)"|'([^']*)'|([a-z0-9.-]+)(?=[\s>]))?)?/iy;
  match.lastIndex = at;
  const [whole = "", name = "", equals, ...values] = match.exec(source) ?? [];
  if (name === "") throw problem(`Empty attribute name in ${where}`);
  const value = values.find((text) => text !== undefined);
  if (equals === undefined && name !== "expandable") {
    throw problem(`Expected equal sign in declaration of an attribute of ${where}`);
  }
  if (equals !== undefined && value === undefined)
    throw problem(`Unclosed start tag at byte offset ${bytes(source, start)}`);
  attributes.set(name.toLowerCase(), decoded(value ?? ""));
  return at + whole.length;
}

function closeTag(state: State, at: number): number {
  const { source, open } = state;
  const end = source.indexOf(">", at);
  if (end < 0) throw problem(`Unclosed end tag at byte offset ${bytes(source, at)}`);
  const name = source
    .slice(at + 2, end)
    .trim()
    .toLowerCase();
  const tag = open.pop();
  if (!tag) throw problem(`Unexpected end tag at byte offset ${bytes(source, at)}`);
  // An empty end tag closes whatever is open.
  if (name !== "" && name !== tag.name) {
    throw problem(
      `Unmatched end tag at byte offset ${bytes(source, at)}, expected "</${tag.name}>", found "</${name}>"`,
    );
  }
  close(state, tag);
  return end + 1;
}

function close(state: State, tag: OpenTag): void {
  const { text, entities } = state;
  const length = text.length - tag.start;
  if (length === 0) return;
  const entity = { ...tag.entity, offset: tag.start, length };
  const last = entities.at(-1);
  const sameRange = last?.offset === tag.start && last.length === length;
  // <pre><code class="language-x"> is one block with a language.
  if (tag.name === "pre" && last?.type === "code" && sameRange) {
    entities[entities.length - 1] = { ...last, type: "pre" };
    return;
  }
  if (entity.type === "text_link" && entity.url === "") entity.url = text.slice(tag.start);
  entities.push(entity);
}

function problem(reason: string): ApiError {
  return violation(`can't parse entities: ${reason}`);
}

function bytes(source: string, at: number): number {
  return Buffer.byteLength(source.slice(0, at));
}
