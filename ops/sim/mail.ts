import { createHash } from "node:crypto";
import { parseMail } from "./mail-request.ts";
import { openStore, type Mail, type Store } from "./mail-store.ts";
import { listen, type Exchange } from "./wire.ts";

const IDEMPOTENCY_KEY_CHARS_MAX = 256;
const REQUESTS_PER_SECOND = 5;
const VIOLATIONS_MAX = 1000;

/** What the next `times` requests meet; "reset_after" loses the answer, not the mail. */
type MailFault = { times: number } & (
  | { kind: "error"; status: number; name: string; message?: string; retryAfterSeconds?: number }
  | { kind: "reset_before" }
  | { kind: "reset_after" }
  | { kind: "hang" }
);

type MailSimOptions = {
  hostname?: string;
  port?: number;
  /** An SQLite file, which keeps mails and idempotency keys over a restart, or ":memory:". */
  statePath: string;
  clock?: () => number;
  /** The domains of the account; absent: one that is verified, blockbot.example. */
  domains?: Readonly<Record<string, "verified" | "pending" | "not_started" | "failed">>;
};

export type MailSim = {
  readonly url: string;
  /** Newest first, the last 1000. */
  mails(): Mail[];
  fault(fault: MailFault): void;
  /** GET lists the mails, POST to a path that ends in `/clear` removes them. */
  control(request: Request): Promise<Response>;
  /** Requests that were refused because the caller was wrong (not faults, not rate limits); the last 1000. */
  readonly violations: readonly { description: string }[];
  /** Drops every open connection, then closes the state. */
  stop(): Promise<void>;
};

/**
 * A stand-in for Resend's `POST /emails` and `GET /domains` that refuses what the real one refuses. Every key that begins with
 * `re_` is accepted, and each has five requests a second. Rejects when the address cannot be bound.
 */
export async function createMailSim(options: MailSimOptions): Promise<MailSim> {
  const { hostname = "127.0.0.1", port = 0, clock = Date.now } = options;
  const store = openStore(options.statePath, clock);
  const admit = createRateLimit(clock);
  const domains = Object.entries(options.domains ?? { "blockbot.example": "verified" });
  const faults: MailFault[] = [];
  const violations: { description: string }[] = [];
  const wire = await listen({ hostname, port }, async (exchange) => {
    const fault = takeFault(faults);
    if (fault?.kind === "hang") return;
    if (fault?.kind === "reset_before") return exchange.reset();
    const result =
      fault?.kind === "error" ? faultResult(fault) : answer(exchange.request, { store, domains, admit });
    if (fault?.kind === "reset_after") return exchange.reset();
    if (result.violation) {
      violations.push({ description: `${result.status} ${result.body}` });
      if (violations.length > VIOLATIONS_MAX) violations.shift();
    }
    exchange.respond(result.status, { "content-type": "application/json", ...result.headers }, result.body);
  });
  return {
    url: `http://${hostname}:${wire.port}`,
    mails: () => store.mails(),
    fault: (fault) => void faults.push({ ...fault }),
    control: (request) => Promise.resolve(control(request, store)),
    violations,
    async stop() {
      await wire.stop();
      store.close();
    },
  };
}

type Result = { status: number; headers: Record<string, string>; body: string; violation: boolean };
type Account = {
  store: Store;
  domains: readonly (readonly [name: string, status: string])[];
  admit: ReturnType<typeof createRateLimit>;
};

function answer(request: Exchange["request"], { store, domains, admit }: Account): Result {
  const { method, path, headers, body } = request;
  // The network in front of the service refuses these before it sees them, in its own words.
  if (!headers.get("user-agent")) {
    return {
      status: 403,
      headers: { "content-type": "text/plain" },
      body: "error code: 1010",
      violation: true,
    };
  }
  const key = /^Bearer (\S+)$/.exec(headers.get("authorization") ?? "")?.[1];
  if (key === undefined) return wrong(401, "missing_api_key", "Missing API key in the authorization header.");
  if (!key.startsWith("re_")) return wrong(403, "invalid_api_key", "API key is invalid.");
  if (path.split("?")[0] === "/domains") return listDomains(method, key, domains);
  if (path !== "/emails") return wrong(404, "not_found", "The requested endpoint does not exist.");
  if (method !== "POST")
    return wrong(405, "method_not_allowed", "This endpoint does not support this method.");
  const { admitted, headers: limits } = admit(key);
  if (!admitted) {
    const message = `Too many requests. You can only make ${REQUESTS_PER_SECOND} requests per second.`;
    return { ...wrong(429, "rate_limit_exceeded", message), headers: limits, violation: false };
  }
  try {
    return { ...send({ key, idempotencyKey: headers.get("idempotency-key"), body }, store), headers: limits };
  } catch (err) {
    return { ...wrong(500, "internal_server_error", String(err)), violation: false };
  }
}

