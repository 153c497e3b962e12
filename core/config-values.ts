import { z } from "zod";

// The kinds of values that the environment holds, each with the sentence that says what is wrong with one.

export const httpUrl = (fix: string) => z.url({ protocol: /^https?$/, error: fix });

export const postgresUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: "must look like postgres://USER:PASSWORD@HOST:5432/DATABASE",
});

/** Whether a text is scheme, host and port of an http or https address, with nothing behind them. */
export function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

export const wholeNumber = (min: number, max: number) =>
  z.coerce
    .number({ error: `must be a whole number from ${min} to ${max}` })
    .int(`must be a whole number from ${min} to ${max}`)
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);

export const list = z.string().transform(listed);

export function listed(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
