const TOKENS_PER_PRICE = 1_000_000;

/** Tokens of one call, as the provider bills them; the five counts do not overlap. Output includes thinking. */
export type Usage = {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
};

/** The provider's own counts, as far as they matter for money. */
export type ReportedUsage = {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number | null;
  cache_creation_input_tokens: number | null;
  cache_creation: { ephemeral_5m_input_tokens: number } | null;
};

type Price = { input: number; output: number; cacheRead: number; cacheWrite5m: number; cacheWrite1h: number };

// Micro-dollars per million tokens, so that every price is a whole number.
// Each row says since when the price holds; the table was last compared with the published prices on 2026-11-20.
const PRICES: Readonly<Record<string, Price>> = {
  // since 2026-10-07
  "claude-sonnet-5-5": {
    input: 2_000_000,
    output: 10_000_000,
    cacheRead: 100_000,
    cacheWrite5m: 2_500_000,
    cacheWrite1h: 4_000_000,
  },
  // since 2026-06-30
  "claude-sonnet-5": {
    input: 2_000_000,
    output: 10_000_000,
    cacheRead: 200_000,
    cacheWrite5m: 2_500_000,
    cacheWrite1h: 4_000_000,
  },
};

const DEAREST = dearestOf(Object.values(PRICES));

/**
 * What a call cost, in whole micro-dollars, rounded up. A model without a price is charged as the dearest
 * known one and marked `exact: false`.
 */
export function costOf(model: string, usage: Usage): { microUsd: number; exact: boolean } {
  const known = Object.hasOwn(PRICES, model) ? PRICES[model] : undefined;
  const price = known ?? DEAREST;
  const scaled =
    usage.inputTokens * price.input +
    usage.outputTokens * price.output +
    usage.cacheReadTokens * price.cacheRead +
    usage.cacheWrite5mTokens * price.cacheWrite5m +
    usage.cacheWrite1hTokens * price.cacheWrite1h;
  return { microUsd: Math.ceil(scaled / TOKENS_PER_PRICE), exact: known !== undefined };
}

/** Written cache of unknown kind counts as the dearer one. */
export function usageOf(reported: ReportedUsage): Usage {
  const written = reported.cache_creation_input_tokens ?? 0;
  const cacheWrite5mTokens = Math.min(reported.cache_creation?.ephemeral_5m_input_tokens ?? 0, written);
  return {
    inputTokens: reported.input_tokens,
    outputTokens: reported.output_tokens,
    cacheReadTokens: reported.cache_read_input_tokens ?? 0,
    cacheWrite5mTokens,
    cacheWrite1hTokens: written - cacheWrite5mTokens,
  };
}

export function addUsage(one: Usage, other: Usage): Usage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cacheReadTokens: one.cacheReadTokens + other.cacheReadTokens,
    cacheWrite5mTokens: one.cacheWrite5mTokens + other.cacheWrite5mTokens,
    cacheWrite1hTokens: one.cacheWrite1hTokens + other.cacheWrite1hTokens,
  };
}

function dearestOf(prices: readonly Price[]): Price {
  const most = (pick: (price: Price) => number) => Math.max(...prices.map(pick));
  return {
    input: most((price) => price.input),
    output: most((price) => price.output),
    cacheRead: most((price) => price.cacheRead),
    cacheWrite5m: most((price) => price.cacheWrite5m),
    cacheWrite1h: most((price) => price.cacheWrite1h),
  };
}
