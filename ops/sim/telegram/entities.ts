import { violation } from "./api-error.ts";
import { isObject, type Params, refuseUnknownFields } from "./validation.ts";

/** Offsets and lengths are UTF-16 code units of the text. */
export type MessageEntity = {
  type: string;
  offset: number;
  length: number;
  url?: string;
  user?: unknown;
  language?: string;
  custom_emoji_id?: string;
  unix_time?: number;
  date_time_format?: string;
};

const ENTITIES_MAX = 100;
const STYLES = ["bold", "italic", "underline", "strikethrough", "spoiler"];
const QUOTES = ["blockquote", "expandable_blockquote"];
const CODE = ["code", "pre"];
const DETECTED = ["mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"];
/** For each type that says more than where it is: its required fields and its optional ones. */
const FIELDS: Record<string, { required: string[]; optional: string[] }> = {
  pre: { required: [], optional: ["language"] },
  text_link: { required: ["url"], optional: [] },
  text_mention: { required: ["user"], optional: [] },
  custom_emoji: { required: ["custom_emoji_id"], optional: [] },
  date_time: { required: ["unix_time", "date_time_format"], optional: [] },
};
const TYPES = new Set([...STYLES, ...QUOTES, "code", ...DETECTED, ...Object.keys(FIELDS)]);
const URL_SCHEMES = new Set(["http:", "https:", "ftp:", "tg:", "ton:", "mailto:", "tel:"]);

/**
 * Checks the entities of a call against its text and returns at most the first
 * 100, outer ones before inner ones. Where the service silently repairs
 * (overlaps, marks inside code, links it does not know), this refuses, because
 * a bot that relies on the repair shows something other than it meant.
 */
export function checkedEntities(text: string, raw: readonly unknown[]): MessageEntity[] {
  const entities = raw.map((entity) => entityOf(entity));
  for (const entity of entities) {
    checkRange(text, entity);
    if (entity.url !== undefined) checkUrl(entity.url);
  }
  const sorted = inOrder(entities);
  checkNesting(sorted);
  return sorted.slice(0, ENTITIES_MAX);
}

/** Outer entities before inner ones. */
export function inOrder(entities: readonly MessageEntity[]): MessageEntity[] {
  return [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
}

/** Whether two types may share characters, one inside the other. */
export function mayNest(outer: string, inner: string): boolean {
  if (QUOTES.includes(outer)) return !QUOTES.includes(inner);
  if (CODE.includes(outer) || CODE.includes(inner)) return false;
  if (STYLES.includes(outer) || STYLES.includes(inner)) return outer !== inner;
  return QUOTES.includes(inner);
}

export function isCode(entity: MessageEntity): boolean {
  return CODE.includes(entity.type);
}

export function endOf(entity: MessageEntity): number {
  return entity.offset + entity.length;
}

function entityOf(raw: unknown): MessageEntity {
  if (!isObject(raw)) throw violation("can't parse MessageEntity: Expected an Object");
  const { type, offset, length } = raw;
  if (typeof type !== "string" || !TYPES.has(type)) {
    throw violation("can't parse MessageEntity: Unsupported type specified");
  }
  if (!Number.isInteger(offset) || Number(offset) < 0) {
    throw violation(`receive an entity with incorrect offset ${String(offset)}`);
  }
  if (!Number.isInteger(length) || Number(length) <= 0) {
    throw violation(`receive an entity with incorrect length ${String(length)}`);
  }
  checkFields(type, raw);
  return raw as MessageEntity; // safe: every field was checked above
}

function checkFields(type: string, raw: Params): void {
  const { required, optional } = FIELDS[type] ?? { required: [], optional: [] };
  refuseUnknownFields("MessageEntity", raw, ["type", "offset", "length", ...required, ...optional]);
  const missing = required.find((field) => raw[field] === undefined);
  if (missing !== undefined) throw violation(`can't parse MessageEntity: Can't find field "${missing}"`);
  for (const field of ["url", "language", "custom_emoji_id"]) {
    if (raw[field] !== undefined && typeof raw[field] !== "string") {
      throw violation(`can't parse MessageEntity: Field "${field}" must be of type String`);
    }
  }
}

function checkRange(text: string, entity: MessageEntity): void {
  const { offset } = entity;
  const end = endOf(entity);
  if (end > text.length) {
    throw violation(
      `entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${end}`,
    );
  }
  if (insidePair(text, offset)) {
    throw violation(
      `entity begins in a middle of a UTF-16 symbol at byte offset ${byteOffset(text, offset)}`,
    );
  }
  if (insidePair(text, end)) {
    throw violation(
      `entity beginning at UTF-16 offset ${offset} ends in a middle of a UTF-16 symbol at byte offset ${byteOffset(text, end)}`,
    );
  }
}

function insidePair(text: string, offset: number): boolean {
  const before = text.charCodeAt(offset - 1);
  const at = text.charCodeAt(offset);
  return before >= 0xd800 && before <= 0xdbff && at >= 0xdc00 && at <= 0xdfff;
}

function byteOffset(text: string, offset: number): number {
  return Buffer.byteLength(text.slice(0, offset));
}

function checkUrl(url: string): void {
  const parsed = URL.parse(url) ?? URL.parse(`http://${url}`);
  if (parsed === null) throw violation(`entity URL '${url}' is invalid`);
  if (!URL_SCHEMES.has(parsed.protocol))
    throw violation(`entity URL '${url}' is invalid: Unsupported URL protocol`);
}

function checkNesting(sorted: readonly MessageEntity[]): void {
  const open: MessageEntity[] = [];
  for (const entity of sorted) {
    while (open.length > 0 && endOf(open.at(-1) ?? entity) <= entity.offset) open.pop();
    for (const outer of open) checkPair(outer, entity);
    open.push(entity);
  }
}

function checkPair(outer: MessageEntity, inner: MessageEntity): void {
  const [a, b] = [outer, inner].map(({ type, offset }) => `${type} at UTF-16 offset ${offset}`);
  if (endOf(inner) > endOf(outer)) throw violation(`entities overlap: ${a} and ${b}`);
  const sameRange = outer.offset === inner.offset && outer.length === inner.length;
  if (!mayNest(outer.type, inner.type) && !(sameRange && mayNest(inner.type, outer.type))) {
    throw violation(`entities can't be nested: ${b} inside ${a}`);
  }
}
