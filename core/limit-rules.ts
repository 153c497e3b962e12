import { z } from "zod";

/** At most `limit` within any `windowMs`. */
type Rule = { readonly limit: number; readonly windowMs: number };

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const COUNT_MAX = 200_000;

/** The keys of the environment that set a limit, each with what holds without it. */
export const LIMIT_KEYS = {
  LIMIT_FLOOD_PER_10_SECONDS: count(60),
  LIMIT_PERSON_PER_MINUTE: count(20),
  LIMIT_TEAM_PER_MINUTE: count(200),
  LIMIT_API_ENDPOINT_PER_MINUTE: count(100),
  LIMIT_API_PERSON_PER_HOUR: count(1_000),
  LIMIT_API_TEAM_PER_HOUR: count(10_000),
  LIMIT_SIGN_IN_ADDRESS_PER_15_MINUTES: count(10),
  LIMIT_SIGN_IN_ACCOUNT_PER_15_MINUTES: count(5),
  LIMIT_MAGIC_LINK_PER_MINUTE: count(1),
  LIMIT_MAGIC_LINK_PER_15_MINUTES: count(3),
  LIMIT_MAGIC_LINK_PER_DAY: count(10),
  LIMIT_REFRESH_PER_MINUTE: count(30),
};

/** Every limit of the product. A charge is a rule with a key: `{ key, ...rules.bot.person }`. */
export function limitRulesOf(values: { readonly [Key in keyof typeof LIMIT_KEYS]: number }) {
  return {
    /** Updates of one Telegram person, before anybody is looked up. */
    flood: rule(values.LIMIT_FLOOD_PER_10_SECONDS, 10 * SECOND_MS),
    /** Questions to Claude. */
    bot: {
      person: rule(values.LIMIT_PERSON_PER_MINUTE, MINUTE_MS),
      team: rule(values.LIMIT_TEAM_PER_MINUTE, MINUTE_MS),
    },
    /** Requests with an access token; `endpoint` counts one person at one endpoint. */
    api: {
      endpoint: rule(values.LIMIT_API_ENDPOINT_PER_MINUTE, MINUTE_MS),
      person: rule(values.LIMIT_API_PERSON_PER_HOUR, HOUR_MS),
      team: rule(values.LIMIT_API_TEAM_PER_HOUR, HOUR_MS),
    },
    /** Everything that proves who somebody is: by network address, and by account. */
    signIn: {
      address: rule(values.LIMIT_SIGN_IN_ADDRESS_PER_15_MINUTES, 15 * MINUTE_MS),
      account: rule(values.LIMIT_SIGN_IN_ACCOUNT_PER_15_MINUTES, 15 * MINUTE_MS),
    },
    /** Mails to one address; all of them hold. */
    magicLink: [
      rule(values.LIMIT_MAGIC_LINK_PER_MINUTE, MINUTE_MS),
      rule(values.LIMIT_MAGIC_LINK_PER_15_MINUTES, 15 * MINUTE_MS),
      rule(values.LIMIT_MAGIC_LINK_PER_DAY, 24 * HOUR_MS),
    ],
    /** Refreshes of one session. */
    refresh: rule(values.LIMIT_REFRESH_PER_MINUTE, MINUTE_MS),
  };
}

export type LimitRules = ReturnType<typeof limitRulesOf>;

function rule(limit: number, windowMs: number): Rule {
  return { limit, windowMs };
}

function count(otherwise: number) {
  const range = `must be a whole number from 1 to ${COUNT_MAX}`;
  return z.coerce
    .number({ error: range })
    .int(range)
    .min(1, "must be at least 1")
    .max(COUNT_MAX, range)
    .default(otherwise);
}
