import { Hono, type Context } from "hono";
import { callerOfRefresh } from "../../core/accounts/callers.ts";
import type { App } from "../../core/app.ts";
import { healthReport, isReady, type HealthReport } from "../../core/health.ts";
import { mayActAs } from "../../core/scope.ts";
import { cookiesOf } from "./cookies.ts";
import type { AdminEnv } from "./request.ts";
import { STATUS_PAGE_CSP, statusPage } from "./status-page.ts";

const REFRESH_SECONDS = 10;

/**
 * `/health`, `/health/live` and `/health/ready`. However many ask at once, the
 * parts are checked once at a time.
 */
export function healthRoutes(
  app: App,
  maySeeDetails: (request: Request, peer: string | null) => boolean,
): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>();
  const report = oneAtATime(() => healthReport(app));
  const ready = oneAtATime(() => isReady(app));

  routes.get("/health", async (c) => {
    const current = await report();
    const withDetails =
      maySeeDetails(c.req.raw, c.env.peer) ||
      (current.components.database.state === "ok" && (await isAdmin(app, c)));
    c.status(current.status === "down" ? 503 : 200);
    c.header("Vary", "Accept");
    return prefersHtml(c.req.header("Accept"))
      ? pageOf(c, current, withDetails)
      : c.json(withDetails ? current : publicPart(current));
  });
  routes.get("/health/live", (c) => c.json({ status: "live" }));
  routes.get("/health/ready", async (c) =>
    (await ready()) ? c.json({ status: "ready" }) : c.json({ status: "not_ready" }, 503),
  );
  return routes;
}

/** Whether an admin's browser asks. Its cookie is looked at and not used up. */
async function isAdmin(app: App, c: Context<AdminEnv>): Promise<boolean> {
  const { refresh } = cookiesOf(c.req.raw);
  if (refresh === null) return false;
  const caller = await callerOfRefresh(app, refresh, c.get("correlationId"));
  return caller !== null && mayActAs(caller.scope, "admin");
}

function pageOf(c: Context<AdminEnv>, report: HealthReport, withDetails: boolean) {
  c.header("Content-Security-Policy", STATUS_PAGE_CSP);
  c.header("Refresh", String(REFRESH_SECONDS));
  return c.html(statusPage(report, { withDetails, refreshSeconds: REFRESH_SECONDS }));
}

/** Names what everybody may see, so that a new field of the report stays private until it is added here. */
function publicPart(report: HealthReport) {
  const states = Object.entries(report.components).map(([name, { state }]) => [name, { state }]);
  return { status: report.status, version: report.version, components: Object.fromEntries(states) };
}

/** Whether an Accept header ranks HTML above JSON; JSON wins a draw. */
function prefersHtml(accept: string | undefined): boolean {
  const ranges = (accept ?? "*/*").split(",").map(mediaRange);
  return weightOf(ranges, "text", "html") > weightOf(ranges, "application", "json");
}

type MediaRange = { type: string; subtype: string; weight: number };

function mediaRange(text: string): MediaRange {
  const [range = "", ...params] = text
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const [type = "", subtype = ""] = range.split("/");
  const quality = params.find((param) => param.startsWith("q="));
  const weight = quality === undefined ? 1 : Number(quality.slice("q=".length));
  return { type, subtype, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

function weightOf(ranges: readonly MediaRange[], type: string, subtype: string): number {
  const exact = ranges.find((range) => range.type === type && range.subtype === subtype);
  const family = ranges.find((range) => range.type === type && range.subtype === "*");
  const any = ranges.find((range) => range.type === "*" && range.subtype === "*");
  return (exact ?? family ?? any)?.weight ?? 0;
}

function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  };
}
