import { expect, test } from "bun:test";
import { plainPart, renderAnswer, renderFrame, type RenderedPart } from "./answer.ts";
import { violationsOf } from "./validity.ts";

const FAMILY = "👩‍👩‍👧‍👦";

function texts(parts: readonly RenderedPart[]): { text: string; types: string[] }[] {
  return parts.map((part) => {
    if ("file" in part) throw new Error("a file");
    expect(violationsOf(part)).toEqual([]);
    return { text: part.text, types: part.entities.map((entity) => entity.type) };
  });
}

test("a cut falls between blocks, else lines, else sentences, else words", () => {
  const words = (count: number) => "word ".repeat(count).trim();
  const paragraphs = texts(renderAnswer([words(400), words(300), words(300)].join("\n\n")));
  expect(paragraphs.map(({ text }) => text)).toEqual([`${words(400)}\n\n${words(300)}`, words(300)]);

  const lines = Array.from({ length: 60 }, () => words(20)).join("\n");
  for (const { text } of texts(renderAnswer(lines))) expect((text.length + 1) % 100).toBe(0);

  const sentence = `${words(8)} (so it is.) `;
  const sentences = texts(renderAnswer(sentence.repeat(150)));
  expect(sentences.length).toBeGreaterThan(1);
  for (const { text } of sentences) expect(text.endsWith("(so it is.)")).toBe(true);

  const plain = texts(plainPart("שלום עולם ".repeat(1000)));
  expect(plain.length).toBe(3);
  for (const { text } of plain) expect(text).toMatch(/^(?:שלום|עולם) .* (?:שלום|עולם)$/);
});

test("a part may be filled to the last unit and holds one unit more in the next", () => {
  expect(plainPart("a".repeat(4096)).length).toBe(1);
  expect(plainPart("a".repeat(4097)).map(({ text }) => text.length)).toEqual([4096, 1]);
  expect(plainPart(`${"a".repeat(4095)} b`).map(({ text }) => text.length)).toEqual([4095, 1]);
});

test("emoji sequences, flags, accents and surrogate pairs stay whole at any offset of the cut", () => {
  for (const cluster of [FAMILY, "🇩🇪", "👍🏽", "e\u0301\u0323", "𝒳", "क्षि"]) {
    for (let shift = 0; shift < 12; shift++) {
      const text = "x".repeat(shift) + cluster.repeat(4096 / cluster.length + 20);
      for (const part of texts(plainPart(text))) {
        expect(part.text.replaceAll("x", "").replaceAll(cluster, "")).toBe("");
      }
    }
  }
  // A space that carries an accent is no place to cut.
  for (const part of texts(plainPart("ab \u0301".repeat(3000)))) expect(part.text).toMatch(/^ab [^]*\u0301$/);
});

test("a character longer than a message is cut between two code points", () => {
  const monster = `a${"\u0301".repeat(5000)}b${"\u{1e8d0}".repeat(5000)}`;
  const parts = texts(plainPart(monster));
  expect(parts.map(({ text }) => text).join("")).toBe(monster);
});

test("an entity across a cut goes on in the next part", () => {
  const bold = texts(renderAnswer(`**${"word ".repeat(2000).trim()}**`));
  expect(bold.length).toBe(3);
  for (const { types } of bold) expect(types).toEqual(["bold"]);

  const link = renderAnswer(`[${"word ".repeat(1500).trim()}](https://a.org)`);
  expect(link.length).toBe(2);
  for (const part of link)
    expect(part).toMatchObject({ entities: [{ type: "text_link", url: "https://a.org" }] });

  const code = renderFrame(`\`\`\`py\n${"def f():\n    pass\n\n".repeat(500)}`);
  expect(code.length).toBeGreaterThan(2);
  for (const part of code) {
    expect(part).toMatchObject({ entities: [{ type: "pre", offset: 0, language: "py" }] });
    expect("text" in part && part.text.startsWith("def f():")).toBe(true);
  }

  const quote = texts(renderAnswer(Array.from({ length: 300 }, () => "> some quoted words\n").join("")));
  for (const { types } of quote) expect(types).toEqual(["expandable_blockquote"]);
});

test("code that fits into one message is not torn", () => {
  const code = "x = 1\n".repeat(580);
  const parts = texts(renderAnswer(`${"Intro. ".repeat(100)}\n\n\`\`\`py\n${code}\`\`\`\n\nEnd`));
  expect(parts.map(({ types }) => types)).toEqual([[], ["pre"]]);
  expect(parts[1]?.text).toBe(`${code.trim()}\n\nEnd`);
});

test("a part has at most 100 entities; dense styles are dropped, addresses never are", () => {
  const list = texts(renderAnswer("- **bold words here** and some more text\n".repeat(160)));
  expect(list.map(({ types }) => types.length)).toEqual([100, 60]);

  const dense = texts(renderAnswer("*a* ".repeat(3000)));
  expect(dense.length).toBeLessThan(10);
  expect(dense.map(({ text }) => text).join(" ")).toBe("a ".repeat(3000).trim());

  const links = renderAnswer("[a](https://a.org) *b* ".repeat(500));
  texts(links);
  const addresses = links
    .flatMap((part) => ("text" in part ? part.entities : []))
    .filter((one) => one.type === "text_link");
  expect(addresses.length).toBe(500);
});
