import { Hono } from "hono";
import type { App } from "../../core/app.ts";
import { systemClock } from "../../core/clock.ts";
import { isPassing } from "../../core/pipeline/updates.ts";
import { newCorrelationId } from "../../core/scope.ts";
import { docsRoutes } from "./api/docs-page.ts";
import { ENDPOINTS } from "./api/endpoints.ts";
import { apiRoutes } from "./api/serve.ts";
import { detailsAccess } from "./details-access.ts";
import { healthRoutes } from "./health.ts";
import { magicRoutes } from "./magic-page.ts";
import { clientNetworks } from "./networks.ts";
import { guardOrigins } from "./origins.ts";
import { problemResponse } from "./problem.ts";
import { aroundRequest, type AdminEnv } from "./request.ts";

/** What the admin server needs to know besides its address. */
export type AdminSettings = {
  readonly healthToken: string | null;
  readonly trustedProxies: readonly string[];
  /** Origins besides our own whose pages may call the API. */
  readonly corsOrigins: readonly string[];
};

/** Where to listen; port 0 takes any free one. */
type Address = { readonly host: string; readonly port: number };

type Answer = (request: Request, peer: string | null) => Response | Promise<Response>;

const IDLE_TIMEOUT_SECONDS = 10;
const BODY_BYTES_MAX = 1024 * 1024;
const STOP_GRACE_MS = 3_000;
const READ_ONLY = "GET, HEAD";
const READ_ONLY_PATHS = [
  "/",
  "/health",
  "/health/live",
  "/health/ready",
  "/auth/magic",
  "/auth/magic.js",
  "/auth/invite",
  "/api/v1/docs",
  "/api/v1/openapi.json",
];

export type AdminDoor = ReturnType<typeof bindAdmin>;

/**
 * Takes the address of the admin HTTP interface, so that links to it can be
 * made before there is anything to serve; until `serve` is called every answer
 * is 503. `url` is where a person on this machine opens it. Throws when the
 * address cannot be bound, with the key to change. `serve` throws when a
 * setting cannot be read. `stop` lets running requests finish for three
 * seconds, then closes what is left; it may be called again.
 */
export function bindAdmin(address: Address) {
  let answer: Answer = () => problemResponse({ status: 503, correlationId: newCorrelationId() });
  const server = bind(address, (request, peer) => answer(request, peer));
  const urlHost = address.host.includes(":") ? `[${address.host}]` : address.host;
  const isWildcard = address.host === "0.0.0.0" || address.host === "::";
  return {
    url: `http://${isWildcard ? "localhost" : urlHost}:${server.port}`,
    serve(app: App, settings: AdminSettings): void {
      const routes = adminRoutes(app, settings);
      answer = (request, peer) => routes.fetch(request, { peer });
    },
    async stop(): Promise<void> {
      const timer = new AbortController();
      await Promise.race([server.stop(), systemClock.sleep(STOP_GRACE_MS, timer.signal)]);
      timer.abort();
      await server.stop(true);
    },
  };
}

function adminRoutes(app: App, settings: AdminSettings): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>();
  routes.use(aroundRequest(app));
  routes.use("/api/*", guardOrigins({ own: app.publicUrl, allowed: settings.corsOrigins }));
  routes.route("/", healthRoutes(app, detailsAccess(settings)));
  routes.route("/", magicRoutes());
  const networkOf = clientNetworks(settings.trustedProxies);
  routes.route("/api/v1", docsRoutes(app, ENDPOINTS));
  routes.route("/api/v1", apiRoutes({ app, networkOf }, ENDPOINTS));
  routes.get("/", (c) => c.redirect("/health"));
  for (const path of READ_ONLY_PATHS) {
    routes.all(path, (c) =>
      problemResponse({ status: 405, correlationId: c.get("correlationId"), headers: { Allow: READ_ONLY } }),
    );
  }
  routes.notFound((c) => problemResponse({ status: 404, correlationId: c.get("correlationId") }));
  routes.onError((err, c) =>
    problemResponse({ status: isPassing(err) ? 503 : 500, correlationId: c.get("correlationId") }),
  );
  return routes;
}

function bind(address: Address, answer: Answer) {
  try {
    return Bun.serve({
      hostname: address.host,
      port: address.port,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      development: false, // Bun's development page shows stack traces to whoever asks
      reusePort: false, // else, without development, a second program would silently share the port
      maxRequestBodySize: BODY_BYTES_MAX,
      fetch: (request, server) => answer(request, server.requestIP(request)?.address ?? null),
    });
  } catch (err) {
    throw new Error(bindFailure(address, err), { cause: err });
  }
}

function bindFailure({ host, port }: Address, err: unknown): string {
  const code = err instanceof Error && "code" in err ? String(err.code) : "unknown error";
  if (code === "EADDRINUSE") {
    return `Port ${port} on ${host} is already in use. Stop the program that uses it, or set PORT to a free one.`;
  }
  if (code === "EACCES") return `Port ${port} needs rights that this user lacks. Set PORT to 1024 or above.`;
  return `Cannot listen on ${host}, port ${port} (${code}). Set HOST to an address of this machine and PORT to a free port.`;
}
