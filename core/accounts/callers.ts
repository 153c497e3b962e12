import { sql } from "drizzle-orm";
import { createHash, randomBytes } from "node:crypto";
import type { Tx } from "../../db/client.ts";
import { inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { personOf, type Role, type Scope } from "../scope.ts";
import { ACCESS_MINUTES } from "./tokens.ts";

const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;

export type SignInMethod = "magic_link" | "password";

/** A person in a live session, with the rights of this moment. */
export type Caller = {
  readonly scope: Scope;
  readonly sessionId: string;
  readonly method: SignInMethod;
  /** How long ago they signed in. */
  readonly ageSeconds: number;
  readonly email: string | null;
  readonly hasPassword: boolean;
  readonly hasTelegram: boolean;
  readonly epoch: number;
};

/** What a client keeps after signing in or refreshing. `refreshToken` is null when it keeps the one that it has. */
export type SignedIn = {
  readonly caller: Caller;
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string | null;
};

/** What every verb about sessions needs to know of the request. */
export type Visitor = { readonly userAgent: string; readonly correlationId: string };

/** A session as its refresh token finds it. */
export type FoundSession = { session_id: string; account_id: string; org_id: string; usable: boolean };

/**
 * Who holds an access token, if it is good and the database agrees with all it
 * says: the session lives, nothing was called back since, the person is in the
 * team with that role. Throws `session_gone` otherwise.
 */
export async function callerOfToken(app: App, accessToken: string, correlationId: string): Promise<Caller> {
  const claims = await app.tokens.verify(accessToken);
  if (claims === null) throw new AppError("session_gone");
  const { sessionId, epoch } = claims;
  const caller = await inSystem(app, (tx) => callerIn(tx, app, { sessionId, epoch, correlationId }));
  if (caller === null) throw new AppError("session_gone");
  const { accountId, role } = personOf(caller.scope);
  if (accountId !== claims.accountId || role !== claims.role || caller.scope.orgId !== claims.orgId)
    throw new AppError("session_gone");
  return caller;
}

/** Who holds a refresh token that could be used now, without using it: for a page that only looks. */
export async function callerOfRefresh(
  app: App,
  refreshToken: string,
  correlationId: string,
): Promise<Caller | null> {
  return inSystem(app, async (tx) => {
    const session = await sessionOfRefresh(tx, refreshToken);
    if (session?.usable !== true) return null;
    return callerIn(tx, app, { sessionId: session.session_id, epoch: null, correlationId });
  });
}

type RawCaller = {
  session_id: string;
  account_id: string;
  org_id: string;
  team: string;
  user_id: string;
  role: Role;
  display_name: string;
  email: string | null;
  locale: string;
  time_zone: string;
  epoch: number;
  method: SignInMethod;
  age_seconds: number;
  has_password: boolean;
  telegram_user_id: string | null;
};

/** Who speaks in a session; null when it, the account or the membership has ended, or when the epoch is another. */
export async function callerIn(
  tx: Tx,
  app: App,
  wanted: { sessionId: string; epoch: number | null; correlationId: string },
): Promise<Caller | null> {
  const [row] = await tx.execute<RawCaller>(
    sql`SELECT * FROM auth.session(${wanted.sessionId}::uuid, ${wanted.epoch}::int)`,
  );
  if (row === undefined) return null;
  const { correlationId } = wanted;
  const actor = {
    type: "user",
    userId: row.user_id,
    accountId: row.account_id,
    role: row.role,
    name: row.display_name,
  } as const;
  const log = app.log.child({ orgId: row.org_id, userId: row.user_id, correlationId });
  return {
    scope: {
      app,
      orgId: row.org_id,
      team: row.team,
      actor,
      correlationId,
      locale: row.locale,
      timeZone: row.time_zone,
      log,
    },
    sessionId: row.session_id,
    method: row.method,
    ageSeconds: row.age_seconds,
    email: row.email,
    hasPassword: row.has_password,
    hasTelegram: row.telegram_user_id !== null,
    epoch: row.epoch,
  };
}

/** The session of a refresh token, live or not. */
export async function sessionOfRefresh(tx: Tx, refreshToken: string): Promise<FoundSession | undefined> {
  if (!isToken(refreshToken)) return undefined;
  const [row] = await tx.execute<FoundSession>(
    sql`SELECT * FROM auth.session_of_refresh(${hashOf(refreshToken)})`,
  );
  return row;
}

/** A fresh access token for a caller, beside the refresh token that comes with it. */
export async function signedIn(app: App, caller: Caller, refreshToken: string | null): Promise<SignedIn> {
  const { scope, sessionId, epoch } = caller;
  const { accountId, role } = personOf(scope);
  const accessToken = await app.tokens.sign({ accountId, orgId: scope.orgId, role, sessionId, epoch });
  return { caller, accessToken, expiresInSeconds: ACCESS_MINUTES * 60, refreshToken };
}

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/** Whether a text has the form of what `newToken` makes. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** How a token is stored. Ours have at least 120 bits of entropy, so one SHA-256 is enough; slow hashes are for things that people choose. */
export function hashOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
