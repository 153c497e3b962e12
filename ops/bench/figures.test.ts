import { expect, test } from "bun:test";
import { isMet, quantile, tableOf } from "./figures.ts";

test("a table names the ratio to the baseline and a goal that was missed", () => {
  const table = tableOf({
    figures: [
      { what: "a turn, p50", value: 12.5, unit: "ms", baseline: 5, goal: { atMost: 15 } },
      { what: "turns", value: 250, unit: "/s", goal: { atLeast: 300 } },
    ],
    notes: ["budgets per chat raised"],
  });
  expect(table.split("\n")).toEqual([
    "| figure      | measured | baseline | ratio | goal         |",
    "|-------------|----------|----------|-------|--------------|",
    "| a turn, p50 | 12.5 ms  | 5 ms     | 2.50  | ≤ 15         |",
    "| turns       | 250 /s   |          |       | ≥ 300 MISSED |",
    "",
    "budgets per chat raised",
  ]);
  expect(isMet({ what: "turns", value: 300, unit: "/s", goal: { atLeast: 300 } })).toBe(true);
});

test("a quantile is one of the samples", () => {
  const samples = [9, 1, 7, 3, 5];
  expect([0, 0.2, 0.5, 0.99, 1].map((share) => quantile(samples, share))).toEqual([1, 1, 5, 9, 9]);
  expect(quantile([], 0.5)).toBeNaN();
});
