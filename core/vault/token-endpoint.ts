import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Secret } from "./secret.ts";

/** The operator's client at one authorization server. `secret` is null for a public client. */
export type OAuthClient = {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly secret: Secret | null;
};

/**
 * What the server granted. `refreshToken` is null when the one before stays
 * good; `expiresAt` is milliseconds by our own clock, counted from before the
 * request, so that a slow answer and a wrong clock there do no harm.
 */
export type Tokens = {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly expiresAt: number;
  readonly scopes: readonly string[];
};

/**
 * `refused`: the grant is worth nothing any more. `misconfigured`: the server
 * does not know our client, or does not understand us. `away`: it may work later.
 * `detail` is for the log: a code, never what the server wrote.
 */
export type TokenReply =
  | { readonly outcome: "granted"; readonly tokens: Tokens }
  | { readonly outcome: "refused" | "misconfigured" | "away"; readonly detail: string };

export type TokenEndpoint = ReturnType<typeof createTokenEndpoint>;

const REQUEST_MS_MAX = 10_000;
const BODY_CHARS_MAX = 64 * 1024;
const LIFETIME_SECONDS = 3600; // where the server does not say
// A server that is away is not asked by everybody who needs a token meanwhile.
const AWAY_MS = 5_000;

const printable = z.string().regex(/^[\x21-\x7E]{1,16384}$/);
const granted = z.object({
  access_token: printable,
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.coerce.number().nonnegative().max(31_536_000).default(LIFETIME_SECONDS),
  refresh_token: printable.optional(),
  scope: z.string().max(8_192).optional(),
});
const failed = z.object({ error: z.string().regex(/^[a-z_]{1,64}$/) });

/** The token endpoint of RFC 6749. Follows no redirect; an answer is bounded in time and size. */
export function createTokenEndpoint(client: OAuthClient, clock: Clock) {
  let awayUntil = 0;

  async function request(grant: Record<string, string>, signal?: AbortSignal): Promise<TokenReply> {
    if (clock.now() < awayUntil) return { outcome: "away", detail: "away a moment ago" };
    const reply = await ask(client, grant, clock, signal);
    if (reply.outcome === "away") awayUntil = clock.now() + AWAY_MS;
    return reply;
  }

  return {
    clientId: client.clientId,
    /** Trades a code for the first tokens. */
    exchange: (code: { code: string; verifier: string; redirectUri: string }) =>
      request({
        grant_type: "authorization_code",
        code: code.code,
        code_verifier: code.verifier,
        redirect_uri: code.redirectUri,
      }),
    /** Trades a refresh token for an access token, and often for the next refresh token. */
    refresh: (refreshToken: string) => request({ grant_type: "refresh_token", refresh_token: refreshToken }),
  };
}

async function ask(
  client: OAuthClient,
  grant: Record<string, string>,
  clock: Clock,
  signal: AbortSignal = AbortSignal.timeout(REQUEST_MS_MAX),
): Promise<TokenReply> {
  const startedAt = clock.now();
  const body = new URLSearchParams({ ...grant, client_id: client.clientId });
  if (client.secret !== null) body.set("client_secret", client.secret.expose());
  try {
    const response = await fetch(client.tokenUrl, {
      method: "POST",
      body,
      headers: { accept: "application/json" },
      redirect: "error",
      signal,
    });
    return replyOf(response.status, await textOf(response), startedAt);
  } catch (err) {
    return { outcome: "away", detail: codeOf(err) };
  }
}

function replyOf(status: number, text: string, startedAt: number): TokenReply {
  const json = jsonOf(text);
  if (status === 200) {
    const { data } = granted.safeParse(json);
    if (data === undefined) return { outcome: "away", detail: "unreadable answer" };
    return {
      outcome: "granted",
      tokens: {
        accessToken: data.access_token,
        refreshToken: data.refresh_token ?? null,
        expiresAt: startedAt + data.expires_in * 1_000,
        scopes: data.scope?.split(" ").filter((scope) => scope !== "") ?? [],
      },
    };
  }
  if (status >= 500 || status === 429 || status === 408) return { outcome: "away", detail: String(status) };
  const error = failed.safeParse(json).data?.error;
  // Without a word of RFC 6749 it was no token endpoint that answered.
  if (error === undefined) return { outcome: "away", detail: `${status} unreadable` };
  return { outcome: error === "invalid_grant" ? "refused" : "misconfigured", detail: error };
}

async function textOf(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > BODY_CHARS_MAX) break;
  }
  return text;
}

// Undefined for what is not JSON: the parser's own error would quote it, and it may hold tokens.
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(err: unknown): string {
  if (!(err instanceof Error)) return "unknown";
  return "code" in err && typeof err.code === "string" ? err.code : err.name;
}
