import { expect, test } from "bun:test";
import { createTestDatabase } from "../../db/test-db.ts";
import type { Block } from "./claude/request.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { greyPng } from "./picture.ts";
import { openStage } from "./stage.ts";
import type { Sending } from "./telegram/acts.ts";
import { pdfOf } from "./test-files.ts";
import { ALICE, BOB, GROUP, hasButton, startWorld, type World } from "./world.ts";

const MB = 1024 * 1024;
const PHOTO = {
  from: ALICE,
  kind: "photo",
  name: "p.png",
  mime: "image/png",
  bytes: greyPng(640, 480),
} as const;
const PDF = {
  from: ALICE,
  kind: "document",
  name: "a.pdf",
  mime: "application/pdf",
  bytes: pdfOf(2),
} as const;

const counting: ClaudeScript = (request) => {
  const blocks = lastQuestion(request.messages);
  const shown = blocks.map((block) => (block.type === "text" ? block.text : nameOf(block)));
  return { text: `I see ${shown.join(" + ")}` };
};

type Messages = readonly { role: string; content: string | Block[] }[];

function lastQuestion(messages: Messages): Block[] {
  const content = messages.findLast((message) => message.role === "user")?.content ?? [];
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function nameOf(block: Block): string {
  if (block.type === "document") return `<${block.title ?? "document"} as ${block.source.type}>`;
  return `<${block.type}>`;
}

function text(words: string): Uint8Array {
  return new TextEncoder().encode(words);
}

const document = (name: string, mime: string, bytes: Uint8Array): Sending => ({ ...PDF, name, mime, bytes });
const downloads = (world: World) => world.telegram.calls.filter(({ method }) => method === "download").length;

test("photos, PDFs and texts go to Claude with their caption as the question; later only their marks are left", async () => {
  await using world = await startWorld(counting);
  const { telegram } = world;
  await world.claimTeam();
  telegram.sendFile({ ...PHOTO, caption: "how many cups?" });
  await world.hears(ALICE, "I see <image> + how many cups?");
  telegram.sendFile({ ...PDF, caption: "sum it up" });
  await world.hears(ALICE, "I see <a.pdf as base64> + sum it up");
  telegram.sendFile(document("todo.ts", "video/mp2t", text("let milk = 2;\n")));
  await world.hears(ALICE, "I see <todo.ts as text> + What does this document say? Give me the essentials.");
  telegram.sendFile(PHOTO);
  await world.hears(ALICE, "I see <image> + What does this picture show?");

  telegram.say({ from: ALICE, text: "and now?" });
  await world.hears(ALICE, "I see and now?");
  const said = JSON.stringify(world.claude.requests.at(-1)?.messages);
  for (const mark of ["[photo]\\nhow many cups?", "[document a.pdf]\\nsum it up", "[document todo.ts]"])
    expect(said).toContain(mark);
  expect(said).not.toMatch(/"image"|"document"/);
  expect(downloads(world)).toBe(4);
  expect(world.claude.requests.map((request) => request.max_tokens)).toEqual([4096, 8192, 8192, 4096, 4096]);

  const log = JSON.stringify(world.log);
  for (const secret of ["SIMULATED_TELEGRAM_TOKEN", "a.pdf", "todo.ts", "how many cups"])
    expect(log).not.toContain(secret);
});

test("an album is one question with all of its photos; a file that is replied to belongs to the question", async () => {
  await using world = await startWorld(counting);
  const { telegram } = world;
  await world.claimTeam();
  const album = { ...PHOTO, mediaGroupId: "42" };
  telegram.sendFile({ ...album, caption: "which is larger?" });
  telegram.sendFile(album);
  const last = telegram.sendFile(album);
  await world.hears(ALICE, "I see <image> + <image> + <image> + which is larger?");
  telegram.say({ from: ALICE, text: "and in this one?", replyTo: last });
  await world.hears(ALICE, "I see <image> + (In reply to Alice, a photo)\n\nand in this one?");
  expect(world.claude.requests).toHaveLength(2);

  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  const overheard = telegram.sendFile({ ...PDF, from: BOB, chat: GROUP, caption: "minutes" });
  telegram.say({ from: ALICE, chat: GROUP, text: "@blockbot_demo_bot decisions?", replyTo: overheard });
  await world.hears(
    GROUP,
    "I see <a.pdf as base64> + Alice: (In reply to Bob, a document:)\n\nminutes\n\ndecisions?",
  );
  telegram.sendFile({ ...PHOTO, chat: GROUP, caption: "@blockbot_demo_bot what is it?" });
  await world.hears(GROUP, "I see <image> + Alice: what is it?");
});

test("a photo is taken in the largest size that Claude takes", async () => {
  await using world = await startWorld(counting);
  await world.claimTeam();
  const [original, smaller] = [greyPng(2560, 1920, 4 * MB), greyPng(1280, 960)];
  world.telegram.sendFile({ ...PHOTO, bytes: original, otherSizes: [smaller], caption: "fits?" });
  await world.hears(ALICE, "I see <image> + fits?");
  const [block] = lastQuestion(world.claude.requests[0]?.messages ?? []);
  if (block?.type !== "image" || block.source.type !== "base64") throw new Error("no picture came");
  expect(Buffer.from(block.source.data, "base64")).toEqual(Buffer.from(smaller));
});

test("everything else is refused by name, with its size where that is why, and nothing of it is fetched", async () => {
  await using world = await startWorld(counting);
  const { telegram } = world;
  await world.claimTeam();
  const refusals: [Sending, string][] = [
    [
      document("plan.docx", "application/msword", text("x")),
      "I cannot open “plan.docx”. I read photos, PDFs",
    ],
    [
      document("cat.heic", "image/heic", text("x")),
      "I cannot open “cat.heic” as it is. Send the picture as a photo.",
    ],
    [
      document("film.pdf", "application/pdf", new Uint8Array(20 * MB + 1)),
      "“film.pdf” has 20.1 MB, and I can take up to 20 MB",
    ],
    [
      document("raw.png", "image/png", greyPng(9, 9, 5 * MB)),
      "“raw.png” has 5.1 MB, and I can take pictures up to 3.7 MB",
    ],
    [
      { ...PDF, kind: "video", name: "v.mp4", mime: "video/mp4" },
      "I cannot read videos yet. I read text, photos, PDFs",
    ],
  ];
  for (const [sending, reply] of refusals) {
    telegram.sendFile(sending);
    await world.hears(ALICE, reply);
  }
  telegram.sendFile(document("cp1251.txt", "text/plain", new Uint8Array([0xcf, 0xf0, 0xe8])));
  const unreadable = await world.hears(ALICE, "I could not read that file: it has to be a picture");
  expect(hasButton(unreadable, "Retry")).toBe(false);
  expect(downloads(world)).toBe(1);
  expect(world.claude.requests).toHaveLength(0);
});

test("a file that cannot be fetched is one sentence with Retry, which fetches it again; so does Continue", async () => {
  let stopReason = "max_tokens";
  await using world = await startWorld((request, call) => ({ ...counting(request, call), stopReason }));
  const { telegram } = world;
  await world.claimTeam();
  const gone = "Bad Request: wrong file_id or the file is temporarily unavailable";
  telegram.fault({ method: "getFile", times: 1, kind: "error", errorCode: 400, description: gone });
  telegram.sendFile({ ...PHOTO, caption: "who is it?" });
  await world.hears(ALICE, "Telegram no longer gives me that file. Your question is kept");
  telegram.fault({ method: "download", times: 2, kind: "reset_after" });
  world.press(ALICE, "Retry");
  await world.hears(ALICE, "I could not get the file from Telegram in time. Your question is kept");
  telegram.clearFaults();
  expect(world.claude.requests).toHaveLength(0);

  world.press(ALICE, "Retry");
  const cut = await world.hears(ALICE, "I see <image> + who is it?");
  expect(cut.text).toContain("length limit");
  stopReason = "end_turn";
  world.press(ALICE, "Continue");
  await world.hears(ALICE, "I see <image> + Please go on exactly where your last answer stopped.");
  const said = JSON.stringify(world.claude.requests.at(-1)?.messages);
  expect(said).toContain("[photo]\\nwho is it?");
  expect(said).toContain("I see <image> + who is it?");
});

test("what Claude cannot open is said in one sentence; what Telegram holds back can be stopped", async () => {
  await using world = await startWorld(() => ({ status: 400, message: "Could not process image" }));
  const { telegram } = world;
  await world.claimTeam();
  telegram.sendFile({ ...PHOTO, caption: "broken" });
  const refused = await world.hears(ALICE, "Claude could not open that file");
  expect(refused.buttons).toEqual([]);
  telegram.fault({ method: "download", times: 1, kind: "hang" });
  telegram.sendFile({ ...PHOTO, caption: "slow" });
  await telegram.waitFor(() => downloads(world) === 2);
  telegram.say({ from: ALICE, text: "/stop" });
  await world.hears(ALICE, "Stopped before there was an answer.");
});

test("an edited caption is offered with its photo; one of a file that was refused is not refused again", async () => {
  await using world = await startWorld(counting);
  const { telegram } = world;
  await world.claimTeam();
  const refused = telegram.sendFile({
    ...document("plan.docx", "application/msword", text("x")),
    caption: "?",
  });
  await world.hears(ALICE, "I cannot open “plan.docx”");
  telegram.edit({ from: ALICE, messageId: refused, text: "sum it up" });
  const asked = telegram.sendFile({ ...PHOTO, caption: "how many cups?" });
  await world.hears(ALICE, "I see <image> + how many cups?");
  telegram.edit({ from: ALICE, messageId: asked, text: "how many spoons?" });
  await world.hears(ALICE, "You have edited your question");
  world.press(ALICE, "Answer the edited question");
  await world.hears(ALICE, "I see <image> + how many spoons?");
  expect(world.heard(ALICE).filter((message) => message.text.includes("plan.docx"))).toHaveLength(1);
});

test("a photo whose answer was killed is fetched again and answered after the restart", async () => {
  await using database = await createTestDatabase();
  await using stage = await openStage(database);
  const { telegram, claude } = stage;
  claude.setScript((request, call) => (call.index === 0 ? { fault: "no_headers" } : counting(request, call)));
  await stage.launch().ready;
  const [person = 0] = await stage.gather(1);
  telegram.sendFile({ ...PHOTO, from: person, caption: "how many cups?" });
  await telegram.waitFor(() => claude.requests.length === 1);
  await stage.kill();
  await stage.launch().ready;
  const answer = await stage.hears(person, "I see <image> + how many cups?");
  expect(answer.text).toStartWith("I was restarted and am answering this again.");
  expect(telegram.calls.filter(({ method }) => method === "download")).toHaveLength(2);
});
