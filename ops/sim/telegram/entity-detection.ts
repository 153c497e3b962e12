import { endOf, inOrder, isCode, type MessageEntity } from "./entities.ts";

// The service knows every top-level domain; these are the ones that texts here use.
const DOMAINS = "com|org|net|io|dev|app|me|ai|de|ru|eu|uk|example|test";
const PATTERNS: readonly [type: string, pattern: RegExp][] = [
  [
    "url",
    new RegExp(
      `(?<![\\w@.])(?:https?://[^\\s<>"]+|(?:[\\w-]+\\.)+(?:${DOMAINS})\\b(?:[/?#:][^\\s<>"]*)?)`,
      "gi",
    ),
  ],
  ["email", /(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}/gi],
  ["bot_command", /(?<![^\s])\/[a-z0-9_]{1,32}(?:@[a-z0-9_]{3,32})?(?![\w/])/gi],
  ["mention", /(?<![\w@/.])@[a-z0-9_]{4,32}(?!\w)/gi],
  ["hashtag", /(?<![\p{L}\p{N}_])#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*/gu],
];
const TRAILING_PUNCTUATION = /[.,:;!?'")\]}]+$/;

/** Adds the entities that the service finds by itself: links, addresses, commands, mentions and hashtags. */
export function withDetected(text: string, given: readonly MessageEntity[]): MessageEntity[] {
  const taken = given.filter((entity) => isCode(entity) || entity.type.startsWith("text_"));
  const found: MessageEntity[] = [];
  for (const [type, pattern] of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const matched = type === "url" ? match[0].replace(TRAILING_PUNCTUATION, "") : match[0];
      const entity = { type, offset: match.index, length: matched.length };
      if (![...taken, ...found].some((other) => overlap(other, entity))) found.push(entity);
    }
  }
  const own = given.filter((entity) => !PATTERNS.some(([type]) => type === entity.type));
  return inOrder([...own, ...found]);
}

function overlap(a: MessageEntity, b: MessageEntity): boolean {
  return a.offset < endOf(b) && b.offset < endOf(a);
}
