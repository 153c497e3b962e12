import { expect, test } from "bun:test";
import { formattedText } from "./formatted-text.ts";

const fields = { text: "text", entities: "entities" };

function read(text: string, parseMode: string) {
  return formattedText({ text, parse_mode: parseMode }, fields);
}

function refused(text: string, parseMode: string): string {
  try {
    return JSON.stringify(read(text, parseMode));
  } catch (err) {
    return err instanceof Error ? err.message.replace("Bad Request: can't parse entities: ", "") : "";
  }
}

function checked(text: string, entities: unknown[]): string {
  try {
    return JSON.stringify(formattedText({ text, entities }, fields).entities);
  } catch (err) {
    return err instanceof Error ? err.message.replace("Bad Request: ", "") : "";
  }
}

test("MarkdownV2 becomes text and entities", () => {
  expect(read("*bold _both_* __under__ ~gone~ ||quiet|| `a*b`", "MarkdownV2")).toEqual({
    text: "bold both under gone quiet a*b",
    entities: [
      { type: "bold", offset: 0, length: 9 },
      { type: "italic", offset: 5, length: 4 },
      { type: "underline", offset: 10, length: 5 },
      { type: "strikethrough", offset: 16, length: 4 },
      { type: "spoiler", offset: 21, length: 5 },
      { type: "code", offset: 27, length: 3 },
    ],
  });
  expect(read("```ts\nlet a = 1;\n```", "markdownv2")).toEqual({
    text: "let a = 1;",
    entities: [{ type: "pre", language: "ts", offset: 0, length: 10 }],
  });
  expect(read("[a\\]b](https://x.test/\\)) 1\\.5", "MarkdownV2")).toEqual({
    text: "a]b 1.5",
    entities: [{ type: "text_link", url: "https://x.test/)", offset: 0, length: 3 }],
  });
  expect(read("![👍](tg://emoji?id=42)", "MarkdownV2").entities).toEqual([
    { type: "custom_emoji", custom_emoji_id: "42", offset: 0, length: 2 },
  ]);
  expect(read(">one\n>*two*\nafter\n**>long\n>quote||", "MarkdownV2")).toEqual({
    text: "one\ntwo\nafter\nlong\nquote",
    entities: [
      { type: "blockquote", offset: 0, length: 7 },
      { type: "bold", offset: 4, length: 3 },
      { type: "expandable_blockquote", offset: 14, length: 10 },
    ],
  });
});

test("broken MarkdownV2 is refused with the service's words and the byte offset", () => {
  expect(refused("a.b", "MarkdownV2")).toBe(
    "Character '.' is reserved and must be escaped with the preceding '\\'",
  );
  expect(refused("1 > 0", "MarkdownV2")).toBe(
    "Character '>' is reserved and must be escaped with the preceding '\\'",
  );
  expect(refused("a | b", "MarkdownV2")).toBe(
    "Character '|' is reserved and must be escaped with the preceding '\\'",
  );
  expect(refused("é *x", "MarkdownV2")).toBe("Can't find end of Bold entity at byte offset 3");
  expect(refused("*a _b* c_", "MarkdownV2")).toContain("Can't find end of");
  expect(refused("`code", "MarkdownV2")).toBe("Can't find end of Code entity at byte offset 0");
  expect(refused("```ts\nx", "MarkdownV2")).toBe("Can't find end of PreCode entity at byte offset 0");
  expect(refused("[a](http://x.test", "MarkdownV2")).toBe("Can't find end of a URL at byte offset 4");
  expect(refused(">*open\nnext*", "MarkdownV2")).toBe("Can't find end of Bold entity at byte offset 1");
  expect(refused("![x](http://x.test)", "MarkdownV2")).toBe(
    "Custom emoji entity must contain a tg://emoji URL",
  );
});

test("HTML becomes text and entities", () => {
  const source = '<b>a <i>b</i></b> &lt;&amp;&#33;&nope; <a href="https://x.test/?a=1&amp;b=2">l</a>';
  expect(read(source, "HTML")).toEqual({
    text: "a b <&!&nope; l",
    entities: [
      { type: "bold", offset: 0, length: 3 },
      { type: "italic", offset: 2, length: 1 },
      { type: "text_link", url: "https://x.test/?a=1&b=2", offset: 14, length: 1 },
    ],
  });
  const rest =
    '<pre><code class="language-py">x</code></pre> <code class="language-py">y</code> <span class="tg-spoiler">z</span>\n<blockquote expandable>q</blockquote>';
  expect(read(rest, "html").entities).toEqual([
    { type: "pre", language: "py", offset: 0, length: 1 },
    { type: "code", offset: 2, length: 1 },
    { type: "spoiler", offset: 4, length: 1 },
    { type: "expandable_blockquote", offset: 6, length: 1 },
  ]);
});

