import { expect, test } from "bun:test";
import type { MessageEntity } from "grammy/types";
import { plainPart, renderAnswer, renderFrame, type RenderedPart } from "./answer.ts";

/** The only message of an answer, with each entity as "type:covered text". */
function shown(parts: readonly RenderedPart[]): { text: string; marks: string[]; entities: MessageEntity[] } {
  const [part] = parts;
  if (parts.length !== 1 || !part || "file" in part)
    throw new Error(`not one message: ${JSON.stringify(parts)}`);
  const { text, entities } = part;
  const marks = entities.map(({ type, offset, length }) => `${type}:${text.slice(offset, offset + length)}`);
  return { text, marks, entities };
}

test("styles become entities, and code keeps no other style", () => {
  const { text, marks } = shown(
    renderAnswer("# Big *one*\n\n**bold `x` on** and _it_, ~~gone~~, ***both***."),
  );
  expect(text).toBe("Big one\nbold x on and it, gone, both.");
  expect(marks).toEqual([
    "bold:Big one",
    "italic:one",
    "bold:bold",
    "code:x",
    "bold:on",
    "italic:it",
    "strikethrough:gone",
    "italic:both",
    "bold:both",
  ]);
});

test("what only looks like markup is shown as it was written", () => {
  const literal = [
    "a<b and List<String> and <angle> and std::vector<std::string> and <std::string>",
    "<script>alert(1)</script> <b>x</b> <!-- note -->",
    "2 * 3 * 4, snake_case_name, R&D, a && b, 5 > 4",
    "[^1]: a footnote, see [^1] and [ref]",
    "[ref]: https://example.org",
    "https://example.org/__init__.py?a_b=1&c_d=2",
  ].join("\n");
  expect(shown(renderAnswer(literal))).toEqual({ text: literal, marks: [], entities: [] });
  expect(shown(renderAnswer("#")).text).toBe("#");
  expect(shown(renderAnswer("> ")).text).toBe(">");
  expect(shown(renderAnswer("&lt;b&gt; &amp; \\*not\\*")).text).toBe("<b> & *not*");
});

test("nothing visible gives no message", () => {
  for (const text of ["", " \n\t ", "\u200b\u2800\u00a0", "\u0000".repeat(0), "\u200e\ufeff"]) {
    expect(renderAnswer(text)).toEqual([]);
    expect(renderFrame(text)).toEqual([]);
    expect(plainPart(text)).toEqual([]);
  }
});

test("lists keep their depth, their numbers and their boxes", () => {
  const markdown =
    "- one\n- two\n  more\n  - three\n    1. x\n    1. y\n- [x] done\n- [ ] open\n\n7. seven\n9. nine";
  const lines = [
    "• one",
    "• two",
    "   more",
    "   • three",
    "      1. x",
    "      2. y",
    "☑ done",
    "☐ open",
    "",
    "7. seven",
    "9. nine",
  ];
  expect(shown(renderAnswer(markdown)).text).toBe(lines.join("\n"));
  expect(shown(renderAnswer("3. c\n2. b\n1. a")).text).toBe("3. c\n2. b\n1. a");
});

test("a narrow table is aligned, a wide one becomes records, and no cell is lost", () => {
  const narrow = shown(
    renderAnswer("| Name | Age |\n|---|--:|\n| Al | 3 |\n| Bob | 44 | extra |\n| 日本 | 5 |"),
  );
  expect(narrow.text).toBe(
    ["Name | Age", "-----+-----+------", "Al   |   3", "Bob  |  44 | extra", "日本 |   5"].join("\n"),
  );
  expect(narrow.marks).toEqual([`pre:${narrow.text}`]);
  const wide =
    "| Product | What it is good for |\n|-|-|\n| **Tea** | waking up before the sun does |\n| Coffee | waking up at once |";
  const records = shown(renderAnswer(wide));
  expect(records.text).toBe(
    "Product: Tea\n• What it is good for: waking up before the sun does\n\nProduct: Coffee\n• What it is good for: waking up at once",
  );
  expect(records.marks).toEqual(["bold:Product: Tea", "bold:Product: Coffee"]);
  const gaps =
    "| Task | What happened to it in the end |\n|-|-|\n|| nobody knows what it was |\n| [Tea](https://t.org) ||";
  const gapped = shown(renderAnswer(gaps));
  expect(gapped.text).toBe("What happened to it in the end: nobody knows what it was\n\nTask: Tea");
  expect(gapped.marks).toEqual(["text_link:Tea"]);
  const long = renderAnswer(`| n | name |\n|-|-|\n${"| 1 | somebody |\n".repeat(500)}`);
  expect(long.length).toBeGreaterThan(1);
  for (const part of long) expect(part).toMatchObject({ entities: [{ type: "pre", offset: 0 }] });
  const linked = shown(renderAnswer("| a | b |\n|-|-|\n| x | [y](https://y.org) |"));
  expect(linked.marks).toEqual(["bold:a: x", "text_link:y"]);
});

