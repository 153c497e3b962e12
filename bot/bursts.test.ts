import { expect, test } from "bun:test";
import type { UpdateRow } from "../core/pipeline/updates.ts";
import { burstOf } from "./bursts.ts";

const EVERYTHING = () => true;

function row(updateId: number, receivedAt: number, message: Record<string, unknown>): UpdateRow {
  return {
    updateId,
    receivedAt,
    lane: "lane",
    control: false,
    attempts: 0,
    payload: { message: { from: { id: 1 }, ...message } },
  };
}

const ids = (burst: { rows: readonly UpdateRow[] }) => burst.rows.map((each) => each.updateId);

test("a burst is what one person sends close together, and it waits for more only as long as more may come", () => {
  const rows = [row(1, 1_000, { text: "a" }), row(2, 1_200, { text: "b" }), row(3, 1_700, { text: "c" })];
  expect(ids(burstOf(rows, 1_750, EVERYTHING))).toEqual([1, 2]);
  expect(burstOf(rows, 1_750, EVERYTHING).waitMs).toBe(0); // something else came already
  expect(burstOf(rows.slice(0, 2), 1_250, EVERYTHING)).toMatchObject({ waitMs: 250 });
  expect(burstOf(rows.slice(0, 2), 9_000, EVERYTHING)).toMatchObject({ waitMs: 0 });
});

test("another person, another kind, or a message for nobody ends it", () => {
  const two = [row(1, 0, { text: "a" }), row(2, 10, { text: "b", from: { id: 2 } })];
  expect(ids(burstOf(two, 5_000, EVERYTHING))).toEqual([1]);
  const voice = [row(1, 0, { text: "a" }), row(2, 10, { voice: {} })];
  expect(ids(burstOf(voice, 5_000, EVERYTHING))).toEqual([1]);
  const service = [row(1, 0, { new_chat_members: [] }), row(2, 10, { text: "@bot hi" })];
  expect(burstOf(service, 5, (message) => message.text !== undefined)).toMatchObject({ waitMs: 0 });
  expect(ids(burstOf(service, 5, (message) => message.text !== undefined))).toEqual([1]);
  const overheard = [row(1, 0, { text: "@bot hi" }), row(2, 10, { text: "by the way" })];
  expect(ids(burstOf(overheard, 5_000, (message) => message.text === "@bot hi"))).toEqual([1]);
});

test("a file and the words that come right before or after it belong together", () => {
  const photo = { photo: [{ file_id: "p" }] };
  const document = { document: { file_id: "d" } };
  const forwarded = [row(1, 0, { text: "what is it?" }), row(2, 40, photo), row(3, 80, document)];
  expect(ids(burstOf(forwarded, 5_000, EVERYTHING))).toEqual([1, 2, 3]);
  expect(ids(burstOf(forwarded.toReversed(), 5_000, EVERYTHING))).toEqual([3, 2, 1]);
  expect(burstOf(forwarded.slice(1, 2), 40, EVERYTHING)).toMatchObject({ waitMs: 300 });
  const animation = [row(1, 0, { text: "a" }), row(2, 10, { ...document, animation: {} })];
  expect(ids(burstOf(animation, 5_000, EVERYTHING))).toEqual([1]);
  // Whatever a client sends in place of a photo, nothing breaks here.
  for (const odd of [7, null, [], [null], "x"]) burstOf([row(1, 0, { photo: odd })], 5_000, EVERYTHING);
});

test("the rest of a long paste and of an album belong to it, addressed or not", () => {
  const paste = [row(1, 0, { text: `@bot ${"x".repeat(4_000)}` }), row(2, 1_200, { text: "the rest" })];
  expect(ids(burstOf(paste, 9_000, (message) => message.text?.startsWith("@bot") === true))).toEqual([1, 2]);
  expect(burstOf(paste.slice(0, 1), 100, EVERYTHING).waitMs).toBe(1_400);
  const album = [1, 2, 3].map((n) => row(n, n * 600, { photo: [], media_group_id: "g" }));
  expect(ids(burstOf(album, 9_000, EVERYTHING))).toEqual([1, 2, 3]);
  expect(burstOf(album, 2_000, EVERYTHING).waitMs).toBe(800);
});

test("rows without a message come alone, and a burst has an end", () => {
  expect(burstOf([], 0, EVERYTHING)).toEqual({ rows: [], waitMs: 0 });
  const broken = { ...row(1, 0, {}), payload: { message: null } };
  expect(burstOf([broken], 0, EVERYTHING)).toEqual({ rows: [broken], waitMs: 0 });
  const many = Array.from({ length: 30 }, (_, n) => row(n, n, { text: "x" }));
  expect(burstOf(many, 9_000, EVERYTHING).rows).toHaveLength(20);
});
