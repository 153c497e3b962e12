import { expect, test } from "bun:test";
import { barText, dollarsText, momentText, monthText, tokensText } from "./figures.ts";
import { LANGUAGES } from "./text.ts";

// ICU puts no-break spaces into numbers.
const plain = (text: string) => text.replaceAll(/[\u00A0\u202F]/gu, " ");
const inAll = (say: (locale: string) => string) => LANGUAGES.map((locale) => plain(say(locale)));

test("amounts are told in the person's own way, and nothing that was spent looks like nothing", () => {
  expect(inAll((locale) => dollarsText(locale, 1_234_560_000))).toEqual([
    "$1,234.56",
    "1.234,56 $",
    "1 234,56 $",
  ]);
  expect(dollarsText("en", 0)).toBe("$0.00");
  expect(dollarsText("en", 1)).toBe("$0.01");
  expect(dollarsText("en", 14_999)).toBe("$0.01");
  expect(dollarsText("de-AT", 3_200_000, false)).toStartWith("≥ 3,20");
  expect(inAll((locale) => tokensText(locale, 1_234_567))).toEqual(["1.23M", "1,23 Mio.", "1,23 млн"]);
  expect(tokensText("en", 999)).toBe("999");
});

test("moments are told in the person's zone, months are whole ones of UTC", () => {
  const moment = new Date("2026-12-01T00:00:00Z");
  expect(inAll((locale) => momentText(locale, "America/New_York", moment))).toEqual([
    "30 November at 19:00 (America/New_York)",
    "30. November um 19:00 (America/New_York)",
    "30 ноября в 19:00 (America/New_York)",
  ]);
  expect(inAll((locale) => monthText(locale, "2026-11-01"))).toEqual([
    "November 2026",
    "November 2026",
    "ноябрь 2026 г.",
  ]);
});

test("a bar is empty only for nothing and full only when everything is used", () => {
  const filled = (share: number) => barText(share).split("▰").length - 1;
  expect([0, 0.001, 0.5, 0.999, 1, 3].map(filled)).toEqual([0, 1, 5, 9, 10, 10]);
  expect(barText(0.3)).toHaveLength(10);
});
