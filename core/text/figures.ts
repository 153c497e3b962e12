import { languageOf } from "./text.ts";

const MICRO_USD = 1_000_000;
const BAR_CELLS = 10;

/** An amount in US dollars to the cent; what was not nothing is never shown as nothing. `exact: false` puts "≥" before it. */
export function dollarsText(locale: string, microUsd: number, exact = true): string {
  const cents = microUsd > 0 ? Math.max(1, Math.round(microUsd / (MICRO_USD / 100))) : 0;
  const text = new Intl.NumberFormat(languageOf(locale), { style: "currency", currency: "USD" }).format(
    cents / 100,
  );
  return exact ? text : `≥ ${text}`;
}

/** A count of tokens, in thousands or millions when it is long. */
export function tokensText(locale: string, tokens: number): string {
  return new Intl.NumberFormat(languageOf(locale), {
    notation: "compact",
    maximumSignificantDigits: 3,
  }).format(tokens);
}

/** A moment to the minute in the person's zone, which is named. Throws RangeError when `timeZone` is no IANA name. */
export function momentText(locale: string, timeZone: string, moment: Date): string {
  const language = languageOf(locale);
  const time = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    timeZone,
    day: "numeric",
    month: "long",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(moment);
  return `${time} (${timeZone})`;
}

/** A day in UTC and its month. */
export function dateText(locale: string, day: Date): string {
  const language = languageOf(locale);
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    timeZone: "UTC",
    day: "numeric",
    month: "long",
  }).format(day);
}

/** A day in UTC with its month and year. */
export function fullDateText(locale: string, day: Date): string {
  const language = languageOf(locale);
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    timeZone: "UTC",
    dateStyle: "long",
  }).format(day);
}

/** A month and its year; `period` is its first day in UTC, such as 2026-11-01. */
export function monthText(locale: string, period: string): string {
  return new Intl.DateTimeFormat(languageOf(locale), {
    timeZone: "UTC",
    month: "long",
    year: "numeric",
  }).format(new Date(period));
}

/** How much of something is used, as ten cells. Anything used fills a cell, and only what is used up fills all of them. */
export function barText(share: number): string {
  const cells =
    share <= 0 ? 0 : share >= 1 ? BAR_CELLS : clamp(Math.round(share * BAR_CELLS), 1, BAR_CELLS - 1);
  return "▰".repeat(cells) + "▱".repeat(BAR_CELLS - cells);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
