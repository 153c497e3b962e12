import type { MessageEntity } from "grammy/types";
import { compareEntities, trimmed, type Styled } from "./document.ts";
import { graphemeCut, hasVisible, isFreeAfterSpace, isSpaceAt } from "./graphemes.ts";

const PART_UNITS_MAX = 4096;
const PART_ENTITIES_MAX = 100;
// Below this a part is too small to be worth a nicer border, or to be spent on keeping every style.
const PART_UNITS_MIN = 1024;
const UNINDENTED_WINDOW_UNITS = 1024;

const SENTENCE_END = /[.!?…]["'”’»)\]]?$/;
const FULL_WIDTH_SENTENCE_END = /[。！？]/;

export type TextPart = { text: string; entities: MessageEntity[] };

/**
 * Cuts styled text into messages that Telegram accepts: at most 4096 UTF-16 units and 100 entities each, none
 * without a visible character. White space around a cut is dropped, nothing else is.
 */
export function splitStyled(styled: Styled): TextPart[] {
  const { text, entities } = styled;
  const firm = entities.filter(isFirm).map((entity) => entity.offset);
  const parts: TextPart[] = [];
  let carried: MessageEntity[] = [];
  let next = 0;
  let firmNext = 0;
  let start = skipSpace(text, 0);
  while (start < text.length) {
    const limit = limitOf(start, text.length, {
      soft: entities[next + PART_ENTITIES_MAX - carried.length]?.offset,
      hard: firm[firmNext + PART_ENTITIES_MAX - carried.filter(isFirm).length],
    });
    const cut = limit >= text.length ? text.length : cutPoint(styled, start, limit);
    const here = carried;
    for (let entity = entities[next]; entity && entity.offset < cut; entity = entities[++next])
      here.push(entity);
    while ((firm[firmNext] ?? Infinity) < cut) firmNext++;
    const part = partOf(text.slice(start, cut), start, here);
    if (hasVisible(part.text)) parts.push(part);
    carried = here.filter((entity) => entity.offset + entity.length > cut);
    start = skipSpace(text, cut);
  }
  return parts;
}

// What is gone with these is more than a style: an address, a box that keeps code or a quotation together.
function isFirm(entity: MessageEntity): boolean {
  return ["text_link", "pre", "blockquote", "expandable_blockquote"].includes(entity.type);
}

function skipSpace(text: string, from: number): number {
  let index = from;
  while (index < text.length && isSpaceAt(text, index)) index++;
  return index;
}

/** How far a part from `start` may reach, given where the first entity begins that it has no room for. */
function limitOf(
  start: number,
  end: number,
  full: { soft: number | undefined; hard: number | undefined },
): number {
  const reach = Math.min(end, start + PART_UNITS_MAX);
  const soft = full.soft ?? Infinity;
  if (soft - start >= PART_UNITS_MIN) return Math.min(reach, soft);
  return Math.min(reach, start + PART_UNITS_MIN, full.hard ?? Infinity);
}

function cutPoint({ text, entities, blocks }: Styled, start: number, limit: number): number {
  const least = start + PART_UNITS_MIN;
  const box = boxAcross(entities, limit);
  if (box && box.offset > start && box.length <= PART_UNITS_MAX) return box.offset;
  const block = lastAtMost(blocks, limit);
  if (block >= least) return block;
  const line = lineCut(text, least, limit);
  if (line >= least) return line;
  const sentence = box ? -1 : sentenceCut(text, least, limit);
  if (sentence >= least) return sentence;
  const space = spaceCut(text, start, limit);
  return space > start ? space : graphemeCut(text, start, limit);
}

/** The code block that a cut at `limit` would tear apart. */
function boxAcross(entities: readonly MessageEntity[], limit: number): MessageEntity | undefined {
  let low = 0;
  let high = entities.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entities[middle]?.offset ?? Infinity) < limit) low = middle + 1;
    else high = middle;
  }
  // Nothing else lies inside a code block, so the last entity that begins before the limit is the block or none is.
  const last = entities[low - 1];
  return last?.type === "pre" && last.offset + last.length > limit ? last : undefined;
}

function lastAtMost(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) <= limit) low = middle + 1;
    else high = middle;
  }
  return sorted[low - 1] ?? -1;
}

/** After a line end; if one is near enough, before a line that is not indented: a part cannot begin with spaces. */
function lineCut(text: string, least: number, limit: number): number {
  const window = text.slice(least - 1, limit);
  const last = window.lastIndexOf("\n");
  for (
    let end = last;
    end >= 0 && last - end < UNINDENTED_WINDOW_UNITS;
    end = window.lastIndexOf("\n", end - 1)
  ) {
    if (!isSpaceAt(text, least + end)) return least + end;
    if (end === 0) break;
  }
  return last < 0 ? -1 : least + last;
}

function sentenceCut(text: string, least: number, limit: number): number {
  for (let index = limit; index >= least; index--) {
    if (FULL_WIDTH_SENTENCE_END.test(text.charAt(index - 1)) && isFreeAfterSpace(text, index)) return index;
    if (!isSpaceAt(text, index - 1) || !isFreeAfterSpace(text, index)) continue;
    if (SENTENCE_END.test(text.slice(index - 3, index - 1))) return index;
  }
  return -1;
}

function spaceCut(text: string, start: number, limit: number): number {
  for (let index = limit; index > start; index--) {
    if (isSpaceAt(text, index - 1) && isFreeAfterSpace(text, index)) return index;
  }
  return -1;
}

function partOf(slice: string, start: number, entities: readonly MessageEntity[]): TextPart {
  const text = slice.trimEnd();
  const clipped: MessageEntity[] = [];
  for (const entity of entities) {
    const end = Math.min(text.length, entity.offset + entity.length - start);
    const span = trimmed(text, { start: Math.max(0, entity.offset - start), end });
    if (span) clipped.push({ ...entity, offset: span.start, length: span.end - span.start });
  }
  return { text, entities: atMostAllowed(clipped).toSorted(compareEntities) };
}

function atMostAllowed(entities: MessageEntity[]): MessageEntity[] {
  if (entities.length <= PART_ENTITIES_MAX) return entities;
  const firm = entities.filter(isFirm);
  const styles = entities.filter((entity) => !isFirm(entity));
  return [...firm, ...styles.slice(0, PART_ENTITIES_MAX - firm.length)];
}
