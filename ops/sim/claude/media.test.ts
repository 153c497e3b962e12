import { expect, test } from "bun:test";
import { greyPng } from "../picture.ts";
import { JPEG, pdfOf } from "../test-files.ts";
import { createClaudeSim } from "./server.ts";
import { body, post } from "./test-client.ts";

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
const image = (bytes: Uint8Array, type = "image/png") => ({
  type: "image",
  source: { type: "base64", media_type: type, data: base64(bytes) },
});
const pdf = (bytes: Uint8Array, more: object = {}) => ({
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: base64(bytes) },
  ...more,
});
const plain = (data: string) => ({
  type: "document",
  source: { type: "text", media_type: "text/plain", data },
});
const SMALL = greyPng(300, 200);
const WORDS = { type: "text", text: "What is this?" };

const REFUSED: Record<string, [blocks: object[], message: RegExp]> = {
  "an image without a source": [[{ type: "image" }], /^messages\.0\.content\.0\.source: Field required/],
  "an image of another kind": [[image(SMALL, "image/bmp")], /media_type/],
  "an image that says it is another kind": [
    [image(JPEG, "image/png")],
    /specified using the image\/png media type, but the image appears to be a image\/jpeg image/,
  ],
  "an image with an unknown field": [[{ ...image(SMALL), title: "x" }], /title: Extra inputs/],
  "something that is no image": [[image(new Uint8Array([1, 2, 3]))], /^Could not process image$/],
  "an image that is not base64": [
    [{ type: "image", source: { type: "base64", media_type: "image/png", data: "no base64!" } }],
    /invalid base64/,
  ],
  "an image above 5 MB of base64": [
    [image(greyPng(10, 10, (5 * 1024 * 1024 * 3) / 4))],
    /image exceeds 5 MB maximum: \d+ bytes > 5242880 bytes/,
  ],
  "an image of more than 8000 pixels": [[image(greyPng(8001, 1))], /max allowed size: 8000 pixels/],
  "large images, many at once": [
    Array.from({ length: 21 }, () => image(greyPng(2001, 1))),
    /many-image requests: 2000 pixels/,
  ],
  "a document that is no PDF": [[pdf(SMALL)], /The PDF specified was not valid/],
  "a locked PDF": [[pdf(pdfOf(1, "/Encrypt 9 0 R "))], /password protected/],
  "101 pages in two PDFs": [[pdf(pdfOf(60)), pdf(pdfOf(41))], /A maximum of 100 PDF pages/],
  "a document with an empty title": [[pdf(pdfOf(1), { title: "" })], /title: /],
  "an empty text document": [[plain(" \n")], /empty/],
};

test("pictures and documents that the API would refuse are refused, and noted", async () => {
  const sim = await createClaudeSim({});
  for (const [what, [blocks, message]] of Object.entries(REFUSED)) {
    const { error } = await body(post(sim, { messages: [{ role: "user", content: [...blocks, WORDS] }] }));
    expect({ what, message: error?.message }).toEqual({ what, message: expect.stringMatching(message) });
    expect(sim.violations.at(-1)?.description).toContain(error?.message ?? "-");
  }
  expect(sim.requests).toHaveLength(0);
  await sim.stop();
});

test("what it can open is taken, and costs what its pixels and pages cost, not its bytes", async () => {
  const sim = await createClaudeSim({ script: () => ({ text: "fine" }) });
  const costOf = async (...blocks: object[]) => {
    const messages = [{ role: "user", content: [...blocks, WORDS] }];
    return (await body(post(sim, { stream: false, messages }))).usage?.input_tokens ?? 0;
  };
  const words = await costOf();
  expect((await costOf(image(SMALL))) - words).toBe((300 * 200) / 750);
  expect((await costOf(image(greyPng(4000, 4000)))) - words).toBe(1600);
  expect((await costOf(image(JPEG, "image/jpeg"))) - words).toBe(1);
  expect((await costOf(pdf(pdfOf(3), { title: "a.pdf" }))) - words).toBe(6000);
  expect((await costOf(plain("word ".repeat(1000)))) - words).toBeGreaterThan(1000);
  expect(sim.violations).toEqual([]);
  await sim.stop();
});
