import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const RANDOM_BYTES = 32;

/** One attempt of a person to give a permission, from the link to the address that their browser comes back to. */
export type Authorization = {
  /** What the person opens. */
  readonly url: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly verifier: string;
};

/** Asks for an offline permission, with PKCE (RFC 7636, S256) and a state that nobody guesses. */
export function startAuthorization(ask: {
  authUrl: string;
  clientId: string;
  scopes: readonly string[];
  redirectUri: string;
}): Authorization {
  const [state, verifier] = [random(), random()];
  const url = new URL(ask.authUrl);
  const params = {
    response_type: "code",
    client_id: ask.clientId,
    redirect_uri: ask.redirectUri,
    scope: ask.scopes.join(" "),
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    access_type: "offline",
    // Without asking again, Google gives a refresh token only the first time.
    prompt: "consent",
  };
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  return { url: url.toString(), redirectUri: ask.redirectUri, state, verifier };
}

/**
 * The code in the address that the browser came back to, or why there is none:
 * `foreign` is an address that does not belong to this attempt.
 */
export function codeIn(
  authorization: Authorization,
  address: URL,
): { readonly code: string } | { readonly problem: "foreign" | "denied" | "no_code" } {
  const params = address.searchParams;
  if (!isSame(params.get("state") ?? "", authorization.state)) return { problem: "foreign" };
  if (params.has("error")) return { problem: "denied" };
  const code = params.get("code") ?? "";
  return code === "" ? { problem: "no_code" } : { code };
}

function random(): string {
  return randomBytes(RANDOM_BYTES).toString("base64url");
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
