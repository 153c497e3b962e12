import { createHash, randomBytes } from "node:crypto";

/** The one client, and how long what it gets is good for. */
export type GrantRules = {
  readonly clientId: string;
  /** Null: a public client. */
  readonly clientSecret: string | null;
  /** Every refresh brings a new refresh token and uses up the old one. */
  readonly rotates: boolean;
  readonly codeSeconds: number;
  readonly accessSeconds: number;
  readonly refreshSeconds: number;
};

/** An error of RFC 6749, section 5.2; with `violation` because of what the client did, not because time passed. */
type GrantError = {
  readonly error: string;
  readonly description: string;
  readonly status: 400 | 401;
  readonly violation: boolean;
};
export type GrantResult = { readonly body: Readonly<Record<string, string | number>> } | GrantError;

type Family = { readonly scope: string; revoked: boolean };
type Code = Asked & { readonly family: Family; readonly expiresAt: number; used: boolean };
type Token = { readonly family: Family; readonly expiresAt: number; used: boolean };

/** What an authorization request asked for. */
export type Asked = {
  readonly redirectUri: string;
  readonly scope: string;
  readonly challenge: string;
  readonly offline: boolean;
};

const TOKEN_BYTES = 24;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/**
 * What the server remembers of codes and tokens. A code and a rotated refresh
 * token work once: used again, everything that came from them is revoked.
 */
export function createGrants(rules: GrantRules, now: () => number) {
  const book: Book = { rules, now, codes: new Map(), access: new Map(), refresh: new Map() };
  return {
    /** What the person allowed, as the code that the client gets. */
    allow(asked: Asked): string {
      const code = `code-${randomBytes(TOKEN_BYTES).toString("base64url")}`;
      const family: Family = { scope: asked.scope, revoked: false };
      book.codes.set(code, { ...asked, family, expiresAt: now() + rules.codeSeconds * 1_000, used: false });
      return code;
    },

    /** The token endpoint, after the client has been recognised. */
    grant(params: ReadonlyMap<string, string>): GrantResult {
      const kind = params.get("grant_type");
      if (kind === "authorization_code") return exchange(book, params);
      if (kind === "refresh_token") return renew(book, params);
      return mistake("unsupported_grant_type", "authorization_code or refresh_token");
    },

    /** RFC 7009: a token that is not known is no error. */
    revoke(token: string): void {
      const known = book.refresh.get(token) ?? book.access.get(token);
      if (known !== undefined) known.family.revoked = true;
    },

    /** A refresh token as it would come from another sign-in. */
    issueRefreshToken: (scope = "inference"): string => newRefresh(book, { scope, revoked: false }),
    /** Whether a resource would take this access token now. */
    accepts(token: string): boolean {
      const known = book.access.get(token);
      return known !== undefined && !known.used && !known.family.revoked && known.expiresAt > now();
    },
    /** Ends one access token early, as a resource may do at any time. */
    endAccess(token: string): void {
      const known = book.access.get(token);
      if (known !== undefined) known.used = true;
    },
    /** The person takes back all that they have ever allowed. */
    revokeAll(): void {
      for (const { family } of book.refresh.values()) family.revoked = true;
    },
  };
}

type Book = {
  readonly rules: GrantRules;
  readonly now: () => number;
  readonly codes: Map<string, Code>;
  readonly access: Map<string, Token>;
  readonly refresh: Map<string, Token>;
};

function exchange(book: Book, params: ReadonlyMap<string, string>): GrantResult {
  const verifier = params.get("code_verifier") ?? "";
  if (!VERIFIER.test(verifier)) return mistake("invalid_request", "code_verifier is missing or malformed");
  const code = book.codes.get(params.get("code") ?? "");
  if (code === undefined) return mistake("invalid_grant", "no such code");
  if (code.used) {
    code.family.revoked = true;
    return mistake("invalid_grant", "the code was used before; its tokens are revoked");
  }
  code.used = true;
  if (code.expiresAt <= book.now()) return expired("the code has expired");
  if (params.get("redirect_uri") !== code.redirectUri)
    return mistake("invalid_grant", "another redirect_uri than the code was given to");
  if (createHash("sha256").update(verifier).digest("base64url") !== code.challenge)
    return mistake("invalid_grant", "code_verifier does not match");
  const tokens = newAccess(book, code.family);
  return { body: code.offline ? { ...tokens, refresh_token: newRefresh(book, code.family) } : tokens };
}

function renew(book: Book, params: ReadonlyMap<string, string>): GrantResult {
  const given = params.get("refresh_token");
  if (given === undefined) return mistake("invalid_request", "refresh_token is missing");
  const token = book.refresh.get(given);
  if (token === undefined) return mistake("invalid_grant", "no such refresh token");
  if (token.used) {
    token.family.revoked = true;
    return mistake("invalid_grant", "the refresh token was used before; its family is revoked");
  }
  if (token.family.revoked) return expired("the permission was taken back");
  if (token.expiresAt <= book.now()) return expired("the refresh token has expired");
  if (!book.rules.rotates) return { body: newAccess(book, token.family) };
  token.used = true;
  return { body: { ...newAccess(book, token.family), refresh_token: newRefresh(book, token.family) } };
}

function newAccess({ access, rules, now }: Book, family: Family) {
  const token = `at-${randomBytes(TOKEN_BYTES).toString("base64url")}`;
  access.set(token, { family, expiresAt: now() + rules.accessSeconds * 1_000, used: false });
  return {
    access_token: token,
    token_type: "Bearer",
    expires_in: rules.accessSeconds,
    scope: family.scope,
  };
}

function newRefresh({ refresh, rules, now }: Book, family: Family): string {
  const token = `rt-${randomBytes(TOKEN_BYTES).toString("base64url")}`;
  refresh.set(token, { family, expiresAt: now() + rules.refreshSeconds * 1_000, used: false });
  return token;
}

export function mistake(error: string, description: string, status: 400 | 401 = 400): GrantError {
  return { error, description, status, violation: true };
}

function expired(description: string): GrantError {
  return { error: "invalid_grant", description, status: 400, violation: false };
}
