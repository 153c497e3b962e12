import type { MiddlewareHandler } from "hono";
import { problemResponse } from "./problem.ts";
import type { AdminEnv } from "./request.ts";

const READS = new Set(["GET", "HEAD", "OPTIONS"]);
const PREFLIGHT_SECONDS = 600;
const EXPOSED = "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";
const ASKABLE = "Authorization, Content-Type, X-Request-Id";

/**
 * Keeps other sites away: what changes something and comes from a page must
 * come from ours, or from one that `allowed` names exactly. A request without
 * the headers of a browser comes from none. Answers the preflights of allowed
 * pages; everybody else gets no CORS header at all.
 */
export function guardOrigins(settings: {
  own: string;
  allowed: readonly string[];
}): MiddlewareHandler<AdminEnv> {
  const allowed = new Set(settings.allowed);
  return async (c, next) => {
    const origin = c.req.header("Origin");
    const isAllowed = origin !== undefined && allowed.has(origin);
    const isPreflight =
      c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") !== undefined;
    if (isPreflight && isAllowed) c.res = new Response(null, { status: 204 });
    else if (!READS.has(c.req.method) && !isAllowed && isForeign(c.req.raw, settings.own))
      c.res = problemResponse({ status: 403, correlationId: c.get("correlationId") });
    else await next();

    c.header("Vary", "Origin", { append: true });
    if (!isAllowed) return;
    c.header("Access-Control-Allow-Origin", origin);
    c.header("Access-Control-Allow-Credentials", "true");
    c.header("Access-Control-Expose-Headers", EXPOSED);
    if (!isPreflight) return;
    c.header("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE");
    c.header("Access-Control-Allow-Headers", ASKABLE);
    c.header("Access-Control-Max-Age", String(PREFLIGHT_SECONDS));
  };
}

function isForeign({ headers }: Request, own: string): boolean {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  return (origin !== null && origin !== own) || (site !== null && site !== "same-origin" && site !== "none");
}
