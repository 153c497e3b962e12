import { sql } from "drizzle-orm";
import { createHash, createHmac, randomInt } from "node:crypto";
import type { Tx } from "../../db/client.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { queueMail } from "../mail.ts";
import { personOf, type Scope } from "../scope.ts";
import { hashOf, isToken, newToken } from "./callers.ts";

export const LINK_MINUTES = 10;
const CODE_DIGITS = 6;
/** More than one, so that whoever asks for mails to somebody's address does not make theirs useless. */
const LIVE_LINKS_MAX = 3;

/** What a link would do. */
export type MagicLink = {
  readonly purpose: "login" | "link_telegram";
  readonly email: string;
  readonly orgId: string;
  readonly userId: string;
  readonly team: string;
  readonly locale: string;
  /** The Telegram account that will be tied to the address, as it calls itself. */
  readonly telegramName: string | null;
  /** The Telegram account that the person has today. */
  readonly telegramUserId: number | null;
  readonly codeNeeded: boolean;
};

/** Who is behind the hand that asks: a browser by its cookie, or a Telegram account by itself. */
type Asker =
  | { readonly purpose: "login"; readonly binding: string }
  | { readonly purpose: "link_telegram"; readonly scope: Scope | null; readonly telegram: Telegram };

type Link = {
  readonly email: string;
  readonly code: string;
  readonly asker: Asker;
  readonly correlationId: string;
};

type SignInRequest = { readonly email: string; readonly binding: string; readonly correlationId: string };

/** What mails to an address are counted by. */
type MailCounter = "mail" | "invited";

type Telegram = { readonly id: number; readonly name: string };

/**
 * A link asked for over HTTP. Takes the same time and says the same for every
 * address, known or not, also when it has been asked for too often. Returns the
 * code that completes the link elsewhere than in the browser that has `binding`.
 * Throws `mail_not_set_up`.
 */
export async function issueSignInLink(app: App, input: SignInRequest): Promise<string> {
  return issueSignIn(app, input, "mail");
}

/**
 * The same for whoever has just joined by a mailed invite. Counted apart: the
 * mail of the invite may have come a moment ago, and this one was promised.
 */
export async function issueLinkAfterInvite(app: App, input: SignInRequest): Promise<void> {
  await issueSignIn(app, input, "invited");
}

async function issueSignIn(
  app: App,
  { email, binding, correlationId }: SignInRequest,
  counter: MailCounter,
): Promise<string> {
  if (!app.mail.connected) throw new AppError("mail_not_set_up");
  const code = newCode();
  if ((await mailWaitMs(app, email, counter)) > 0) return code;
  const asker = { purpose: "login", binding } as const;
  await inSystem(app, (tx) => store(tx, app, { email, code, asker, correlationId }));
  return code;
}

/**
 * Whether one more mail may go to an address; charges it. Before the transaction
 * that queues the mail, because the limits are asked over the network.
 * Throws `mail_not_set_up` and `mail_too_often`.
 */
export async function admitMail(app: App, email: string): Promise<void> {
  if (!app.mail.connected) throw new AppError("mail_not_set_up");
  const waitMs = await mailWaitMs(app, email);
  if (waitMs > 0) throw new AppError("mail_too_often", { minutes: Math.ceil(waitMs / 60_000) });
}

/**
 * A link that ties an address to the Telegram account that asks, which is told
 * the code in its private chat, once `admitMail` has let it through.
 */
export async function issueTelegramLink(
  scope: Scope,
  input: { email: string; telegram: Telegram },
): Promise<string> {
  const { app } = scope;
  const code = newCode();
  const asker = { purpose: "link_telegram", scope, telegram: input.telegram } as const;
  await inTenant(scope, async (tx) => {
    await store(tx, app, { email: input.email, code, asker, correlationId: scope.correlationId });
    await audit(tx, scope, "auth.link");
  });
  return code;
}

/**
 * The same for a stranger, who gets no further by it than to the address's own
 * mail. False when none may go there now, which is not said: nobody learns
 * whether anybody else asked. Throws `mail_not_set_up` and `too_many_requests`.
 */
