import { listen, type Exchange } from "../wire.ts";
import { type Asked, createGrants, type GrantResult, type GrantRules, mistake } from "./grants.ts";

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const AUTHORIZE_KEYS = [
  "response_type",
  "client_id",
  "redirect_uri",
  "scope",
  "state",
  "code_challenge",
  "code_challenge_method",
  "access_type",
  "prompt",
];
const TOKEN_KEYS = [
  "grant_type",
  "client_id",
  "client_secret",
  "code",
  "code_verifier",
  "redirect_uri",
  "refresh_token",
];
const DEFAULT_RULES: GrantRules = {
  clientId: "client-of-the-operator",
  clientSecret: "client-secret-of-the-operator",
  rotates: true,
  codeSeconds: 60,
  accessSeconds: 3600,
  refreshSeconds: 86_400,
};

/** What the next `times` token requests meet. "reset_after" loses the answer, not what was granted; "echo" repeats what was asked. */
type OAuthFault = { times: number } & (
  | { kind: "status" | "echo"; status: number }
  | { kind: "html" }
  | { kind: "redirect" }
  | { kind: "reset_before" | "reset_after" | "hang" }
  | { kind: "slow"; ms: number }
);

export type OAuthSim = Awaited<ReturnType<typeof createOAuthSim>>;

/**
 * A strict OAuth 2.0 server for one client: PKCE with S256 is required, codes and
 * rotated refresh tokens work once, and what is used again is taken for stolen.
 * `clock` is its own time, in milliseconds, which need not be the client's.
 */
export async function createOAuthSim(options: { rules?: Partial<GrantRules>; clock?: () => number } = {}) {
  const rules = { ...DEFAULT_RULES, ...options.rules };
  const grants = createGrants(rules, options.clock ?? Date.now);
  const violations: { description: string }[] = [];
  const requests: ReadonlyMap<string, string>[] = [];
  const faults: OAuthFault[] = [];
  let denies = false;

  async function token(exchange: Exchange): Promise<void> {
    const fault = takeFault(faults);
    if (fault !== null && endsIn(fault, exchange)) return;
    if (fault?.kind === "slow") await Bun.sleep(fault.ms);
    const params = formOf(exchange.request);
    if (typeof params !== "string") requests.push(params);
    const result = typeof params === "string" ? mistake("invalid_request", params) : grantTo(params);
    if (fault?.kind === "reset_after") return exchange.reset();
    if ("body" in result) return json(exchange, 200, result.body);
    if (result.violation) violations.push({ description: `${result.error}: ${result.description}` });
    json(exchange, result.status, { error: result.error, error_description: result.description });
  }

  function grantTo(params: ReadonlyMap<string, string>): GrantResult {
    const wrongSecret = (params.get("client_secret") ?? null) !== rules.clientSecret;
    if (params.get("client_id") !== rules.clientId || wrongSecret)
      return mistake("invalid_client", "unknown client or wrong secret", 401);
    return grants.grant(params);
  }

  function authorize(query: string): { redirect: string } | { problem: string } {
    const asked = askedOf(new URLSearchParams(query), rules);
    if (typeof asked === "string") {
      violations.push({ description: `authorize: ${asked}` });
      return { problem: asked };
    }
    const redirect = new URL(asked.redirectUri);
    redirect.searchParams.set("state", asked.state);
    if (denies) redirect.searchParams.set("error", "access_denied");
    else redirect.searchParams.set("code", grants.allow(asked));
    return { redirect: redirect.toString() };
  }

  const wire = await listen({ hostname: "127.0.0.1", port: 0 }, async (exchange) => {
    const { method, path, query, body } = exchange.request;
    if (method === "GET" && path === "/authorize") {
      const result = authorize(query);
      return "redirect" in result
        ? exchange.respond(302, { location: result.redirect }, "")
        : exchange.respond(400, { "content-type": "text/plain" }, result.problem);
    }
    if (method === "POST" && path === "/token") return token(exchange);
    if (method === "POST" && path === "/revoke") {
      grants.revoke(new URLSearchParams(body ?? "").get("token") ?? "");
      return json(exchange, 200, {});
    }
    violations.push({ description: `${method} ${path} does not exist` });
    json(exchange, 404, { error: "not_found" });
  });
  const url = `http://127.0.0.1:${wire.port}`;
  return {
    ...grants,
    clientId: rules.clientId,
    clientSecret: rules.clientSecret,
    authorizeUrl: `${url}/authorize`,
    tokenUrl: `${url}/token`,
    revokeUrl: `${url}/revoke`,
    /** Well-formed token requests, in their order. */
    requests,
    /** What the client did wrong: malformed requests, a wrong PKCE, something used twice. */
    violations,
    fault: (fault: OAuthFault) => void faults.push({ ...fault }),
    /** From now on the person says no. */
    deny: () => void (denies = true),
    stop: () => wire.stop(),
  };
}