test("broken HTML is refused with the service's words and the byte offset", () => {
  expect(refused("é<div>x</div>", "HTML")).toBe('Unsupported start tag "div" at byte offset 2');
  expect(refused("<b>x", "HTML")).toBe('Can\'t find end tag corresponding to start tag "b"');
  expect(refused("<b>x</i>", "HTML")).toBe(
    'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"',
  );
  expect(refused("x</b>", "HTML")).toBe("Unexpected end tag at byte offset 1");
  expect(refused("a <b", "HTML")).toBe("Unclosed start tag at byte offset 2");
  expect(refused("<b>x</b", "HTML")).toBe("Unclosed end tag at byte offset 4");
  expect(refused("<a href>x</a>", "HTML")).toBe(
    'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0',
  );
  expect(refused("<span>x</span>", "HTML")).toBe('Tag "span" must have class "tg-spoiler" at byte offset 0');
});

test("marks that cannot share characters are repaired in a parse mode as the service does", () => {
  expect(read("<b>a <code>b</code> c</b>", "HTML").entities).toEqual([
    { type: "bold", offset: 0, length: 2 },
    { type: "code", offset: 2, length: 1 },
    { type: "bold", offset: 3, length: 2 },
  ]);
  expect(read("<blockquote>a <code>b</code></blockquote>", "HTML").entities).toEqual([
    { type: "blockquote", offset: 0, length: 3 },
    { type: "code", offset: 2, length: 1 },
  ]);
});

test("given entities must be in range, whole, properly nested and of known types", () => {
  const bold = { type: "bold", offset: 0, length: 2 };
  expect(checked("ab cd", [bold])).toBe(JSON.stringify([bold]));
  expect(checked("ab", [{ type: "bold", offset: 1, length: 2 }])).toBe(
    "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 3",
  );
  expect(checked("ab", [{ type: "bold", offset: 0, length: 0 }])).toContain("incorrect length 0");
  expect(checked("ab", [{ type: "bold", offset: -1, length: 1 }])).toContain("incorrect offset -1");
  expect(checked("é👍x", [{ type: "bold", offset: 2, length: 2 }])).toContain(
    "begins in a middle of a UTF-16 symbol",
  );
  expect(checked("é👍x", [{ type: "bold", offset: 0, length: 2 }])).toContain(
    "ends in a middle of a UTF-16 symbol",
  );
  expect(checked("ab", [{ type: "strong", offset: 0, length: 1 }])).toContain("Unsupported type");
  expect(checked("ab", [{ ...bold, language: "ts" }])).toContain("unexpected field language");
  expect(checked("abc", [bold, { type: "italic", offset: 1, length: 2 }])).toContain("entities overlap");
  expect(checked("abc", [{ type: "pre", offset: 0, length: 3 }, bold])).toContain("can't be nested");
  expect(checked("abc", [bold, { type: "code", offset: 0, length: 2 }])).toContain("can't be nested");
  expect(
    checked("abc", [bold, { type: "text_link", offset: 0, length: 1, url: "https://x.test" }]),
  ).toContain("text_link");
  const quote = { type: "blockquote", offset: 0, length: 3 };
  expect(checked("abc", [quote, { type: "code", offset: 0, length: 3 }])).toContain("blockquote");
  expect(checked("abc", [quote, { type: "blockquote", offset: 0, length: 1 }])).toContain("can't be nested");
});

test("links go only to schemes that the service knows", () => {
  const link = (url: string) => checked("ab", [{ type: "text_link", offset: 0, length: 2, url }]);
  for (const url of ["https://x.test", "x.test/path", "mailto:a@x.test", "tel:+491", "tg://user?id=1"]) {
    expect(link(url)).toContain("text_link");
  }
  expect(link("javascript:alert(1)")).toContain("Unsupported URL protocol");
  expect(link("file:///etc/passwd")).toContain("Unsupported URL protocol");
  expect(refused('<a href="data:text/html,x">x</a>', "HTML")).toContain("Unsupported URL protocol");
});

test("at most 100 entities are kept and space around the text is removed", () => {
  const text = "ab".repeat(101);
  const many = Array.from({ length: 101 }, (_, at) => ({ type: "bold", offset: at * 2, length: 1 }));
  expect(formattedText({ text, entities: many }, fields).entities).toHaveLength(100);
  const padded = formattedText(
    { text: "  ab  ", entities: [{ type: "bold", offset: 0, length: 6 }] },
    fields,
  );
  expect(padded).toEqual({ text: "ab", entities: [{ type: "bold", offset: 0, length: 2 }] });
});

test("links, addresses, commands, mentions and hashtags are found, but not inside code", () => {
  const { entities } = read("/go@x_bot see https://x.test/a. or a@x.test @ann_test #tag", "");
  expect(entities.map(({ type, offset, length }) => [type, offset, length])).toEqual([
    ["bot_command", 0, 9],
    ["url", 14, 16],
    ["email", 35, 8],
    ["mention", 44, 9],
    ["hashtag", 54, 4],
  ]);
  expect(read("`/go https://x.test`", "MarkdownV2").entities.map(({ type }) => type)).toEqual(["code"]);
  expect(read("a/b 1/2 and/or x@y", "").entities).toEqual([]);
});
