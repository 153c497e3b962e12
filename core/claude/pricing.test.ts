import { expect, test } from "bun:test";
import { costOf, usageOf } from "./pricing.ts";

const NOTHING = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
};

test("a million tokens of each kind cost the published price in micro-dollars", () => {
  const million = 1_000_000;
  const prices = (model: string) =>
    Object.keys(NOTHING).map((kind) => costOf(model, { ...NOTHING, [kind]: million }).microUsd / million);
  expect(prices("claude-sonnet-5-5")).toEqual([2, 10, 0.1, 2.5, 4]);
  expect(prices("claude-sonnet-5")).toEqual([2, 10, 0.2, 2.5, 4]);
});

test("a call costs whole micro-dollars, rounded up, and nothing used costs nothing", () => {
  expect(costOf("claude-sonnet-5-5", NOTHING)).toEqual({ microUsd: 0, exact: true });
  expect(costOf("claude-sonnet-5-5", { ...NOTHING, cacheReadTokens: 1 }).microUsd).toBe(1);
  expect(costOf("claude-sonnet-5-5", { ...NOTHING, cacheReadTokens: 30 }).microUsd).toBe(3);
  const chat = { ...NOTHING, inputTokens: 6000, outputTokens: 350, cacheReadTokens: 4000 };
  expect(costOf("claude-sonnet-5-5", chat)).toEqual({ microUsd: 12_000 + 3500 + 400, exact: true });
});

test("a model without a price costs as much as the dearest one and says that it is a guess", () => {
  const usage = { ...NOTHING, inputTokens: 10, outputTokens: 10, cacheReadTokens: 100 };
  for (const model of ["claude-sonnet-9", "constructor", ""]) {
    expect(costOf(model, usage)).toEqual({ microUsd: 20 + 100 + 20, exact: false });
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
