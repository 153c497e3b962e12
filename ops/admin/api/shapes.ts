import { z } from "zod";
import { addressOf } from "../../../core/accounts/addresses.ts";
import { type Caller, type SignedIn } from "../../../core/accounts/callers.ts";
import { REFRESH_DAYS } from "../../../core/accounts/sessions.ts";
import { AppError } from "../../../core/errors.ts";
import type { Page } from "../../../core/page.ts";
import { personOf, type Scope } from "../../../core/scope.ts";
import { LANGUAGES } from "../../../core/text/text.ts";
import { refreshCookie } from "../cookies.ts";
import type { Reply } from "./endpoint.ts";

const ADDRESS_CHARS_MAX = 254;
const LIMIT_MAX = 100;
const LIMIT_USUAL = 50;

export const role = z.enum(["owner", "admin", "member"]);
export const id = z.uuid();
export const moment = z.iso.datetime();
/** One address, in the one spelling that is stored. */
export const email = z
  .string()
  .max(ADDRESS_CHARS_MAX)
  .transform((text, context) => {
    const address = addressOf(text);
    if (address !== null) return address;
    context.addIssue({ code: "custom", message: "is not an e-mail address" });
    return z.NEVER;
  });
export const team = z.strictObject({ id, name: z.string() });
const user = z.strictObject({
  id: z.uuid().describe("This person in this team: what members, the audit log and usage name."),
  name: z.string(),
  email: z.string().nullable(),
  role,
});

export const signedIn = z.strictObject({
  accessToken: z.string().describe("For the header `Authorization: Bearer …`."),
  tokenType: z.literal("Bearer"),
  expiresIn: z.int().describe("Seconds."),
  user,
  team,
});

export const me = z.strictObject({
  user,
  team,
  language: z.enum(LANGUAGES),
  timeZone: z.string(),
  hasPassword: z.boolean(),
  hasTelegram: z.boolean(),
});

/** Which part of a list is wanted. */
export const pageQuery = z.strictObject({
  after: z.uuid().optional().describe("The `next` of the page before."),
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_USUAL),
});

export function pageShape<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe("The `after` of the following page; null at the end."),
  });
}

export function pageAnswer<Item, Shown>(page: Page<Item>, show: (item: Item) => Shown) {
  return { items: page.items.map(show), next: page.next };
}

/** The answer to a sign-in or a refresh, with the cookie that goes on with it. */
export function signedInReply(result: SignedIn): Reply<z.output<typeof signedIn>> {
  const { accessToken, caller, refreshToken } = result;
  const body = {
    accessToken,
    tokenType: "Bearer" as const,
    expiresIn: result.expiresInSeconds,
    ...who(caller),
  };
  return { body, cookies: refreshToken === null ? [] : [refreshCookie(refreshToken, REFRESH_DAYS)] };
}

export function who({ scope, email }: Caller) {
  const { userId, name, role } = personOf(scope);
  return { user: { id: userId, name, email, role }, team: { id: scope.orgId, name: scope.team } };
}

/** The scope of the team in the address. A session acts for one team; any other has no address for it. */
export function scopeOf(call: { readonly caller: Caller; readonly params: { readonly id: string } }): Scope {
  if (call.params.id !== call.caller.scope.orgId) throw new AppError("team_unknown");
  return call.caller.scope;
}
