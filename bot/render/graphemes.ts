const LOOKAHEAD_UNITS = 32;

const VISIBLE = /[^\s\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/u;
const SPACE = /\s/;
// What Unicode attaches to the character before it, whatever that is.
const ATTACHED = /^[\p{M}\p{Grapheme_Extend}\p{Emoji_Modifier}\u200d\u0e33\u0eb3]/u;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** False for text that Telegram would call empty: spaces, controls and characters that draw nothing. */
export function hasVisible(text: string): boolean {
  return VISIBLE.test(text);
}

export function isSpaceAt(text: string, index: number): boolean {
  return SPACE.test(text.charAt(index));
}

/** True when a cut directly after the white space that ends at `index` does not tear a grapheme apart. */
export function isFreeAfterSpace(text: string, index: number): boolean {
  return !ATTACHED.test(text.slice(index, index + 2));
}

/**
 * The last grapheme border in `(start, limit]`; `start` must be one. A grapheme longer than that window is cut
 * between two code points. Always greater than `start`, and at most `limit` if the window holds a code point.
 */
export function graphemeCut(text: string, start: number, limit: number): number {
  if (limit >= text.length) return text.length;
  const window = text.slice(start, limit + LOOKAHEAD_UNITS);
  const border = segmenter.segment(window).containing(limit - start)?.index ?? 0;
  if (border > 0) return start + border;
  const tearsPair = isHighSurrogate(text, limit - 1) && limit - 1 > start;
  return tearsPair ? limit - 1 : limit;
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff;
}
