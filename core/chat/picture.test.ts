import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { greyPng } from "../../ops/sim/picture.ts";
import { JPEG } from "../../ops/sim/test-files.ts";
import { pictureOf } from "./picture.ts";

const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part, "latin1")] : part)),
  );
const padded = (head: Uint8Array) => new Uint8Array([...head, ...new Uint8Array(40)]);

test("the kind and the size of a picture are read from its bytes", () => {
  expect(pictureOf(greyPng(300, 200))).toEqual({ mediaType: "image/png", width: 300, height: 200 });
  expect(pictureOf(JPEG)).toEqual({ mediaType: "image/jpeg", width: 1, height: 1 });
  // Segments before the frame, a fill byte, and a Huffman table, whose marker lies in the range of frames.
  const jpeg = bytes(
    [0xff, 0xd8, 0xff, 0xe1, 0, 6],
    "Exif",
    [0xff, 0xff, 0xc4, 0, 3, 9],
    [0xff, 0xc2, 0, 17, 8, 3, 0, 4, 0],
  );
  expect(pictureOf(padded(jpeg))).toEqual({ mediaType: "image/jpeg", width: 1024, height: 768 });
  expect(pictureOf(padded(bytes("GIF89a", [44, 1, 200, 0])))).toEqual({
    mediaType: "image/gif",
    width: 300,
    height: 200,
  });
  const webp = (kind: string, rest: number[]) =>
    padded(bytes("RIFF", [0, 0, 0, 0], `WEBP${kind}`, [0, 0, 0, 0], rest));
  const size = { mediaType: "image/webp", width: 300, height: 200 };
  expect(pictureOf(webp("VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a, 44, 1, 200, 0]))).toMatchObject(size);
  expect(pictureOf(webp("VP8L", [0x2f, 0x2b, 0xc1, 0x31, 0]))).toMatchObject(size);
  expect(pictureOf(webp("VP8X", [0, 0, 0, 0, 43, 1, 0, 199, 0, 0]))).toMatchObject(size);
});

test("anything else is no picture, however it begins or ends", () => {
  for (const text of ["", "%PDF-1.7", "GIF90a0000", "RIFF0000WAVEfmt ", "hello", "\u00ff\u00d8"])
    expect(pictureOf(padded(bytes(text)))).toBeNull();
  expect(pictureOf(greyPng(3, 2).subarray(0, 20))).toBeNull();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(60), (noise, cut) => {
      for (const start of [JPEG, greyPng(2, 2)]) {
        pictureOf(new Uint8Array([...start.subarray(0, cut), ...noise])); // never throws
      }
    }),
  );
});
