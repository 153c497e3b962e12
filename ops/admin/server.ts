import { Hono } from "hono";
import type { App } from "../../core/app.ts";
import { detailsAccess } from "./details-access.ts";
import { healthRoutes } from "./health.ts";
import { problemResponse } from "./problem.ts";
import { aroundRequest, type AdminEnv } from "./request.ts";

type AdminSettings = {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly healthToken: string | null;
  readonly trustedProxies: readonly string[];
};

const IDLE_TIMEOUT_SECONDS = 10;
const BODY_BYTES_MAX = 1024 * 1024;
const STOP_GRACE_MS = 3_000;
const READ_ONLY = "GET, HEAD";

/**
 * Serves the admin HTTP interface. `url` is where a person on this machine opens
 * it. Throws when the address cannot be bound or a setting cannot be read, with
 * the key to change. `stop` lets running requests finish for three seconds, then
 * closes what is left.
 */
export function startAdmin(app: App, settings: AdminSettings): { url: string; stop(): Promise<void> } {
  const routes = adminRoutes(app, settings);
  const server = bind(settings, (request, peer) => routes.fetch(request, { peer }));
  const urlHost = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  const isWildcard = settings.host === "0.0.0.0" || settings.host === "::";
  return {
    url: `http://${isWildcard ? "localhost" : urlHost}:${server.port}`,
    async stop() {
      const timer = new AbortController();
      await Promise.race([server.stop(), app.clock.sleep(STOP_GRACE_MS, timer.signal)]);
      timer.abort();
      await server.stop(true);
    },
  };
}

function adminRoutes(app: App, settings: AdminSettings): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>();
  routes.use(aroundRequest(app.log));
  routes.route("/", healthRoutes(app, detailsAccess(settings)));
  routes.get("/", (c) => c.redirect("/health"));
  for (const path of ["/", "/health", "/health/live", "/health/ready"]) {
    routes.all(path, (c) =>
      problemResponse({ status: 405, correlationId: c.get("correlationId"), headers: { Allow: READ_ONLY } }),
    );
  }
  routes.notFound((c) => problemResponse({ status: 404, correlationId: c.get("correlationId") }));
  routes.onError((_err, c) => problemResponse({ status: 500, correlationId: c.get("correlationId") }));
  return routes;
}

type Answer = (request: Request, peer: string | null) => Response | Promise<Response>;

function bind(settings: AdminSettings, answer: Answer) {
  try {
    return Bun.serve({
      hostname: settings.host,
      port: settings.port,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      development: false, // Bun's development page shows stack traces to whoever asks
      reusePort: false, // else, without development, a second program would silently share the port
      maxRequestBodySize: BODY_BYTES_MAX,
      fetch: (request, server) => answer(request, server.requestIP(request)?.address ?? null),
    });
  } catch (err) {
    throw new Error(bindFailure(settings, err), { cause: err });
  }
}

function bindFailure({ host, port }: AdminSettings, err: unknown): string {
  const code = err instanceof Error && "code" in err ? String(err.code) : "unknown error";
  if (code === "EADDRINUSE") {
    return `Port ${port} on ${host} is already in use. Stop the program that uses it, or set PORT to a free one.`;
  }
  if (code === "EACCES") return `Port ${port} needs rights that this user lacks. Set PORT to 1024 or above.`;
  return `Cannot listen on ${host}, port ${port} (${code}). Set HOST to an address of this machine and PORT to a free port.`;
}
