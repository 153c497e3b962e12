import { violation } from "./api-error.ts";
import { checkedEntities, endOf, inOrder, isCode, mayNest, type MessageEntity } from "./entities.ts";
import { withDetected } from "./entity-detection.ts";
import { type Parsed, parseHtml } from "./parse-html.ts";
import { parseMarkdownV2 } from "./parse-markdown.ts";
import { type Params, textOf } from "./validation.ts";

export type FormattedText = { readonly text: string; readonly entities: MessageEntity[] };

const ENTITIES_MAX = 100;

/**
 * The text that the service would store for these parameters: marks parsed,
 * surrounding space removed, links and commands found. `fields` names the two
 * parameters: text and entities of a message, or those of a caption.
 */
export function formattedText(params: Params, fields: { text: string; entities: string }): FormattedText {
  const source = textOf(params, fields.text) ?? "";
  const mode = textOf(params, "parse_mode") ?? "";
  const given = params[fields.entities];
  const parsed =
    mode === "" && Array.isArray(given)
      ? { text: source, entities: checkedEntities(source, given) }
      : parsedText(source, mode.toLowerCase());
  const trimmed = trim(parsed);
  return {
    text: trimmed.text,
    entities: withDetected(trimmed.text, trimmed.entities).slice(0, ENTITIES_MAX),
  };
}

/** Length as the service counts it for its limits: code points. */
export function codePoints(text: string): number {
  return Array.from(text).length;
}

function parsedText(source: string, mode: string): Parsed {
  switch (mode) {
    case "":
      return { text: source, entities: [] };
    case "html":
      return repaired(parseHtml(source));
    case "markdownv2":
      return repaired(parseMarkdownV2(source));
    case "markdown":
      throw violation("this simulator does not implement the legacy parse_mode Markdown");
    default:
      throw violation("unsupported parse_mode");
  }
}

/** What the service makes of marks that may not share characters: code wins, then the outer mark. */
function repaired({ text, entities }: Parsed): Parsed {
  const code = inOrder(entities.filter(isCode));
  const others = entities.filter((entity) => !isCode(entity)).flatMap((entity) => outside(entity, code));
  const kept: MessageEntity[] = [];
  for (const entity of inOrder([...code, ...others])) {
    const around = kept.filter((outer) => endOf(outer) > entity.offset);
    if (around.every((outer) => mayNest(outer.type, entity.type))) kept.push(checkedUrl(text, entity));
  }
  return { text, entities: kept.slice(0, ENTITIES_MAX) };
}

function outside(entity: MessageEntity, code: readonly MessageEntity[]): MessageEntity[] {
  let rest = [entity];
  for (const block of code) {
    if (!mayNest(entity.type, block.type)) rest = rest.flatMap((part) => withoutRange(part, block));
  }
  return rest;
}

function withoutRange(entity: MessageEntity, hole: MessageEntity): MessageEntity[] {
  const before = { ...entity, length: Math.min(endOf(entity), hole.offset) - entity.offset };
  const start = Math.max(entity.offset, endOf(hole));
  const after = { ...entity, offset: start, length: endOf(entity) - start };
  if (hole.offset >= endOf(entity) || endOf(hole) <= entity.offset) return [entity];
  return [before, after].filter(({ length }) => length > 0);
}

function checkedUrl(text: string, entity: MessageEntity): MessageEntity {
  if (entity.url !== undefined) checkedEntities(text, [entity]);
  return entity;
}

function trim({ text, entities }: Parsed): Parsed {
  // Indentation of a code block at the start is part of it.
  const keepsStart = entities.some((entity) => isCode(entity) && entity.offset === 0);
  const start = keepsStart ? 0 : text.length - text.trimStart().length;
  const end = Math.max(start, text.trimEnd().length);
  const clipped = entities.map((entity) => {
    const offset = Math.max(entity.offset, start);
    return { ...entity, offset: offset - start, length: Math.min(endOf(entity), end) - offset };
  });
  return { text: text.slice(start, end), entities: clipped.filter(({ length }) => length > 0) };
}
