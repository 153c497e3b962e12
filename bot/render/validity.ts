import type { MessageEntity } from "grammy/types";

const TEXT_UNITS_MAX = 4096;
const ENTITIES_MAX = 100;

const NESTABLE = new Set(["bold", "italic", "strikethrough"]);
const QUOTES = new Set(["blockquote", "expandable_blockquote"]);
const ALONE = new Set(["pre", "code"]);
const KNOWN = new Set([...NESTABLE, ...QUOTES, ...ALONE, "text_link"]);

/**
 * What Telegram would reject, drop or change in a message: one sentence each, none for a valid message. Tests hold
 * every rendered part against it; it shares no code with the renderer.
 */
export function violationsOf({
  text,
  entities,
}: {
  text: string;
  entities: readonly MessageEntity[];
}): string[] {
  const found: string[] = [];
  if (text.length > TEXT_UNITS_MAX) found.push(`${text.length} units`);
  if (!/[^\s\p{Cc}\p{Cf}\p{Cs}]/u.test(text)) found.push("nothing visible");
  if (!text.isWellFormed()) found.push("a lone surrogate");
  if (text !== text.trim()) found.push("white space at an end of the text");
  if (entities.length > ENTITIES_MAX) found.push(`${entities.length} entities`);
  for (const [index, entity] of entities.entries()) {
    found.push(...violationsOfOne(text, entity));
    for (const later of entities.slice(index + 1)) found.push(...violationsOfPair(entity, later));
  }
  return found;
}

function violationsOfOne(text: string, entity: MessageEntity): string[] {
  const name = `${entity.type} ${entity.offset}+${entity.length}`;
  const covered = text.slice(entity.offset, entity.offset + entity.length);
  const rules: [boolean, string][] = [
    [KNOWN.has(entity.type), "unknown type"],
    [Number.isInteger(entity.offset) && entity.offset >= 0, "bad offset"],
    [Number.isInteger(entity.length) && entity.length > 0, "empty"],
    [covered.length === entity.length, "out of range"],
    [covered === covered.trim(), "white space at an end"],
    [covered.isWellFormed(), "half a surrogate pair"],
    [
      entity.type !== "text_link" || /^(?:https?:\/\/[^\s]+\.|mailto:|tel:|tg:)[^\s]+$/i.test(entity.url),
      "bad address",
    ],
    [entity.type !== "pre" || entity.language !== "", "empty language"],
  ];
  return rules.filter(([isKept]) => !isKept).map(([, rule]) => `${name}: ${rule}`);
}

function violationsOfPair(first: MessageEntity, second: MessageEntity): string[] {
  const end = first.offset + first.length;
  const secondEnd = second.offset + second.length;
  const isSorted =
    first.offset < second.offset || (first.offset === second.offset && first.length >= second.length);
  if (!isSorted) return ["entities out of order"];
  if (second.offset >= end) return [];
  const name = `${first.type} over ${second.type} at ${second.offset}`;
  if (secondEnd > end) return [`${name}: they cross`];
  if (ALONE.has(first.type) || ALONE.has(second.type)) return [`${name}: code is exclusive`];
  if (first.type === second.type) return [`${name}: nested in itself`];
  if (QUOTES.has(second.type)) return [`${name}: a quotation inside something`];
  return [];
}
