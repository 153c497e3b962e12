import type { Fetch } from "./watchdog.ts";

const API_VERSION = "2026-10-21";
const STREAM_TYPE = "text/event-stream";
const JSON_TYPE = "application/json";

// The SDK takes further headers from a variable of the host (beta features, other keys): only its own pass.
const SDK_HEADERS = /^(?:accept|content-type|user-agent|x-stainless-.+)$/;

class UnexpectedContentError extends Error {
  readonly code = "UNEXPECTED_CONTENT";
}

// What the API wants to hear beside an OAuth token.
const OAUTH_BETA = "oauth-2025-04-20";

/**
 * A fetch for one API key or access token. It sends no header that did not come from the SDK itself, follows no redirect, and
 * rejects a success that is neither the stream of an answer nor the JSON of what was read: a captive portal or a
 * proxy answered.
 */
export function createTransport(secret: string, kind: "api_key" | "oauth"): Fetch {
  return async (input, init) => {
    const headers = new Headers();
    new Headers(init?.headers).forEach((value, name) => {
      if (SDK_HEADERS.test(name)) headers.set(name, value);
    });
    headers.set("authorization", `Bearer ${secret}`);
    if (kind === "oauth") headers.set("anthropic-beta", OAUTH_BETA);
    headers.set("anthropic-version", API_VERSION);
    const response = await fetch(input, { ...init, headers, redirect: "error" });
    const expected = init?.method === "POST" ? STREAM_TYPE : JSON_TYPE;
    if (response.ok && response.headers.get("content-type")?.startsWith(expected) !== true) {
      await response.body?.cancel();
      throw new UnexpectedContentError(`The answer is not ${expected}`);
    }
    return response;
  };
}
