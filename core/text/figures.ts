import { languageOf } from "./text.ts";

const MICRO_USD = 1_000_000;

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
