import { createHash } from "node:crypto";
import type { Failure } from "./classify.ts";
import { createTransport } from "./transport.ts";
import type { Fetch } from "./watchdog.ts";

const NAME_CHARS = 16;

/** The name of having no credential at all. */
export const NO_CREDENTIAL = "none";

/** A fetch that sends the credential, or why there is none to send. */
export type Opened = Fetch | Failure;

/**
 * What one call is made with, still closed. `credential` is what it is known by
 * in `ClaudeHealth`: another one, another name, which tells nothing about it.
 */
export type ClaudeAccess = {
  readonly credential: string;
  readonly kind: "api_key" | "oauth" | null;
  readonly open: () => Promise<Opened>;
  /** The same after Claude refused the token that was opened last: with a fresh one. Null for what does not change by itself. */
  readonly renew: (() => Promise<Opened>) | null;
};

export const NO_ACCESS: ClaudeAccess = {
  credential: NO_CREDENTIAL,
  kind: null,
  open: async () => ({ source: "credential", textShown: false }),
  renew: null,
};

/** The access of a key that somebody holds in hand. */
export function keyAccess(apiKey: string): ClaudeAccess {
  const transport = createTransport(apiKey, "api_key");
  return { credential: credentialName(apiKey), kind: "api_key", open: async () => transport, renew: null };
}

/** A hash of what makes a credential this one: whoever reads it learns nothing but whether two are the same. */
export function credentialName(what: string): string {
  return createHash("sha256").update(what).digest("hex").slice(0, NAME_CHARS);
}
