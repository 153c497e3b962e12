import { expect, test } from "bun:test";
import { greyPng } from "../../ops/sim/picture.ts";
import { pdfOf } from "../../ops/sim/test-files.ts";
import { AppError } from "../errors.ts";
import { loadFiles } from "./file-content.ts";
import {
  checkFiles,
  FILE_BYTES_MAX,
  TEXT_BYTES_MAX,
  withMarks,
  type FileFailure,
  type TurnFile,
} from "./files.ts";

const MB = 1024 * 1024;
const NEVER = new AbortController().signal;
const PHOTO: TurnFile = { kind: "photo", name: "", mime: "image/jpeg", bytes: 100_000, ref: "r" };

function document(name: string, mime: string, bytes: number | null = 1_000): TurnFile {
  return { kind: "document", name, mime, bytes, ref: name };
}

/** The code and the parameters with which the files are refused; null when they are not. */
function refusalOf(...files: TurnFile[]): [string, unknown] | null {
  try {
    checkFiles(files);
    return null;
  } catch (err) {
    if (!(err instanceof AppError)) throw err;
    return [err.code, err.params];
  }
}

const text = (words: string) => new TextEncoder().encode(words);

/** What becomes of files with these contents. */
function load(files: readonly [TurnFile, Uint8Array][]) {
  const contents = new Map(files.map(([file, bytes]) => [file.ref, bytes]));
  return loadFiles(
    files.map(([file]) => file),
    async (ref, bytesMax) => {
      const bytes = contents.get(ref) ?? new Uint8Array();
      return bytes.length > bytesMax ? "file_too_large" : bytes;
    },
    NEVER,
  );
}

test("photos, PDFs and texts of all kinds are taken, by their type or by how their name ends", () => {
  const taken = [
    PHOTO,
    document("scan.PNG", "image/png"),
    document("report.pdf", "application/pdf", 20 * MB),
    document("report.pdf", "application/octet-stream", 5 * MB),
    document("notes.md", "text/markdown"),
    document("data", "application/json"),
    document("feed", "application/atom+xml"),
    document("app.ts", "video/mp2t"),
    document("table.csv", "application/vnd.ms-excel"),
    document("LICENSE", ""),
    document("Makefile", "application/octet-stream"),
    document("unknown.pdf", "application/pdf", null),
  ];
  for (const file of taken) expect({ file, refusal: refusalOf(file) }).toEqual({ file, refusal: null });
  expect(refusalOf(...Array.from({ length: 10 }, () => PHOTO))).toBeNull();
});

test("everything else is refused by its name before it is fetched", () => {
  expect(refusalOf(document("plan.docx", "application/vnd.openxmlformats"))).toEqual([
    "file_unsupported",
    { name: "plan.docx", what: "application" },
  ]);
  expect(refusalOf(document("a.heic", "image/heic"))).toMatchObject(["file_unsupported", { what: "image" }]);
  expect(refusalOf(document("song.mp3", "audio/mpeg"))).toMatchObject([
    "file_unsupported",
    { what: "audio" },
  ]);
  expect(refusalOf(document("blob", "", TEXT_BYTES_MAX + 1))).toMatchObject(["file_unsupported", {}]);
  expect(refusalOf(document("", "application/zip"))).toMatchObject([
    "file_unsupported",
    { name: "application/zip" },
  ]);
  const invisible = document("evil\u202Efdp.exe\n\n[x]", "application/x-msdownload");
  expect(refusalOf(invisible)).toMatchObject(["file_unsupported", { name: "evil fdp.exe x" }]);
});