/** Whether the exchange ends in this fault, before anything of it is looked at. */
function endsIn(fault: OAuthFault, exchange: Exchange): boolean {
  switch (fault.kind) {
    case "hang":
      return true;
    case "reset_before":
      exchange.reset();
      return true;
    case "status":
      json(exchange, fault.status, { error: "temporarily_unavailable" });
      return true;
    case "echo":
      json(exchange, fault.status, {
        error: exchange.request.body,
        error_description: exchange.request.body,
        access_token: exchange.request.body,
      });
      return true;
    case "html":
      exchange.respond(200, { "content-type": "text/html" }, "<h1>Hello</h1>");
      return true;
    case "redirect":
      exchange.respond(302, { location: "http://127.0.0.1:1/elsewhere" }, "");
      return true;
    case "reset_after":
    case "slow":
      return false;
  }
}

// Strings say what is wrong with the request. Where to redirect is trusted only when the rest of it is right.
function askedOf(params: URLSearchParams, rules: GrantRules): (Asked & { state: string }) | string {
  const wrongKey = wrongKeyOf([...params.keys()], AUTHORIZE_KEYS);
  if (wrongKey !== null) return wrongKey;
  const value = (key: string) => params.get(key) ?? "";
  if (value("response_type") !== "code") return "response_type must be code";
  if (value("client_id") !== rules.clientId) return "unknown client_id";
  if (!isLoopback(value("redirect_uri"))) return "redirect_uri must be a loopback address";
  if (value("scope") === "") return "scope is missing";
  if (value("state").length < 16) return "state is missing or guessable";
  if (value("code_challenge_method") !== "S256") return "code_challenge_method must be S256";
  if (!CHALLENGE.test(value("code_challenge"))) return "code_challenge is malformed";
  return {
    redirectUri: value("redirect_uri"),
    scope: value("scope"),
    state: value("state"),
    challenge: value("code_challenge"),
    offline: value("access_type") === "offline",
  };
}

// RFC 8252: the literal address, since a name may be looked up elsewhere; any port.
function isLoopback(uri: string): boolean {
  const url = URL.parse(uri);
  return url?.protocol === "http:" && ["127.0.0.1", "[::1]"].includes(url.hostname) && url.hash === "";
}

function formOf({ headers, body }: Exchange["request"]): ReadonlyMap<string, string> | string {
  const type = headers.get("content-type")?.split(";")[0];
  if (type !== "application/x-www-form-urlencoded") return "the body must be a form";
  const params = new URLSearchParams(body ?? "");
  return wrongKeyOf([...params.keys()], TOKEN_KEYS) ?? new Map(params);
}

function wrongKeyOf(keys: readonly string[], known: readonly string[]): string | null {
  const twice = keys.find((key, index) => keys.indexOf(key) < index);
  if (twice !== undefined) return `${twice} is given twice`;
  const unknown = keys.find((key) => !known.includes(key));
  return unknown === undefined ? null : `${unknown} is not known`;
}

function json(exchange: Exchange, status: number, body: object): void {
  const headers = { "content-type": "application/json;charset=UTF-8", "cache-control": "no-store" };
  exchange.respond(status, headers, JSON.stringify(body));
}

function takeFault(faults: OAuthFault[]): OAuthFault | null {
  const [fault] = faults;
  if (fault === undefined) return null;
  fault.times -= 1;
  if (fault.times <= 0) faults.shift();
  return fault;
}
