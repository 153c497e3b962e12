import type { ClaudeMessage } from "../claude/messages.ts";
import { tokensOf, type Usage } from "../claude/pricing.ts";
import { systemPrompt, type Voice } from "../claude/prompt.ts";
import type { Scope } from "../scope.ts";
import type { Amount } from "./budget.ts";
import { fileTokensMax, type TurnFile } from "./files.ts";

const ANSWER_TOKENS_MAX = 4096;
const ANSWER_TOKENS_MAX_DOCUMENTS = 8192;

// English needs fewer, no language of ours needs more.
const TOKENS_PER_BYTE = 1 / 3;
// The bot's name and the facts at the end, which are not known yet.
const OTHER_BYTES = 256;

/** What a call costs at most, and the bytes of text in its prompt, as far as they are known before. */
export type Estimate = { readonly amount: Amount; readonly promptBytes: number | null };

/** How long the answer to a question with these files may get. */
export function answerTokensMax(files: readonly TurnFile[]): number {
  return files.some((file) => file.kind === "document") ? ANSWER_TOKENS_MAX_DOCUMENTS : ANSWER_TOKENS_MAX;
}

/**
 * Nothing is found in Claude's cache, everything is written there, and the answer is as long as it may be. Files are
 * not in `promptBytes`, which is null when there are any.
 */
export function estimateOf(
  scope: Scope,
  call: {
    voice: Voice;
    messages: readonly ClaudeMessage[];
    files?: readonly TurnFile[];
    maxTokens: number;
  },
): Estimate {
  const { app } = scope;
  const { files = [] } = call;
  const prompt = systemPrompt({ name: scope.team, botName: "", voice: call.voice });
  const system = Buffer.byteLength(prompt) + OTHER_BYTES;
  const said = call.messages.reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0);
  const usage: Usage = {
    inputTokens: files.reduce((tokens, file) => tokens + fileTokensMax(file), 0),
    outputTokens: call.maxTokens,
    cacheReadTokens: 0,
    cacheWrite5mTokens: tokensIn(said),
    cacheWrite1hTokens: tokensIn(system),
  };
  const { microUsd } = app.prices.costOf(app.claude.model, usage, app.clock.now());
  const tokens = tokensOf(usage);
  return { amount: { microUsd, tokens }, promptBytes: files.length === 0 ? system + said : null };
}

/** At most so many tokens are in this many bytes of text. */
export function tokensIn(bytes: number): number {
  return Math.ceil(bytes * TOKENS_PER_BYTE);
}
