import { expect, test } from "bun:test";
import { practiceScript } from "./practice.ts";
import type { MessagesRequest } from "./request.ts";

type Said = ["user" | "assistant" | "system", string];

function reply(...said: Said[]): string {
  return replyTo(said.map(([role, content]) => ({ role, content })));
}

function replyTo(messages: MessagesRequest["messages"]): string {
  const request = { model: "claude-sonnet-5-5", max_tokens: 4096, messages, headers: {} };
  const answer = practiceScript(request, { index: 0, lastUserText: "" });
  if (!("text" in answer) || answer.text === undefined) throw new Error("the practice model always answers");
  return answer.text;
}

const PRIVATE: Said = ["system", "It is now Monday.\nThis is a private chat with one member."];
const GROUP: Said = ["system", "It is now Monday.\nThis is a group chat."];

test("every answer says that it does not come from Claude", () => {
  const questions = [
    "hi",
    "show me formatting",
    "code",
    "a table",
    "a long answer",
    "the guide",
    "What is my name?",
    "12 + 7?",
  ];
  for (const question of questions) {
    expect(reply(["user", question], PRIVATE)).toStartWith("**Practice model, not Claude.**\n\n");
  }
});

test("an ordinary question is quoted line by line", () => {
  const text = reply(["user", "First line\nsecond line: with a colon"], PRIVATE);
  expect(text).toContain("> First line\n> second line: with a colon");
});

test("formatting, lists, code and tables can be asked for", () => {
  const all = reply(["user", "Show me formatting!"], PRIVATE);
  for (const sample of [/^# /m, /^## /m, /\*\*bold\*\*/, /^1\. /m, /^- /m, /^```ts$/m, /^\|---/m, /^> /m]) {
    expect(all).toMatch(sample);
  }
  expect(reply(["user", "a table please"], PRIVATE)).toMatch(/^\|---/m);
  expect(reply(["user", "some code"], PRIVATE)).toMatch(/^```ts\n[\s\S]+\n```$/m);
});

test("a long answer is longer than one Telegram message and complete", () => {
  const text = reply(["user", "Give me a really long answer"], PRIVATE);
  expect(text.length).toBeGreaterThan(4096);
  expect(text.length).toBeLessThan(12_000);
  const parts = [...text.matchAll(/^## Part (\d+) of (\d+)$/gm)].map((match) => Number(match[1]));
  expect(parts).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
});

test("the guide is as long as an answer of Claude's can be, with all that one can hold", () => {
  const text = reply(["user", "Write me the guide to moving our shop"], PRIVATE);
  expect(text.length).toBeGreaterThan(11_900);
  expect(text.length).toBeLessThan(13_000);
  for (const sample of [/^```ts$/m, /^\| -.*-: \|$/m, /^ {5,}- /m, /^- \[x\] /m, /^> /m, /^\$\$$/m])
    expect(text).toMatch(sample);
});

test("what came with a question is named", () => {
  const picture = {
    type: "image",
    source: { type: "base64", media_type: "image/png", data: "eA==" },
  } as const;
  const pdf = {
    type: "document",
    title: "a.pdf",
    source: { type: "base64", media_type: "application/pdf", data: "eA==" },
  } as const;
  const asked = { type: "text", text: "What differs?" } as const;
  const text = replyTo([{ role: "user", content: [picture, picture, pdf, asked] }]);
  expect(text).toContain("I got 2 pictures and “a.pdf”, but only Claude can look into them.");
  expect(text).toContain("> What differs?");
});

test("what was said before is remembered", () => {
  const history: Said[] = [
    ["user", "My name is Ann"],
    ["assistant", "Nice to meet you"],
    ["user", "I like tea"],
    ["assistant", "Good"],
  ];
  expect(reply(...history, ["user", "What is my name?"], PRIVATE)).toContain("Your name is Ann.");
  const recalled = reply(...history, ["user", "What did I say?"], PRIVATE);
  expect(recalled).toContain("> My name is Ann\n\n> I like tea");
  expect(reply(["user", "What is my name?"], PRIVATE)).toContain("have not told me");
  expect(reply(["user", "What did I say?"], PRIVATE)).toContain("have not said anything");
});

test("in a group people are told apart by the names before their messages", () => {
  const history: Said[] = [
    ["user", "Ann: My name is Annabel"],
    ["assistant", "Hello"],
    ["user", "Bob: hello\nAnn: I like tea\nand coffee"],
  ];
  expect(reply(...history, ["assistant", "ok"], ["user", "Ann: What is my name?"], GROUP)).toContain(
    "Annabel",
  );
  expect(reply(...history, ["assistant", "ok"], ["user", "Bob: What is my name?"], GROUP)).toContain(
    "is Bob.",
  );
  const recalled = reply(...history, ["assistant", "ok"], ["user", "Ann: What did I say?"], GROUP);
  expect(recalled).toContain("> I like tea\n> and coffee");
  expect(recalled).not.toContain("> hello");
  expect(reply(["user", "Ann: Where is the key?"], GROUP)).toContain(
    "message, Ann. You wrote:\n\n> Where is",
  );
});

test("a greeting is answered in its language", () => {
  expect(reply(["user", "Hallo!"], PRIVATE)).toContain("Schön");
  expect(reply(["user", "Привет"], PRIVATE)).toContain("Рад");
  expect(reply(["user", "Bob: Guten Morgen"], GROUP)).toContain("Schön");
  expect(reply(["user", "hello"], PRIVATE)).toContain("Good to see you");
});
