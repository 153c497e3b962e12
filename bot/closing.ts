import type { ButtonSpec } from "../core/buttons.ts";
import { isFileFailure } from "../core/chat/files.ts";
import type { Notice } from "../core/chat/notice.ts";
import type { Outcome } from "../core/chat/turns.ts";
import { sentence } from "../core/text/text.ts";
import { plainPart, type RenderedPart } from "./render/answer.ts";

const TEXT_UNITS_MAX = 4096;
const ENTITIES_MAX = 100;
const RETRY_SECONDS = 30;
// Claude's reason for stopping when a conversation with its answer has more tokens than it takes.
const WINDOW_FULL = "model_context_window_exceeded";
// The same file would fail in the same way.
const IN_VAIN: ReadonlySet<string> = new Set([
  "file_too_large",
  "file_unreadable",
  "file_too_many_pages",
  "bad_file",
]);

/** What stands under an answer that did not simply end, in the person's language; null when it did, or nothing is to be said. */
export function closingLine(
  outcome: Outcome,
  locale: string,
  correlationId: string,
  notice: Notice = "plain",
): string | null {
  const empty = outcome.text.trim() === "";
  switch (outcome.status) {
    case "answered":
      if (outcome.stopReason === WINDOW_FULL) return sentence(locale, "answer_window_full");
      return outcome.stopReason === "max_tokens" ? sentence(locale, "answer_cut") : null;
    case "stopped":
      return sentence(locale, empty ? "answer_stopped_early" : "answer_stopped");
    case "failed": {
      if (notice === "silent") return null;
      const params = { seconds: outcome.retryAfterSeconds ?? RETRY_SECONDS, code: correlationId };
      const why = isFileFailure(outcome.kind)
        ? sentence(locale, `failed_${outcome.kind}`, params)
        : sentence(locale, `claude_${outcome.kind}`, params);
      return [
        ...(empty ? [] : [sentence(locale, "answer_interrupted")]),
        why,
        ...(notice === "promise" ? [sentence(locale, "kept_promise")] : []),
      ].join(" ");
    }
  }
}

/** What the person can do next. */
export function closingButtons(outcome: Outcome, locale: string, turnId: string): ButtonSpec[] {
  const retry: ButtonSpec = { label: sentence(locale, "button_retry"), kind: "retry", turnId };
  const anew: ButtonSpec = { label: sentence(locale, "button_new_chat"), kind: "new_chat", turnId };
  switch (outcome.status) {
    case "answered":
      if (outcome.stopReason === WINDOW_FULL) return [anew];
      return outcome.stopReason === "max_tokens"
        ? [{ label: sentence(locale, "button_continue"), kind: "continue", turnId }]
        : [];
    case "stopped":
      return [retry];
    case "failed":
      if (outcome.kind === "too_long") return [anew];
      return IN_VAIN.has(outcome.kind) ? [] : [retry];
  }
}

/** The closing line under the last part when it fits there, else in a part of its own. */
export function withClosingLine(parts: readonly RenderedPart[], line: string | null): RenderedPart[] {
  if (line === null) return [...parts];
  const last = parts.at(-1);
  if (
    last === undefined ||
    "file" in last ||
    last.text.length + line.length + 2 > TEXT_UNITS_MAX ||
    last.entities.length >= ENTITIES_MAX
  )
    return [...parts, ...plainPart(line)];
  const italic = { type: "italic" as const, offset: last.text.length + 2, length: line.length };
  return [...parts.slice(0, -1), { text: `${last.text}\n\n${line}`, entities: [...last.entities, italic] }];
}
