/** One formatting mark over a text; offset and length count UTF-16 code units, as in the Bot API. */
export type Entity = { type: string; offset: number; length: number; url?: string; language?: string };

export type Segment =
  | { kind: "text"; text: string }
  | { kind: "entity"; entity: Entity; children: Segment[] };

type Span = { entity: Entity; start: number; end: number };

/**
 * Turns a flat list of marks into a tree whose leaves, read in order, are exactly `text`.
 * Marks outside the text are clipped or dropped. Where two marks cross, the one that starts
 * later is cut in two at the end of the first, so every character keeps all of its marks.
 */
export function segmentsOf(text: string, entities: readonly Entity[]): Segment[] {
  const spans = entities
    .map((entity) => ({
      entity,
      start: Math.max(0, entity.offset),
      end: Math.min(text.length, entity.offset + entity.length),
    }))
    .filter((span) => span.start < span.end);
  return segmentsWithin(text, { start: 0, end: text.length }, spans);
}

/** Whether a mark is shown as a block of its own instead of inside the line. */
export function isBlock(entity: Entity): boolean {
  return entity.type === "pre" || isQuote(entity);
}

/** Whether a mark is a quotation, folded or not. */
export function isQuote(entity: Entity): boolean {
  return entity.type === "blockquote" || entity.type === "expandable_blockquote";
}

function segmentsWithin(text: string, range: { start: number; end: number }, spans: Span[]): Segment[] {
  const segments: Segment[] = [];
  let at = range.start;
  let waiting = spans.toSorted(outermostFirst);
  for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
    if (at < first.start) segments.push({ kind: "text", text: text.slice(at, first.start) });
    const { inside, after } = splitAt(first.end, waiting.slice(1));
    segments.push({ kind: "entity", entity: first.entity, children: segmentsWithin(text, first, inside) });
    at = first.end;
    waiting = after.toSorted(outermostFirst);
  }
  if (at < range.end) segments.push({ kind: "text", text: text.slice(at, range.end) });
  return segments;
}

function splitAt(end: number, spans: Span[]): { inside: Span[]; after: Span[] } {
  const inside: Span[] = [];
  const after: Span[] = [];
  for (const span of spans) {
    if (span.start < end) inside.push({ ...span, end: Math.min(span.end, end) });
    if (span.end > end) after.push({ ...span, start: Math.max(span.start, end) });
  }
  return { inside, after };
}

function outermostFirst(a: Span, b: Span): number {
  return a.start - b.start || b.end - a.end || depthOf(a.entity) - depthOf(b.entity);
}

function depthOf(entity: Entity): number {
  if (isQuote(entity)) return 0;
  return entity.type === "pre" ? 1 : 2;
}
