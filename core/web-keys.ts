import { z } from "zod";
import { httpUrl, isOrigin, list } from "./config-values.ts";

const SECRET_BYTES_MIN = 32;
const SECRET_CHARS_MIN = 12; // different ones; random base64 or hex of this length has more
const REAL_RESEND = "https://api.resend.com";
const LOCAL_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const SENDER = /^([^<>@\r\n]+<[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+)$/;

/** The keys of the environment about mail, sign-in and the API. */
export const WEB_KEYS = {
  RESEND_API_KEY: z.string().startsWith("re_", "must be a key of Resend, such as re_…").optional(),
  RESEND_BASE_URL: httpUrl("must be an http or https address").default(REAL_RESEND),
  MAIL_FROM: z
    .string()
    .regex(SENDER, "must be an address of a domain that Resend knows, such as BlockBot <bot@example.com>")
    .optional(),
  JWT_SECRET: list
    .refine(
      (secrets) =>
        secrets.length > 0 && secrets.every((secret) => Buffer.byteLength(secret) >= SECRET_BYTES_MIN),
      { error: `must be at least ${SECRET_BYTES_MIN} bytes: openssl rand -base64 48`, abort: true },
    )
    .refine(
      (secrets) => secrets.every((secret) => new Set(secret).size >= SECRET_CHARS_MIN),
      "must be random, but is a pattern: openssl rand -base64 48",
    )
    .optional(),
  PUBLIC_URL: z
    .string()
    .transform(withoutSlash)
    .refine(isOrigin, "must be an address without a path, such as https://bot.example.com")
    .optional(),
  CORS_ORIGINS: list
    .transform((origins) => origins.map(withoutSlash))
    .refine(
      (origins) => origins.every(isOrigin),
      "must be origins, such as https://app.example.com, separated by commas",
    )
    .default([]),
};

type Values = z.infer<z.ZodObject<typeof WEB_KEYS>>;

/** What this part of the environment says. */
export function webOf(values: Values) {
  return {
    /** Through Resend; `null` without a key. */
    mail:
      values.RESEND_API_KEY === undefined || values.MAIL_FROM === undefined
        ? null
        : { apiKey: values.RESEND_API_KEY, baseUrl: values.RESEND_BASE_URL, from: values.MAIL_FROM },
    /** The first signs access tokens, all of them are accepted. */
    jwtSecrets: values.JWT_SECRET ?? null,
    /** The origin under which people reach the admin server, without a slash at its end. */
    publicUrl: values.PUBLIC_URL ?? null,
    /** Origins besides our own whose pages may call the API. */
    corsOrigins: values.CORS_ORIGINS,
  };
}

/** What is wrong only together. A mail that leads nowhere is worse than none, and so is a sign-in whose cookies a browser drops. */
export function webProblems(values: Values, telegramIsReal: boolean): string[] {
  const { RESEND_API_KEY: key, MAIL_FROM: from, PUBLIC_URL: url } = values;
  const problems: string[] = [];
  if (key !== undefined && from === undefined)
    problems.push("MAIL_FROM: is needed beside RESEND_API_KEY, such as BlockBot <bot@example.com>");
  if (key !== undefined && url === undefined && telegramIsReal)
    problems.push("PUBLIC_URL: is needed beside RESEND_API_KEY; mailed links begin with it");
  if (url !== undefined && !isSecure(url))
    problems.push("PUBLIC_URL: must be https; browsers keep the cookies of a sign-in for https only");
  return problems;
}

function isSecure(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === "https:" || LOCAL_NAME.test(hostname);
}

function withoutSlash(address: string): string {
  return address.replace(/\/$/, "");
}
