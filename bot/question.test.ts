import { expect, test } from "bun:test";
import type { Message } from "grammy/types";
import { questionOf } from "./question.ts";

const ME = { id: 7, username: "block_bot" };
const ANN = { id: 1, is_bot: false, first_name: "Ann" };
const BOT = { id: 7, is_bot: true, first_name: "Bot" };

// A test says what a message holds; the rest of it is the same for all.
function message(content: Record<string, unknown>): Message {
  const base = { message_id: 1, date: 0, chat: { id: 1, type: "private", first_name: "Ann" }, from: ANN };
  return { ...base, ...content } as unknown as Message; // safe: only what a content names is read of it
}

const size = (id: string, side: number, bytes?: number) => ({
  file_id: id,
  file_unique_id: id,
  width: side,
  height: side,
  ...(bytes === undefined ? {} : { file_size: bytes }),
});
const PHOTO = [size("s", 90, 1_000), size("m", 320, 20_000), size("x", 1280, 200_000)];
const PDF = {
  file_id: "d",
  file_unique_id: "d",
  file_name: "a.pdf",
  mime_type: "Application/PDF",
  file_size: 9,
};

const photo = (ref: string, bytes: number | null) => ({
  kind: "photo" as const,
  name: "",
  mime: "image/jpeg",
  bytes,
  ref,
});
const pdf = { kind: "document" as const, name: "a.pdf", mime: "application/pdf", bytes: 9, ref: "d" };

const ask = (...contents: Record<string, unknown>[]) => questionOf(contents.map(message), ME);

test("a caption is the question about its file, and an album is one question with all of its files", () => {
  expect(ask({ photo: PHOTO, caption: "@block_bot what is it?" })).toEqual({
    kind: "asked",
    text: "what is it?",
    files: [photo("x", 200_000)],
  });
  expect(ask({ photo: PHOTO }, { document: PDF, caption: "and this?" }, { text: "please" })).toEqual({
    kind: "asked",
    text: "and this?\nplease",
    files: [photo("x", 200_000), pdf],
  });
  expect(ask({ photo: PHOTO })).toMatchObject({ kind: "asked", text: "", files: [{ ref: "x" }] });
});

test("of a photo the largest size is taken that Claude takes, by pixels and not by order", () => {
  const huge = size("w", 2560, 4_500_000);
  expect(ask({ photo: [huge, ...PHOTO] })).toMatchObject({ files: [{ ref: "x" }] });
  expect(ask({ photo: [size("x", 1280), ...PHOTO.slice(0, 2)] })).toMatchObject({
    files: [photo("x", null)],
  });
  expect(ask({ photo: [huge] })).toMatchObject({ files: [{ ref: "w", bytes: 4_500_000 }] });
});

test("the file of a message that is replied to belongs to the question, before its own", () => {
  const replied = message({ photo: PHOTO, caption: "our office", from: { ...ANN, first_name: "Bob" } });
  expect(ask({ text: "how many desks?", document: PDF, reply_to_message: replied })).toEqual({
    kind: "asked",
    text: "(In reply to Bob, a photo:)\n> our office\n\nhow many desks?",
    files: [photo("x", 200_000), pdf],
  });
  const bare = message({ document: PDF });
  expect(ask({ text: "sum it up", reply_to_message: bare })).toEqual({
    kind: "asked",
    text: "(In reply to Ann, a document)\n\nsum it up",
    files: [pdf],
  });
  const own = message({ document: PDF, from: BOT });
  expect(ask({ text: "thanks", reply_to_message: own })).toEqual({
    kind: "asked",
    text: "thanks",
    files: [],
  });
});

test("what nobody here can read is refused by name, and named where it is only replied to", () => {
  expect(ask({ voice: {} })).toEqual({ kind: "unreadable", name: "voice" });
  expect(ask({ animation: {}, document: PDF })).toEqual({ kind: "unreadable", name: "animation" });
  expect(ask({ photo: PHOTO }, { video: {} })).toEqual({ kind: "unreadable", name: "video" });
  expect(ask({ pinned_message: {} })).toEqual({ kind: "nothing" });
  const replied = message({ video_note: {} });
  expect(ask({ text: "what does she say?", reply_to_message: replied })).toMatchObject({
    text: "(In reply to Ann, a video note that you cannot see or hear)\n\nwhat does she say?",
  });
  expect(ask({ text: "@block_bot", reply_to_message: message({ text: "five" }) })).toEqual({ kind: "empty" });
});
