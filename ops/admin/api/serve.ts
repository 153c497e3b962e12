import { Hono, type Context } from "hono";
import type { z } from "zod";
import { callerOfToken, type Caller } from "../../../core/accounts/callers.ts";
import type { App } from "../../../core/app.ts";
import { AppError } from "../../../core/errors.ts";
import type { Charge } from "../../../core/local-windows.ts";
import { personOf } from "../../../core/scope.ts";
import { languageOf, type Language } from "../../../core/text/text.ts";
import { readJson } from "../bodies.ts";
import { cookiesOf } from "../cookies.ts";
import { problemResponse, refusalResponse, type FieldError, type ProblemStatus } from "../problem.ts";
import type { AdminEnv } from "../request.ts";
import type { Endpoint } from "./endpoint.ts";

const BEARER = /^Bearer +([^ ]+)$/i;
const ERRORS_SHOWN_MAX = 20;

type Serving = {
  readonly app: App;
  readonly networkOf: (request: Request, peer: string | null) => string;
};

/** Serves the endpoints below `/api/v1`; other methods at their addresses are 405. */
export function apiRoutes(serving: Serving, endpoints: readonly Endpoint[]): Hono<AdminEnv> {
  const routes = new Hono<AdminEnv>();
  for (const endpoint of endpoints)
    routes.on(endpoint.method.toUpperCase(), honoPath(endpoint), (c) => serve(c, serving, endpoint));
  for (const path of new Set(endpoints.map(honoPath))) {
    const methods = endpoints.filter((endpoint) => honoPath(endpoint) === path).map(({ method }) => method);
    const allow = [...methods, ...(methods.includes("get") ? ["head"] : [])].join(", ").toUpperCase();
    routes.all(path, (c) => problem(c, 405, { headers: { Allow: allow } }));
  }
  return routes;
}

async function serve(c: Context<AdminEnv>, serving: Serving, endpoint: Endpoint): Promise<Response> {
  const limits = new Headers();
  const response = await answer(c, serving, { endpoint, limits }).catch((err: unknown) => refusal(c, err));
  for (const [name, value] of limits) response.headers.set(name, value);
  return response;
}

/** What a verb refuses, in the language that the client asks for; anything else is a bug, and goes on. */
function refusal(c: Context<AdminEnv>, err: unknown): Response {
  if (!(err instanceof AppError)) throw err;
  const response = refusalResponse(err, { correlationId: c.get("correlationId"), locale: languageAsked(c) });
  if (response.status === 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

async function answer(
  c: Context<AdminEnv>,
  { app, networkOf }: Serving,
  { endpoint, limits }: { endpoint: Endpoint; limits: Headers },
): Promise<Response> {
  const correlationId = c.get("correlationId");
  const bearer = BEARER.exec(c.req.header("Authorization") ?? "")?.[1] ?? null;
  const caller = endpoint.access === "session" ? await callerOfToken(app, bearer ?? "", correlationId) : null;
  const charges = chargesOf(app, endpoint, caller, networkOf(c.req.raw, c.env.peer));
  const { allowed, retryAfterMs, tightest } = await app.limits.take(charges);
  limits.set("RateLimit-Limit", String(tightest.limit));
  limits.set("RateLimit-Remaining", String(tightest.remaining));
  limits.set("RateLimit-Reset", String(Math.ceil(tightest.resetMs / 1_000)));
  if (!allowed)
    return problem(c, 429, { headers: { "Retry-After": String(Math.ceil(retryAfterMs / 1_000)) } });

  const json = endpoint.body === undefined ? { value: undefined } : await readJson(c.req.raw, app.clock);
  if ("status" in json) return problem(c, json.status);
  const params = endpoint.params?.safeParse(c.req.param());
  if (params?.success === false) return problem(c, 404); // nothing of that form has ever had an address
  const query = endpoint.query?.safeParse(queryOf(c));
  const body = endpoint.body?.safeParse(json.value);
  const errors = [query, body].flatMap((part) => (part?.success === false ? errorsOf(part.error) : []));
  if (errors.length > 0) return problem(c, 422, { errors });

  const {
    body: answered,
    cookies = [],
    headers = {},
  } = await endpoint.run({
    app,
    params: params?.data,
    query: query?.data,
    body: body?.data,
    cookies: cookiesOf(c.req.raw),
    visitor: { userAgent: c.req.header("User-Agent") ?? "", correlationId },
    locale: languageAsked(c),
    bearer,
    caller,
  });
  const type = endpoint.contentType ?? "application/json";
  const text = typeof answered === "string" ? answered : JSON.stringify(answered);
  const response = new Response(endpoint.status === 204 ? null : text, {
    status: endpoint.status,
    headers: endpoint.status === 204 ? headers : { "Content-Type": type, ...headers },
  });
  for (const cookie of cookies) response.headers.append("Set-Cookie", cookie);
  return response;
}

/** A person is counted wherever they are; whoever nobody knows, by their network. */
function chargesOf(app: App, endpoint: Endpoint, caller: Caller | null, network: string): Charge[] {
  const { api, signIn } = app.limitRules;
  const place = `${endpoint.method} ${endpoint.path}`;
  if (caller !== null) {
    const team = `{org:${caller.scope.orgId}}:api`;
    const person = `${team}:${personOf(caller.scope).accountId}`;
    return [
      { key: team, ...api.team },
      { key: person, ...api.person },
      { key: `${person}:${place}`, ...api.endpoint },
    ];
  }
  const here = `{network:${network}}`;
  return endpoint.access === "sign_in"
    ? [{ key: `${here}:${place}`, ...signIn.address }]
    : [{ key: `${here}:${place}`, ...api.endpoint }];
}

function languageAsked(c: Context<AdminEnv>): Language {
  return languageOf(c.req.header("Accept-Language")?.split(",")[0]);
}

function problem(
  c: Context<AdminEnv>,
  status: ProblemStatus,
  more: { headers?: Readonly<Record<string, string>>; errors?: readonly FieldError[] } = {},
): Response {
  return problemResponse({ status, correlationId: c.get("correlationId"), ...more });
}

function errorsOf({ issues }: z.ZodError): FieldError[] {
  return issues.slice(0, ERRORS_SHOWN_MAX).map(({ path, message }) => ({ path: path.join("."), message }));
}

// A name that is given twice is a list, which no schema of ours takes.
function queryOf(c: Context<AdminEnv>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [
      name,
      values.length === 1 ? (values[0] ?? "") : values,
    ]),
  );
}

function honoPath({ path }: Endpoint): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}
