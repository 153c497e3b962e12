/** The longest text of one message, in UTF-16 code units. */
const MESSAGE_CHARS_MAX = 4096;
/** A part is not cut shorter than this for the sake of a nice place. */
const PART_CHARS_MIN = 2048;

/** Cuts a long text into messages as the real clients do: at a line, else a space, else anywhere but inside a character. */
export function messageParts(text: string): string[] {
  const parts: string[] = [];
  let rest = text.trim();
  while (rest.length > MESSAGE_CHARS_MAX) {
    const cut = cutPoint(rest);
    parts.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return rest === "" ? parts : [...parts, rest];
}

function cutPoint(text: string): number {
  for (const mark of ["\n", " "]) {
    const at = text.lastIndexOf(mark, MESSAGE_CHARS_MAX);
    if (at >= PART_CHARS_MIN) return at;
  }
  const isInsidePair = (text.charCodeAt(MESSAGE_CHARS_MAX) & 0xfc00) === 0xdc00;
  return isInsidePair ? MESSAGE_CHARS_MAX - 1 : MESSAGE_CHARS_MAX;
}
