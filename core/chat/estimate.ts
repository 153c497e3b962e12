import type { ClaudeMessage } from "../claude/client.ts";
import type { Usage } from "../claude/pricing.ts";
import { systemPrompt } from "../claude/prompt.ts";
import type { Scope } from "../scope.ts";
import type { Amount } from "./budget.ts";

/** How long an answer may get. */
export const ANSWER_TOKENS_MAX = 4096;

// English needs fewer, no language of ours needs more.
const TOKENS_PER_BYTE = 1 / 3;
// The bot's name and the facts at the end, which are not known yet.
const OTHER_BYTES = 512;

/**
 * What answering this question costs at most: nothing is found in Claude's cache, everything is written there, and
 * the answer is as long as it may be.
 */
export function estimateOf(
  scope: Scope,
  asked: { history: readonly ClaudeMessage[]; question: string },
): Amount {
  const system = systemPrompt({ name: scope.team, botName: "" });
  const said = asked.history.reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0);
  const usage: Usage = {
    inputTokens: 0,
    outputTokens: ANSWER_TOKENS_MAX,
    cacheReadTokens: 0,
    cacheWrite5mTokens: tokensIn(said + Buffer.byteLength(asked.question)),
    cacheWrite1hTokens: tokensIn(Buffer.byteLength(system) + OTHER_BYTES),
  };
  const { microUsd } = scope.app.prices.costOf(scope.app.claude.model, usage, scope.app.clock.now());
  return { microUsd, tokens: usage.outputTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens };
}

/** At most so many tokens are in this many bytes of text. */
export function tokensIn(bytes: number): number {
  return Math.ceil(bytes * TOKENS_PER_BYTE);
}
