const TOKENS_PER_PRICE = 1_000_000;

/** Tokens of one call, as the provider bills them; the five counts do not overlap. Output includes thinking. */
export type Usage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWrite5mTokens: number;
  readonly cacheWrite1hTokens: number;
};

/** The provider's own counts, as far as they matter for money. */
export type ReportedUsage = {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number | null;
  cache_creation_input_tokens: number | null;
  cache_creation: { ephemeral_5m_input_tokens: number } | null;
};

/** What a model costs from the day `since` (UTC) on, in micro-dollars per million tokens, so that every price is whole. */
export type Price = {
  readonly model: string;
  readonly since: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
};

/** `exact` is false when the price, or how much was used, is a guess: then it cost at least this. */
export type Cost = { readonly microUsd: number; readonly exact: boolean };

const SONNET_5 = {
  input: 2_000_000,
  output: 10_000_000,
  cacheRead: 200_000,
  cacheWrite5m: 2_500_000,
  cacheWrite1h: 4_000_000,
};

// Last compared with the published prices on 2026-11-20. CLAUDE_PRICES adds to it without a new version.
const PUBLISHED: readonly Price[] = [
  { model: "claude-sonnet-5", since: "2026-06-30", ...SONNET_5 },
  { model: "claude-sonnet-5-5", since: "2026-09-28", ...SONNET_5 },
  { model: "claude-sonnet-5-5", since: "2026-10-07", ...SONNET_5, cacheRead: 100_000 },
];

/**
 * The published prices and `own` ones, which win on the same day. A model without a price is charged as the
 * dearest known one and marked.
 */
export function createPrices(own: readonly Price[] = []) {
  const table = [...PUBLISHED, ...own].sort((a, b) => (a.since < b.since ? -1 : a.since > b.since ? 1 : 0));
  const dearest = dearestOf(table);

  return {
    /** What a call at this time (milliseconds) cost, in whole micro-dollars, rounded up. */
    costOf(model: string, usage: Usage, at: number): Cost {
      const day = new Date(at).toISOString().slice(0, 10);
      const known = table.filter((price) => price.model === model);
      // Before its first price a model was not sold; a clock that is wrong must not make it dearer.
      const price = known.findLast(({ since }) => since <= day) ?? known[0] ?? dearest;
      const scaled =
        usage.inputTokens * price.input +
        usage.outputTokens * price.output +
        usage.cacheReadTokens * price.cacheRead +
        usage.cacheWrite5mTokens * price.cacheWrite5m +
        usage.cacheWrite1hTokens * price.cacheWrite1h;
      return { microUsd: Math.ceil(scaled / TOKENS_PER_PRICE), exact: known.length > 0 };
    },
  };
}

export type Prices = ReturnType<typeof createPrices>;

/** All tokens of a call, whatever they cost. */
export function tokensOf(usage: Usage): number {
  return promptTokensOf(usage) + usage.outputTokens;
}

/** The tokens that Claude read, from its cache or not. */
export function promptTokensOf(usage: Usage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
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

/**
 * One price as an operator writes it: MODEL@DAY=INPUT/OUTPUT/CACHE_READ/CACHE_WRITE_5M/CACHE_WRITE_1H, in US
 * dollars per million tokens. Null when it is not that.
 */
export function parsePrice(text: string): Price | null {
  const [, model, since, amounts] = /^(claude-[\w.-]+)@(\d{4}-\d{2}-\d{2})=([\d./]+)$/.exec(text) ?? [];
  if (model === undefined || since === undefined || amounts === undefined) return null;
  const micro = amounts
    .split("/")
    .map((part) => (/^\d{1,4}(\.\d{1,6})?$/.test(part) ? Math.round(Number(part) * TOKENS_PER_PRICE) : null));
  const [input, output, cacheRead, cacheWrite5m, cacheWrite1h, ...more] = micro;
  const given = [input, output, cacheRead, cacheWrite5m, cacheWrite1h];
  if (more.length > 0 || !given.every((price) => typeof price === "number")) return null;
  return Number.isNaN(Date.parse(since))
    ? null
    : {
        model,
        since,
        input: input ?? 0,
        output: output ?? 0,
        cacheRead: cacheRead ?? 0,
        cacheWrite5m: cacheWrite5m ?? 0,
        cacheWrite1h: cacheWrite1h ?? 0,
      };
}

function dearestOf(prices: readonly Price[]): Omit<Price, "model" | "since"> {
  const most = (pick: (price: Price) => number) => Math.max(...prices.map(pick));
  return {
    input: most((price) => price.input),
    output: most((price) => price.output),
    cacheRead: most((price) => price.cacheRead),
    cacheWrite5m: most((price) => price.cacheWrite5m),
    cacheWrite1h: most((price) => price.cacheWrite1h),
  };
}