function send(
  request: { key: string; idempotencyKey: string | null; body: string | null },
  store: Store,
): Result {
  const { key, idempotencyKey, body } = request;
  if (body === null) return wrong(413, "content_too_large", "The request body is too large.");
  if (
    idempotencyKey !== null &&
    (idempotencyKey === "" || idempotencyKey.length > IDEMPOTENCY_KEY_CHARS_MAX)
  ) {
    return wrong(400, "invalid_idempotency_key", "The key must be between 1-256 chars.");
  }
  const mail = parseMail(body);
  if ("problem" in mail) return wrong(422, mail.name, mail.problem);
  const hash = createHash("sha256").update(body).digest("base64url");
  const known = idempotencyKey === null ? null : store.known(key, idempotencyKey);
  if (known !== null && known.hash !== hash) {
    const message = "Same idempotency key used with a different request payload.";
    return wrong(409, "invalid_idempotent_request", message);
  }
  const id = known?.id ?? store.add(mail, idempotencyKey === null ? null : { key, idempotencyKey, hash });
  return { status: 200, headers: {}, body: JSON.stringify({ id }), violation: false };
}

// A key that begins with `re_send_` may do nothing else.
function listDomains(method: string, key: string, domains: Account["domains"]): Result {
  if (method !== "GET")
    return wrong(405, "method_not_allowed", "This endpoint does not support this method.");
  if (key.startsWith("re_send_")) {
    const refusal = wrong(401, "restricted_api_key", "This API key is restricted to only send emails.");
    return { ...refusal, violation: false };
  }
  const data = domains.map(([name, status], index) => ({
    id: `d-${index}`,
    name,
    status,
    created_at: "2026-01-01T00:00:00.000Z",
    region: "eu-west-1",
    capabilities: { sending: "enabled", receiving: "disabled" },
  }));
  const body = JSON.stringify({ object: "list", has_more: false, data });
  return { status: 200, headers: {}, body, violation: false };
}

function wrong(status: number, name: string, message: string): Result {
  const body = JSON.stringify({ statusCode: status, name, message });
  return { status, headers: {}, body, violation: true };
}

/** A fixed window of one second for each key, as the response headers describe it. */
function createRateLimit(clock: () => number) {
  const windows = new Map<string, { second: number; used: number }>();
  return (key: string): { admitted: boolean; headers: Record<string, string> } => {
    const second = Math.floor(clock() / 1000);
    const current = windows.get(key);
    const used = (current?.second === second ? current.used : 0) + 1;
    windows.set(key, { second, used });
    const admitted = used <= REQUESTS_PER_SECOND;
    return {
      admitted,
      headers: {
        "ratelimit-limit": String(REQUESTS_PER_SECOND),
        "ratelimit-policy": `${REQUESTS_PER_SECOND};w=1`,
        "ratelimit-remaining": String(Math.max(0, REQUESTS_PER_SECOND - used)),
        "ratelimit-reset": "1",
        ...(!admitted && { "retry-after": "1" }),
      },
    };
  };
}

function takeFault(faults: MailFault[]): MailFault | null {
  const [fault] = faults;
  if (fault === undefined) return null;
  fault.times -= 1;
  if (fault.times <= 0) faults.shift();
  return fault;
}

function faultResult(fault: Extract<MailFault, { kind: "error" }>): Result {
  const message = fault.message ?? "The service could not take this request.";
  const retry =
    fault.retryAfterSeconds === undefined ? {} : { "retry-after": String(fault.retryAfterSeconds) };
  return { ...wrong(fault.status, fault.name, message), headers: retry, violation: false };
}

function control(request: Request, store: Store): Response {
  const clears = new URL(request.url).pathname.endsWith("/clear");
  if (request.method !== (clears ? "POST" : "GET")) {
    return Response.json({ error: "GET lists the mails, POST to /clear removes them." }, { status: 405 });
  }
  if (clears) store.clear();
  return Response.json({ mails: store.mails() });
}
