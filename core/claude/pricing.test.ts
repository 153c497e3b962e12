import { expect, test } from "bun:test";
import { createPrices, parsePrice, usageOf } from "./pricing.ts";

const NOTHING = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
};

const NOW = Date.parse("2026-11-20T12:00:00Z");
const { costOf } = createPrices();

/** What a million tokens of each kind cost, in dollars. */
function pricesOf(prices: ReturnType<typeof createPrices>, model: string, at: number): number[] {
  const million = 1_000_000;
  return Object.keys(NOTHING).map(
    (kind) => prices.costOf(model, { ...NOTHING, [kind]: million }, at).microUsd / million,
  );
}

test("a million tokens of each kind cost the published price of that day", () => {
  const known = createPrices();
  expect(pricesOf(known, "claude-sonnet-5-5", NOW)).toEqual([2, 10, 0.1, 2.5, 4]);
  expect(pricesOf(known, "claude-sonnet-5-5", Date.parse("2026-10-06T23:59:59Z"))).toEqual([
    2, 10, 0.2, 2.5, 4,
  ]);
  expect(pricesOf(known, "claude-sonnet-5-5", 0)).toEqual([2, 10, 0.2, 2.5, 4]);
  expect(pricesOf(known, "claude-sonnet-5", NOW)).toEqual([2, 10, 0.2, 2.5, 4]);
});

test("an operator's own price holds from its day on, for models old and new", () => {
  const own = ["claude-sonnet-6@2026-11-20=3/15/0.3/3.75/6", "claude-sonnet-5-5@2026-10-07=1/5/0.05/1.25/2"];
  const prices = createPrices(own.map(parsePrice).filter((price) => price !== null));
  expect(pricesOf(prices, "claude-sonnet-6", NOW)).toEqual([3, 15, 0.3, 3.75, 6]);
  expect(pricesOf(prices, "claude-sonnet-5-5", NOW)).toEqual([1, 5, 0.05, 1.25, 2]);
  expect(prices.costOf("claude-sonnet-6", NOTHING, NOW).exact).toBe(true);
});

test("a call costs whole micro-dollars, rounded up, and nothing used costs nothing", () => {
  expect(costOf("claude-sonnet-5-5", NOTHING, NOW)).toEqual({ microUsd: 0, exact: true });
  expect(costOf("claude-sonnet-5-5", { ...NOTHING, cacheReadTokens: 1 }, NOW).microUsd).toBe(1);
  expect(costOf("claude-sonnet-5-5", { ...NOTHING, cacheReadTokens: 30 }, NOW).microUsd).toBe(3);
  const chat = { ...NOTHING, inputTokens: 6000, outputTokens: 350, cacheReadTokens: 4000 };
  expect(costOf("claude-sonnet-5-5", chat, NOW)).toEqual({ microUsd: 12_000 + 3500 + 400, exact: true });
});

test("a model without a price costs as much as the dearest one and says that it is a guess", () => {
  const usage = { ...NOTHING, inputTokens: 10, outputTokens: 10, cacheReadTokens: 100 };
  for (const model of ["claude-sonnet-9", "constructor", ""]) {
    expect(costOf(model, usage, NOW)).toEqual({ microUsd: 20 + 100 + 20, exact: false });
  }
});

test("cache writes of unknown kind count as the dearer one, and no token counts twice", () => {
  const reported = { input_tokens: 5, output_tokens: 6, cache_read_input_tokens: null };
  expect(usageOf({ ...reported, cache_creation_input_tokens: 100, cache_creation: null })).toEqual({
    inputTokens: 5,
    outputTokens: 6,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 100,
  });
  const split = usageOf({
    ...reported,
    cache_creation_input_tokens: 100,
    cache_creation: { ephemeral_5m_input_tokens: 30 },
  });
  expect(split).toMatchObject({ cacheWrite5mTokens: 30, cacheWrite1hTokens: 70 });
});
