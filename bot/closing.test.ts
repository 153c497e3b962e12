import { expect, test } from "bun:test";
import { POLICIES, type ErrorKind } from "../core/claude/classify.ts";
import { FILE_FAILURES, type FileFailure } from "../core/chat/files.ts";
import type { Outcome } from "../core/chat/turns.ts";
import { LANGUAGES } from "../core/text/text.ts";
import { closingButtons, closingLine, withClosingLine } from "./closing.ts";
import type { RenderedPart } from "./render/answer.ts";

const CODE = "abcdefghjk";
const TURN = "turn-1";
const KINDS = [...(Object.keys(POLICIES) as ErrorKind[]), ...FILE_FAILURES]; // safe: the record has exactly these keys
// Asking again would fail again.
const IN_VAIN = ["bad_file", "file_too_large", "file_unreadable", "file_too_many_pages"];

const answered = (stopReason: string): Outcome => ({
  status: "answered",
  text: "An answer.",
  stopReason,
  usage: {
    inputTokens: 1,
    outputTokens: 1,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
  },
  model: "claude-sonnet-5-5",
});
const failed = (
  kind: ErrorKind | FileFailure,
  text = "",
  retryAfterSeconds: number | null = null,
): Outcome => ({
  status: "failed",
  text,
  usage: null,
  kind,
  retryAfterSeconds,
});
const labels = (outcome: Outcome) => closingButtons(outcome, "en", TURN).map(({ label }) => label);
const plain = (text: string): RenderedPart => ({ text, entities: [] });

test("an answer that simply ended has nothing under it; one that was cut can be continued", () => {
  expect(closingLine(answered("end_turn"), "en", CODE)).toBeNull();
  expect(labels(answered("end_turn"))).toEqual([]);
  expect(closingLine(answered("max_tokens"), "en", CODE)).toContain("length limit");
  expect(closingButtons(answered("max_tokens"), "en", TURN)).toEqual([
    { label: "Continue", kind: "continue", turnId: TURN },
  ]);
});

test("a stopped answer says so, also when there was none yet, and can be asked again", () => {
  expect(closingLine({ status: "stopped", text: "Half an", usage: null }, "en", CODE)).toBe("Stopped.");
  expect(closingLine({ status: "stopped", text: " \n", usage: null }, "en", CODE)).toBe(
    "Stopped before there was an answer.",
  );
  expect(labels({ status: "stopped", text: "", usage: null })).toEqual(["Retry"]);
});

test("every failure has a sentence with its reference and a way on, in every language", () => {
  for (const language of LANGUAGES) {
    for (const kind of KINDS) {
      const line = closingLine(failed(kind), language, CODE);
      expect(line).toContain(CODE);
      expect(line).not.toMatch(/claude_|failed_/); // the name of a sentence that does not exist
      expect(closingButtons(failed(kind), language, TURN)).toHaveLength(IN_VAIN.includes(kind) ? 0 : 1);
      const interrupted = closingLine(failed(kind, "Half an"), language, CODE) ?? "";
      expect(interrupted.endsWith(line ?? "-")).toBe(true);
      expect(interrupted.length).toBeGreaterThan(line?.length ?? 0);
    }
  }
  expect(labels(failed("overloaded"))).toEqual(["Retry"]);
  expect(labels(failed("too_long"))).toEqual(["New chat"]); // asking again would fail again
});

test("how long to wait is what Claude said, else half a minute", () => {
  expect(closingLine(failed("rate_limited", "", 7), "en", CODE)).toContain("in 7 s");
  expect(closingLine(failed("rate_limited"), "en", CODE)).toContain("in 30 s");
});

test("the line stands in italics under the last part", () => {
  expect(withClosingLine([plain("One"), plain("Two")], null)).toEqual([plain("One"), plain("Two")]);
  const bold = { type: "bold" as const, offset: 0, length: 3 };
  expect(withClosingLine([plain("One"), { text: "🎉 Two", entities: [bold] }], "Stopped.")).toEqual([
    plain("One"),
    { text: "🎉 Two\n\nStopped.", entities: [bold, { type: "italic", offset: 8, length: 8 }] },
  ]);
});

test("where it does not fit it is a message of its own, and no part grows beyond what Telegram takes", () => {
  const line = "Stopped.";
  expect(withClosingLine([], line)).toEqual([plain(line)]);
  const file: RenderedPart = { file: { name: "code-1.ts", language: "ts", content: "x" } };
  expect(withClosingLine([file], line)).toEqual([file, plain(line)]);

  const room = 4096 - line.length - 2;
  const [fits] = withClosingLine([plain("a".repeat(room))], line);
  expect(fits).toMatchObject({ text: `${"a".repeat(room)}\n\n${line}` });
  const full = plain("a".repeat(room + 1));
  expect(withClosingLine([full], line)).toEqual([full, plain(line)]);

  const marked = (count: number): RenderedPart => ({
    text: "a".repeat(count),
    entities: Array.from({ length: count }, (_, offset) => ({ type: "bold", offset, length: 1 })),
  });
  expect(withClosingLine([marked(99)], line)).toHaveLength(1);
  expect(withClosingLine([marked(100)], line)).toEqual([marked(100), plain(line)]);
});