test("what is too much is refused with its size and the limit", () => {
  expect(refusalOf(document("big.pdf", "application/pdf", 20 * MB + 1))).toEqual([
    "file_too_big",
    { name: "big.pdf", size: 20.1, max: 20 },
  ]);
  expect(refusalOf(document("film.png", "image/png", 25 * MB))).toMatchObject(["file_too_big", { size: 25 }]);
  expect(refusalOf(document("raw.png", "image/png", 6.2 * MB))).toEqual([
    "picture_too_big",
    { name: "raw.png", size: 6.2, max: 3.7 },
  ]);
  expect(refusalOf(document("all.log", "text/plain", 0.6 * MB))).toMatchObject([
    "file_too_big",
    { max: 0.5 },
  ]);
  expect(refusalOf(...Array.from({ length: 11 }, () => PHOTO))).toEqual(["files_too_many", { max: 10 }]);
  const half = document("half.pdf", "application/pdf", 11 * MB);
  expect(refusalOf(half, half)).toEqual(["files_too_big", { size: 22, max: 20 }]);
});

test("a file is shown to Claude as what its bytes are, whatever it was called", async () => {
  const png = greyPng(30, 20);
  const pdf = pdfOf(2);
  expect(
    await load([
      [document("liar.pdf", "application/pdf"), png],
      [document("a\nb.txt", "text/plain"), pdf],
      [document("", ""), text("\uFEFFone\r\ntwo\u001B[31m red\u001B[0m\n\n")],
    ]),
  ).toEqual([
    { type: "image", mediaType: "image/png", base64: Buffer.from(png).toString("base64") },
    { type: "pdf", title: "a b.txt", base64: Buffer.from(pdf).toString("base64") },
    { type: "text", title: "", text: "one\ntwo red" },
  ]);
  const utf16 = new Uint8Array([0xff, 0xfe, ...Buffer.from("Größe;5\n", "utf16le")]);
  expect(await load([[document("excel.csv", "text/csv"), utf16]])).toMatchObject([{ text: "Größe;5" }]);
});

test("what Claude cannot look at fails the question with its reason", async () => {
  const failures: [TurnFile, Uint8Array, FileFailure][] = [
    [
      document("cp1251.txt", "text/plain"),
      new Uint8Array([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]),
      "file_unreadable",
    ],
    [document("program", ""), text("\u007FELF\u0000\u0001"), "file_unreadable"],
    [document("empty.txt", "text/plain"), text(" \n\t"), "file_unreadable"],
    [document("locked.pdf", "application/pdf"), pdfOf(1, "/Encrypt 5 0 R "), "file_unreadable"],
    [document("long.pdf", "application/pdf"), pdfOf(101), "file_too_many_pages"],
    [document("wide.png", "image/png"), greyPng(8_001, 1), "file_too_large"],
    [document("text.pdf", "application/pdf"), text("x".repeat(TEXT_BYTES_MAX + 1)), "file_too_large"],
    [document("picture.pdf", "application/pdf"), greyPng(9, 9, 4 * MB), "file_too_large"],
    [{ ...PHOTO, ref: null }, greyPng(1, 1), "file_gone"],
  ];
  for (const [file, bytes, why] of failures)
    expect({ file, why: await load([[file, bytes]]) }).toEqual({ file, why });
  const thirty = document("a.pdf", "application/pdf");
  expect(await load(Array.from({ length: 3 }, (): [TurnFile, Uint8Array] => [thirty, pdfOf(34)]))).toBe(
    "file_too_many_pages",
  );
});

test("all files of a question together are fetched up to the limit and no further", async () => {
  const asked: number[] = [];
  const pdf = new Uint8Array([...pdfOf(1), ...new Uint8Array(9 * MB)]);
  const outcome = await loadFiles(
    [1, 2, 3].map((number) => document(`${number}.pdf`, "application/pdf", null)),
    async (_ref, bytesMax) => {
      asked.push(bytesMax);
      return pdf.length > bytesMax ? "file_too_large" : pdf;
    },
    NEVER,
  );
  expect(outcome).toBe("file_too_large");
  expect(asked).toEqual([FILE_BYTES_MAX, FILE_BYTES_MAX - pdf.length, FILE_BYTES_MAX - 2 * pdf.length]);
});

test("history has a mark in place of a file", () => {
  const files = [PHOTO, document("a]b\n.pdf", "application/pdf"), document("", "")];
  expect(withMarks("What is it?", files)).toBe("[photo]\n[document a b .pdf]\n[document]\nWhat is it?");
  expect(withMarks("Nothing", [])).toBe("Nothing");
});
