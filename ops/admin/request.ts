import type { MiddlewareHandler } from "hono";
import type { App } from "../../core/app.ts";
import { newCorrelationId } from "../../core/scope.ts";

/** What every handler of the admin server finds in its context. `peer` is the address of the connection, `null` when it is gone. */
export type AdminEnv = {
  Bindings: { peer: string | null };
  Variables: { correlationId: string };
};

const PATH_CHARS_MAX = 200;
const HSTS_SECONDS = 365 * 86_400;
const REQUEST_ID = /^[A-Za-z0-9-]{8,64}$/;
const HEALTH_PATH = /^\/health(\/|$)/;
const NOTHING_LOADS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Around every request: a correlation id (the caller's `X-Request-Id` when it is a
 * plain one), the security headers, and one log line without query or headers. A
 * content security policy that the handler set is kept.
 */
export function aroundRequest({
  log,
  publicUrl,
}: Pick<App, "log" | "publicUrl">): MiddlewareHandler<AdminEnv> {
  const isSecure = publicUrl.startsWith("https:");
  return async (c, next) => {
    const startedAt = performance.now();
    const asked = c.req.header("X-Request-Id");
    const correlationId = asked !== undefined && REQUEST_ID.test(asked) ? asked : newCorrelationId();
    c.set("correlationId", correlationId);
    await next();

    c.header("X-Request-Id", correlationId);
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Referrer-Policy", "no-referrer");
    c.header("Cache-Control", "no-store");
    if (isSecure) c.header("Strict-Transport-Security", `max-age=${HSTS_SECONDS}`);
    if (!c.res.headers.has("Content-Security-Policy")) c.header("Content-Security-Policy", NOTHING_LOADS);

    // A HEAD is answered as a GET whose body is cut off later, and would then claim a length of 0.
    if (c.req.method === "HEAD") {
      c.header("Content-Length", String((await c.res.clone().arrayBuffer()).byteLength));
    }

    const line = {
      method: c.req.method,
      path: c.req.path.slice(0, PATH_CHARS_MAX),
      status: c.res.status,
      ms: Math.round(performance.now() - startedAt),
      correlationId,
    };
    if (c.res.status >= 500 && c.error !== undefined) log.error({ ...line, err: c.error }, "request");
    else if (HEALTH_PATH.test(c.req.path)) log.debug(line, "request");
    else log.info(line, "request");
  };
}