test("code keeps its language, and long code becomes a file between two texts", () => {
  const short = shown(renderAnswer("See:\n\n```python app.py\n    if x:\n        pass\n```\n"));
  expect(short.text).toBe("See:\n\napp.py\nif x:\n    pass");
  expect(short.entities).toEqual([{ type: "pre", offset: 13, length: 14, language: "python" }]);
  const code = "  let x = 1;\n".repeat(300);
  const long = `Before\n\n\`\`\`ts\n${code}\`\`\`\n\nAfter`;
  expect(renderAnswer(long)).toEqual([
    { text: "Before", entities: [] },
    { file: { name: "code-1.ts", language: "ts", content: code } },
    { text: "After", entities: [] },
  ]);
  const frame = renderFrame(long);
  expect(frame.every((part) => "text" in part)).toBe(true);
  const boxes = frame.flatMap((part) => ("text" in part ? part.entities : []));
  expect(boxes.length).toBeGreaterThan(0);
  for (const box of boxes) expect(box).toMatchObject({ type: "pre", language: "ts" });
});

test("quotations are flat, open when short, expandable when long, and interrupted by code", () => {
  const flat = shown(renderAnswer("> one\n> > two\n>\n> **three** `four`\n\nfive"));
  expect(flat.text).toBe("one\n\ntwo\n\nthree `four`\n\nfive");
  expect(flat.marks).toEqual(["blockquote:one\n\ntwo\n\nthree `four`", "bold:three"]);
  expect(shown(renderAnswer(`> ${"word ".repeat(200)}`)).entities[0]?.type).toBe("expandable_blockquote");
  expect(shown(renderAnswer("> a\n> ```\n> b\n> ```\n> c")).marks).toEqual([
    "blockquote:a",
    "pre:b",
    "blockquote:c",
  ]);
});

test("only addresses that Telegram keeps become links; the others are shown", () => {
  const links = [
    "[a](https://a.org/x_y) ![pic](https://a.org/p.png) [mail](mailto:me@a.org) [tel](tel:+49123) [tg](tg://resolve?domain=x)",
    "<https://b.org> <me@b.org> [`code`](https://c.org)",
  ].join(" ");
  const kept = shown(renderAnswer(links));
  expect(kept.text).toBe("a pic mail tel tg https://b.org me@b.org code");
  expect(kept.entities.map((entity) => (entity.type === "text_link" ? entity.url : entity.type))).toEqual([
    "https://a.org/x_y",
    "https://a.org/p.png",
    "mailto:me@a.org",
    "tel:+49123",
    "tg://resolve?domain=x",
    "https://b.org",
    "mailto:me@b.org",
    "https://c.org",
  ]);
  const refused =
    "[js](javascript:alert(1)) [file](./a.md) [b.md](b.md) [local](http://localhost:3000/x) [d](data:text/html,x) [p](https://a.org:99999/)";
  expect(shown(renderAnswer(refused))).toMatchObject({
    text: "js (javascript:alert(1)) file (./a.md) b.md local (http://localhost:3000/x) d (data:text/html,x) p (https://a.org:99999/)",
    marks: [],
  });
  expect(shown(renderAnswer("[](https://a.org) [t](https://a.org 'title')")).text).toBe(
    "https://a.org t (title)",
  );
});

test("formulas are code, amounts of money are not", () => {
  const formulas = shown(
    renderAnswer("Where \\(x^2\\), \\[y\\], $z_1$, $n$ and $$a+b$$.\n\n$$\n\\frac{a}{b}\n- c\n$$\n\n$$e$$"),
  );
  expect(formulas.text).toBe("Where x^2, y, z_1, n and a+b.\n\n\\frac{a}{b}\n- c\n\ne");
  expect(formulas.marks).toEqual([
    "code:x^2",
    "code:y",
    "code:z_1",
    "code:n",
    "code:a+b",
    "pre:\\frac{a}{b}\n- c",
    "code:e",
  ]);
  const money = "It is $400-600K, not $5 and $6, US$3 to US$4, or $1 = 2$ or $HOME/$USER.";
  expect(shown(renderAnswer(money))).toMatchObject({ text: money, marks: [] });
});

test("a frame closes what is open and hides half a mark", () => {
  const frames: [string, string, string[]][] = [
    ["**bold te", "bold te", ["bold:bold te"]],
    ["**bold*", "bold", ["bold:bold"]],
    ["a **b** and *it `co", "a b and it co", ["bold:b", "italic:it", "code:co"]],
    ["see [the page](https://exa", "see the page", []],
    ["Items:\n-", "Items:", []],
    ["- a\n- ~~b", "• a\n• b", ["strikethrough:b"]],
    ["**a _b** c", "a _b c", ["bold:a _b"]],
    ["2 * 3 and a*b", "2 * 3 and a*b", []],
    ["```py\nx = 1\n``", "x = 1", ["pre:x = 1"]],
    ["$$\nx=1\ny", "x=1\ny", ["pre:x=1\ny"]],
    ["> **q", "q", ["blockquote:q", "bold:q"]],
  ];
  for (const [source, text, marks] of frames)
    expect(shown(renderFrame(source))).toMatchObject({ text, marks });
  expect(shown(renderAnswer("**bold te")).text).toBe("**bold te");
});

test("text beyond the limit for Markdown is shown as it was written", () => {
  const head = "**word**\n".repeat(7000);
  const parts = renderAnswer(`${head}${"**late**\n".repeat(1000)}`);
  const text = parts.map((part) => ("text" in part ? part.text : "")).join("\n");
  expect(text.match(/word/g)?.length).toBe(7000);
  expect(text.match(/late/g)?.length).toBe(1000);
  expect(text.endsWith("**late**")).toBe(true);
  expect(text.startsWith("word\nword")).toBe(true);
});