export async function admitStranger(
  app: App,
  input: { email: string; telegramUserId: number },
): Promise<boolean> {
  if (!app.mail.connected) throw new AppError("mail_not_set_up");
  const charge = { key: `{stranger:${input.telegramUserId}}:login`, ...app.limitRules.signIn.account };
  const { allowed, retryAfterMs } = await app.limits.take([charge]);
  if (!allowed) throw new AppError("too_many_requests", { seconds: Math.ceil(retryAfterMs / 1_000) });
  return (await mailWaitMs(app, input.email)) === 0;
}

/**
 * A link for a stranger: whoever joined by mail gives their account its first
 * Telegram account with it. Stored for every address, and mailed only to one of
 * such an account. Returns the code; without `isMailed` one that opens nothing.
 */
export async function issueStrangerLink(
  app: App,
  input: { email: string; telegram: Telegram; isMailed: boolean; correlationId: string },
): Promise<string> {
  const { email, telegram, isMailed, correlationId } = input;
  const code = newCode();
  if (!isMailed) return code;
  const asker = { purpose: "link_telegram", scope: null, telegram } as const;
  await inSystem(app, (tx) => store(tx, app, { email, code, asker, correlationId }));
  return code;
}

/** What a link would do, for the browser that has `binding`. Uses nothing up; null when the link is gone. */
export async function inspectMagicLink(
  app: App,
  input: { token: string; binding: string | null },
): Promise<MagicLink | null> {
  if (!isToken(input.token)) return null;
  const [row] = await inSystem(app, (tx) =>
    tx.execute<{
      purpose: MagicLink["purpose"];
      email: string;
      org_id: string;
      user_id: string;
      team: string;
      locale: string;
      telegram_name: string | null;
      telegram_user_id: string | null;
      code_needed: boolean;
    }>(sql`SELECT * FROM auth.magic_link(${hashOf(input.token)}, ${bindingOf(input.binding)})`),
  );
  if (row === undefined) return null;
  return {
    purpose: row.purpose,
    email: row.email,
    orgId: row.org_id,
    userId: row.user_id,
    team: row.team,
    locale: row.locale,
    telegramName: row.telegram_name,
    telegramUserId: row.telegram_user_id === null ? null : Number(row.telegram_user_id),
    codeNeeded: row.code_needed,
  };
}

async function store(tx: Tx, app: App, link: Link): Promise<void> {
  const token = newToken();
  const { asker, correlationId } = link;
  const who =
    asker.purpose === "login"
      ? { account: null, org: null, binding: bindingOf(asker.binding), telegram: null, name: null }
      : {
          account: asker.scope === null ? null : personOf(asker.scope).accountId,
          org: asker.scope?.orgId ?? null,
          binding: null,
          telegram: asker.telegram.id,
          name: asker.telegram.name,
        };
  await tx.execute(sql`SELECT auth.issue_magic_link(${hashOf(token)}, ${asker.purpose}, ${link.email}, ${who.account}::uuid, ${who.org}::uuid,
    ${who.binding}, ${codeHash(app, token, link.code)}, ${who.telegram}::bigint, ${who.name}::text, make_interval(mins => ${LINK_MINUTES}), ${LIVE_LINKS_MAX})`);
  await queueMail(tx, { app, correlationId }, { kind: "magic_link", token });
}

/** Charges one mail to an address; 0, or how long until another may go there. */
async function mailWaitMs(app: App, email: string, counter: MailCounter = "mail"): Promise<number> {
  const key = `{${counter}:${createHash("sha256").update(email).digest("base64url")}}`;
  const charges = app.limitRules.magicLink.map((rule) => ({ key: `${key}:${rule.windowMs}`, ...rule }));
  return (await app.limits.take(charges)).retryAfterMs;
}

function newCode(): string {
  return String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, "0");
}

function bindingOf(cookie: string | null): Uint8Array | null {
  return cookie === null ? null : hashOf(cookie);
}

/** Six digits can be tried out by whoever reads the table, so their hash needs a key that is not in it. */
export function codeHash(app: App, token: string, code: string): Uint8Array {
  return createHmac("sha256", app.vault.derive("magic-link-code")).update(`${token}:${code}`).digest();
}
