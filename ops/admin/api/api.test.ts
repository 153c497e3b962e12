import { expect, test } from "bun:test";
import { z } from "zod";
import { mailNewest, newestToken, startSignIn } from "../../../core/accounts/test-sign-in.ts";
import { loadConfig } from "../../../core/config.ts";
import type { Scope } from "../../../core/scope.ts";
import { bindAdmin } from "../server.ts";
import { ENDPOINTS } from "./endpoints.ts";

const EMAIL = "ann@example.com";
const ROOMY = {
  LIMIT_SIGN_IN_ADDRESS_PER_15_MINUTES: "10000",
  LIMIT_API_ENDPOINT_PER_MINUTE: "10000",
  LIMIT_MAGIC_LINK_PER_MINUTE: "10000",
  LIMIT_MAGIC_LINK_PER_15_MINUTES: "10000",
  LIMIT_MAGIC_LINK_PER_DAY: "10000",
};
const APP = "https://app.example.com";
const GARBAGE = [
  "x",
  "0",
  "%00",
  "..%2f..",
  "'%20OR%201=1--",
  "a".repeat(500),
  "00000000-0000-0000-0000-000000000000",
];

/** The server on a team of Ann's, with a client that keeps cookies as a browser would. */
async function start(limits: Record<string, string> = ROOMY) {
  const world = await startSignIn({ limitRules: loadConfig(limits).limits });
  const door = bindAdmin({ host: "127.0.0.1", port: 0 });
  door.serve(world.it.app, { healthToken: null, trustedProxies: ["127.0.0.1"], corsOrigins: [APP] });
  const jar = new Map<string, string>();
  async function call(method: string, path: string, more: Request = {}) {
    const { body, token, headers = {}, raw } = more;
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(`${door.url}/api/v1${path}`, {
      method,
      headers: {
        ...(cookie === "" ? {} : { Cookie: cookie }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(raw === undefined ? {} : { body: raw }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      json: isJson ? JSON.parse(text) : null,
      text,
    };
  }
  return {
    ...world,
    url: door.url,
    jar,
    call,
    /** By a link, in this browser. Returns the access token. */
    async signIn(email = EMAIL): Promise<string> {
      await call("POST", "/auth/magic-link", { body: { email } });
      const token = await newestToken(world.it);
      const { json } = await call("POST", "/auth/magic-link/confirm", { body: { token } });
      return String(json.accessToken);
    },
    async [Symbol.asyncDispose]() {
      await door.stop();
      await world[Symbol.asyncDispose]();
    },
  };
}

type Request = { body?: unknown; token?: string; headers?: Record<string, string>; raw?: string };

test("sign-up by mail, refresh, reuse and logout, as a client sees them", async () => {
  await using it = await start();
  const asked = await it.call("POST", "/auth/magic-link", { body: { email: "ANN@example.com" } });
  expect([asked.status, asked.json]).toEqual([
    202,
    { code: expect.stringMatching(/^\d{6}$/), expiresIn: 600 },
  ]);
  const token = await newestToken(it.it);
  const looked = await it.call("POST", "/auth/magic-link/inspect", { body: { token } });
  expect(looked.json).toEqual({
    purpose: "login",
    email: EMAIL,
    team: "Crew",
    telegram: null,
    codeNeeded: false,
  });
  const { json, status } = await it.call("POST", "/auth/magic-link/confirm", { body: { token } });
  expect([status, json]).toEqual([
    200,
    {
      accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      tokenType: "Bearer",
      expiresIn: 900,
      user: { id: expect.any(String), name: "Person 1", email: EMAIL, role: "owner" },
      team: { id: it.ann.orgId, name: "Crew" },
    },
  ]);
  const first = it.jar.get("__Host-rt") ?? "";
  const refreshed = await it.call("POST", "/auth/refresh");
  expect([refreshed.status, it.jar.get("__Host-rt") === first]).toEqual([200, false]);
  const current = it.jar.get("__Host-rt") ?? "";
  it.jar.set("__Host-rt", first);
  const race = await it.call("POST", "/auth/refresh");
  expect([race.status, race.headers.getSetCookie()]).toEqual([200, []]);
  await it.it
    .admin`UPDATE auth.refresh_tokens SET used_at = used_at - interval '61 s', first_used_at = first_used_at - interval '61 s'`;
  const reused = await it.call("POST", "/auth/refresh");
  expect([reused.status, reused.json.code, reused.headers.getSetCookie()]).toEqual([401, "session_gone", []]);
  it.jar.set("__Host-rt", current);
  expect((await it.call("POST", "/auth/refresh")).status).toBe(401);
  expect((await it.call("GET", "/me", { token: refreshed.json.accessToken })).status).toBe(401);

  const again = await it.signIn();
  expect((await it.call("GET", "/me", { token: again })).json).toMatchObject({
    language: "en",
    hasTelegram: true,
  });
  const out = await it.call("POST", "/auth/logout");
  expect([out.status, out.text, it.jar.has("__Host-rt")]).toEqual([204, "", false]);
  const gone = await it.call("GET", "/me", { token: again });
  expect([gone.status, gone.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  expect((await it.call("POST", "/auth/logout")).status).toBe(204);
});

test("ML-06: a known, an unknown and a disabled address cannot be told apart", async () => {
  await using it = await start();
  await it.it.team(2, "Garage");
  await it.it
    .admin`UPDATE auth.accounts SET email = 'off@example.com', status = 'disabled' WHERE telegram_user_id = 2`;
  const emails = [EMAIL, "nobody@example.com", "off@example.com"];
  const shapes = new Set<string>();
  for (let round = 0; round < 5; round++) {
    for (const email of emails) {
      it.jar.clear();
      const { status, headers, json } = await it.call("POST", "/auth/magic-link", { body: { email } });
      const names = [...headers.keys()].filter((name) => name !== "date").toSorted();
      shapes.add(
        JSON.stringify([status, names, Object.keys(json), String(json.code).length, json.expiresIn]),
      );
    }
  }
  expect([...shapes]).toHaveLength(1);
  const rows = await it.it.admin`SELECT email, count(*)::int AS n FROM auth.magic_links GROUP BY email`;
  expect(new Set(rows.map(({ n }) => n)).size).toBe(1); // the same was written for each of them
  expect(rows).toHaveLength(3);
});

test("ML-12: a mailed link begins with PUBLIC_URL, whatever the request says of itself", async () => {
  await using it = await start();
  const headers = { Host: "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http" };
  await it.call("POST", "/auth/magic-link", { body: { email: EMAIL }, headers });
  await mailNewest(it.it);
  const [letter] = it.sim.mails();
  const addresses = [letter?.text, letter?.html].flatMap((text) => text?.match(/https?:\/\/[^/"\s]+/g) ?? []);
  expect(new Set(addresses)).toEqual(new Set(["https://bot.example.test"]));
});

test("ML-13 and RL-04: mails to one address are few and say nothing; attempts from one network are few and say when", async () => {
  await using it = await start({});
  const { limit } = it.it.app.limitRules.signIn.address;
  const ask = (from: string) =>
    it.call("POST", "/auth/magic-link", { body: { email: EMAIL }, headers: { "X-Forwarded-For": from } });
  for (let count = 1; count <= limit; count++) {
    const { status, headers } = await ask("203.0.113.7");
    expect([status, headers.get("ratelimit-remaining")]).toEqual([202, String(limit - count)]);
  }
  const refused = await ask("203.0.113.7");
  expect([refused.status, refused.json.title]).toEqual([429, "Too many requests"]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(800);
  expect((await ask("6.6.6.6, 203.0.113.7")).status).toBe(429); // what the client wrote itself is not believed
  expect((await ask("203.0.113.8")).status).toBe(202);
  // Every endpoint has its own ten, so that whoever opens a link is not held up by having asked for it.
  const login = () =>
    it.call("POST", "/auth/login", {
      body: { email: `${crypto.randomUUID()}@example.com`, password: "x" },
      headers: { "X-Forwarded-For": "203.0.113.7" },
    });
  for (let count = 1; count <= limit; count++) expect((await login()).status).toBe(401);
  expect((await login()).status).toBe(429);
  expect((await ask("2001:db8:1:2::1")).headers.get("ratelimit-remaining")).toBe(String(limit - 1));
  expect((await ask("2001:db8:1:2:ffff::2")).headers.get("ratelimit-remaining")).toBe(String(limit - 2));
  const mails = await it.it.admin`SELECT FROM pgboss.job WHERE name = 'mail'`;
  expect(mails).toHaveLength(1);
});

test("ML-14: an address has one spelling, and is one address", async () => {
  await using it = await start();
  const status = async (email: unknown) =>
    (await it.call("POST", "/auth/magic-link", { body: { email } })).status;
  expect(await status("Ann@Example.COM")).toBe(202);
  for (const wrong of [
    "\uff21@x.com",
    "ß@x.com",
    "a@bü.de",
    " a@x.com",
    `${"a".repeat(250)}@x.com`,
    "a@x.com,b@y.com",
    "a@x.com\nBcc: b@y.com",
    "a@x.com\0",
    "",
    7,
    null,
    ["a@x.com"],
  ])
    expect([wrong, await status(wrong)]).toEqual([wrong, 422]);
});

test("ML-16 and CK-02: what another site's page sends changes nothing", async () => {
  await using it = await start();
  const token = await it.signIn();
  const allowed: Record<string, string>[] = [
    {},
    { Origin: "https://bot.example.test" },
    { Origin: "https://bot.example.test", "Sec-Fetch-Site": "same-origin" },
    { Origin: APP, "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "none" },
  ];
  const foreign: Record<string, string>[] = [
    ...[
      "null",
      "https://evil.example",
      "https://bot.example.test.evil.example",
      "http://bot.example.test",
      "https://bot.example.test:444",
      "HTTPS://BOT.EXAMPLE.TEST",
      "https://app.example.com.evil.example",
    ].map((Origin) => ({ Origin })),
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { Origin: "https://bot.example.test", "Sec-Fetch-Site": "cross-site" },
  ];
  const bodies = [
    { body: {} },
    { raw: "{}", headers: { "Content-Type": "text/plain" } },
    { raw: "a=b", headers: { "Content-Type": "application/x-www-form-urlencoded" } },
    { raw: "--b--", headers: { "Content-Type": "multipart/form-data; boundary=b" } },
    {},
  ];
  for (const endpoint of ENDPOINTS.filter(({ method }) => method !== "get")) {
    const path = endpoint.path.replaceAll(/\{\w+\}/g, it.ann.orgId);
    for (const headers of foreign) {
      for (const sent of bodies) {
        const { status, json } = await it.call(endpoint.method.toUpperCase(), path, {
          ...sent,
          token,
          headers: { ...sent.headers, ...headers },
        });
        expect([endpoint.path, headers, status, json.title]).toEqual([
          endpoint.path,
          headers,
          403,
          "Forbidden",
        ]);
      }
    }
  }
  for (const headers of allowed)
    expect([headers, (await it.call("PATCH", "/me", { body: {}, token, headers })).status]).toEqual([
      headers,
      200,
    ]);
  const [first, second] = bodies.slice(1, 3);
  for (const sent of [first, second])
    expect((await it.call("PATCH", "/me", { ...sent, token })).status).toBe(415);
});

test("CK-03: only pages that are allowed by name may read", async () => {
  await using it = await start();
  const token = await it.signIn();
  const corsOf = ({ headers }: { headers: Headers }) => [
    headers.get("access-control-allow-origin"),
    headers.get("access-control-allow-credentials"),
  ];
  for (const Origin of [
    "https://evil.example",
    "null",
    "https://app.example.com.evil.example",
    "http://app.example.com",
    "https://app.example.com:444",
    "HTTPS://APP.EXAMPLE.COM",
  ]) {
    for (const method of ["GET", "OPTIONS"]) {
      const headers = { Origin, "Access-Control-Request-Method": "PATCH" };
      const answer = await it.call(method, "/me", { token, headers });
      expect([Origin, method, ...corsOf(answer)]).toEqual([Origin, method, null, null]);
      expect(answer.headers.get("vary")).toContain("Origin");
    }
  }
  const preflight = await it.call("OPTIONS", "/me", {
    headers: { Origin: APP, "Access-Control-Request-Method": "PATCH" },
  });
  expect([preflight.status, ...corsOf(preflight)]).toEqual([204, APP, "true"]);
  expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
  const read = await it.call("GET", "/me", { token, headers: { Origin: APP } });
  expect([read.status, ...corsOf(read)]).toEqual([200, APP, "true"]);
  expect(read.headers.get("vary")).toContain("Origin");
});

test("CK-01: cookies are the browser's alone, and no refusal sets one", async () => {
  await using it = await start();
  const asked = await it.call("POST", "/auth/magic-link", { body: { email: EMAIL } });
  const token = await newestToken(it.it);
  const confirmed = await it.call("POST", "/auth/magic-link/confirm", { body: { token } });
  const lines = [...asked.headers.getSetCookie(), ...confirmed.headers.getSetCookie()];
  expect(lines).toEqual([
    expect.stringMatching(/^__Host-mlb=[\w-]{43}; Path=\/; Max-Age=900; HttpOnly; Secure; SameSite=Lax$/),
    expect.stringMatching(
      /^__Host-rt=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; Secure; SameSite=Strict$/,
    ),
  ]);
  for (const [path, body] of [
    ["/auth/magic-link/confirm", { token }],
    ["/auth/login", { email: EMAIL, password: "x" }],
    ["/auth/magic-link", { email: "x" }],
  ] as const) {
    const { status, headers } = await it.call("POST", path, { body });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(headers.getSetCookie()).toEqual([]);
  }
});

test("ML-11: nothing leads anywhere else: no endpoint takes an address to go to, and none sends one", async () => {
  await using it = await start();
  for (const redirect of [
    "//evil",
    "/\\evil",
    "https:evil",
    "/%2f%2fevil",
    "javascript:alert(1)",
    "/ok?x=//e",
  ]) {
    for (const { path } of ENDPOINTS.filter(
      ({ access, body }) => access === "sign_in" && body !== undefined,
    )) {
      const { status, headers } = await it.call("POST", path, {
        body: { email: EMAIL, password: "x", token: "x", redirect },
      });
      expect([path, status, headers.get("location")]).toEqual([path, 422, null]);
    }
    for (const page of ["magic", "invite"]) {
      const response = await fetch(`${it.url}/auth/${page}?redirect=${encodeURIComponent(redirect)}`, {
        redirect: "manual",
      });
      expect([response.status, response.headers.get("location")]).toEqual([200, null]);
      expect(await response.text()).not.toContain("evil");
    }
  }
});

test("bodies are small, whole, known to the last field, and arrive as JSON", async () => {
  await using it = await start();
  const send = async (raw: string, type = "application/json") => {
    const { status, json, headers } = await it.call("POST", "/auth/login", {
      raw,
      headers: { "Content-Type": type },
    });
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(json.correlationId).toBe(headers.get("x-request-id"));
    return status;
  };
  expect(await send("{")).toBe(400);
  expect(await send("\ufeff")).toBe(400);
  expect(await send("{}", "text/plain")).toBe(415);
  expect(await send(`"${"x".repeat(70_000)}"`)).toBe(413);
  for (const wrong of [
    "null",
    "[]",
    "7",
    `{"email":"a@x.com"}`,
    `{"email":"a@x.com","password":"x","redirect":"//evil.example"}`,
    `{"email":"a@x.com","password":"x","admin":true}`,
    `{"__proto__":{},"email":"a@x.com","password":"x"}`,
  ])
    expect([wrong, await send(wrong)]).toEqual([wrong, 422]);
  const { json } = await it.call("POST", "/auth/login", { body: { email: "a@x.com", password: 7 } });
  expect(json.errors).toEqual([{ path: "password", message: expect.any(String) }]);
  for (const [path, allow] of [
    ["/me", "GET, PATCH, HEAD"],
    ["/auth/refresh", "POST"],
  ] as const) {
    const { status, headers } = await it.call("PUT", path);
    expect([status, headers.get("allow")]).toEqual([405, allow]);
  }
  expect((await it.call("GET", "/nothing")).status).toBe(404);
});

test("JW-01, JW-02 and RT-08: what is no access token of ours is refused in the same words", async () => {
  await using it = await start();
  const good = await it.signIn();
  const [head = "", payload = "", signature = ""] = good.split(".");
  const none = Buffer.from(JSON.stringify({ alg: "none", typ: "at+jwt" })).toString("base64url");
  const answers = new Set<string>();
  for (const token of [
    "",
    "x",
    it.jar.get("__Host-rt") ?? "",
    `${none}.${payload}.`,
    `${head}.${payload}.${signature.slice(0, -2)}AA`,
    `${head}.${payload}`,
    "a".repeat(8_000),
  ]) {
    const { status, json, headers } = await it.call("GET", "/me", { token });
    answers.add(JSON.stringify([status, { ...json, correlationId: "" }, headers.get("www-authenticate")]));
  }
  expect((await it.call("GET", "/me", { headers: { Authorization: `Basic ${good}` } })).status).toBe(401);
  expect([...answers]).toHaveLength(1);
  expect([...answers][0]).toContain("401");
});

test("TN-03: another team's address is 404, for its people, invites and records too, as a random one is", async () => {
  await using it = await start();
  const other = await it.it.team(2, "Garage");
  const theirs = userOf(other);
  const token = await it.signIn();
  const shapeOf = ({ status, json }: { status: number; json: Record<string, unknown> | null }) =>
    JSON.stringify([status, { ...json, correlationId: "" }]);
  for (const endpoint of ENDPOINTS.filter(({ path }) => path.includes("{"))) {
    const at = (team: string, inner: string) =>
      it.call(endpoint.method.toUpperCase(), endpoint.path.replace("{id}", team).replace(/\{\w+\}/, inner), {
        token,
        ...(endpoint.body === undefined ? {} : { body: { role: "member", name: "Taken", memberId: theirs } }),
      });
    const isTeams = endpoint.path.startsWith("/teams/");
    const strict = endpoint.body !== undefined; // a body that does not fit is told before the address is looked at
    const foreign = await at(isTeams ? other.orgId : crypto.randomUUID(), theirs);
    const random = await at(crypto.randomUUID(), crypto.randomUUID());
    expect([endpoint.path, shapeOf(foreign)]).toEqual([endpoint.path, shapeOf(random)]);
    expect([404, ...(strict ? [422] : [])]).toContain(foreign.status);
    if (isTeams && endpoint.path.split("{").length > 2 && !strict)
      expect((await at(it.ann.orgId, theirs)).status).toBe(404);
    for (const garbage of GARBAGE)
      expect([endpoint.path, garbage, [404, 422].includes((await at(garbage, garbage)).status)]).toEqual([
        endpoint.path,
        garbage,
        true,
      ]);
  }
  const [row] = await it.it.admin`SELECT name FROM app.organizations WHERE id = ${other.orgId}`;
  expect(row?.["name"]).toBe("Garage");
});

test("the team over HTTP: members in pages, roles, invites, the log, what is used and connected", async () => {
  await using it = await start();
  const bob = await it.it.member(it.ann, 2, "member");
  await it.it.member(it.ann, 3, "member");
  const token = await it.signIn();
  const team = `/teams/${it.ann.orgId}`;
  const get = async (path: string) => (await it.call("GET", path, { token })).json;
  const first = await get(`${team}/members?limit=2`);
  expect(first.items.map(({ name }: { name: string }) => name)).toEqual(["Person 1", "Person 2"]);
  const second = await get(`${team}/members?limit=2&after=${first.next}`);
  expect([second.items[0].name, second.items.length, second.next]).toEqual(["Person 3", 1, null]);

  const promoted = await it.call("PATCH", `${team}/members/${userOf(bob)}`, {
    token,
    body: { role: "admin" },
  });
  expect([promoted.status, promoted.json.role]).toEqual([200, "admin"]);
  expect(
    (await it.call("PATCH", `${team}/members/${userOf(it.ann)}`, { token, body: { role: "member" } })).json,
  ).toMatchObject({ status: 409, code: "last_owner" });
  expect((await it.call("DELETE", `${team}/members/${userOf(bob)}`, { token })).status).toBe(204);

  const invited = await it.call("POST", `${team}/invites`, { token, body: {} });
  expect([invited.status, invited.json.start]).toEqual([201, expect.stringMatching(/^i_/)]);
  expect((await get(`${team}/invites`)).items).toMatchObject([
    { id: invited.json.id, role: "member", invitedBy: "Person 1" },
  ]);
  expect((await it.call("DELETE", `${team}/invites/${invited.json.id}`, { token })).status).toBe(204);
  expect((await it.call("PATCH", team, { token, body: { name: "The crew" } })).json).toEqual({
    id: it.ann.orgId,
    name: "The crew",
  });
  expect(await get(team)).toEqual({ id: it.ann.orgId, name: "The crew", role: "owner" });
  const made = await it.call("POST", "/teams", { token, body: { name: "Second" } });
  expect([made.status, (await get("/teams")).items.length]).toEqual([201, 2]);
  expect((await it.call("GET", `/teams/${made.json.id}`, { token })).status).toBe(404); // not the session's
  const moved = await it.call("POST", "/auth/team", { token, body: { id: made.json.id } });
  expect((await it.call("GET", `/teams/${made.json.id}`, { token: moved.json.accessToken })).json.name).toBe(
    "Second",
  );
  await it.call("POST", "/auth/team", { token: moved.json.accessToken, body: { id: it.ann.orgId } });

  const log = await get(`${team}/audit?limit=3`);
  expect(log.items).toHaveLength(3);
  expect((await get(`${team}/audit?limit=100&after=${log.next}`)).items[0].seq).toBeLessThan(
    log.items[2].seq,
  );
  expect((await get(`${team}/audit?action=member.remove`)).items).toMatchObject([
    { action: "member.remove", actorName: "Person 1" },
  ]);
  const csv = await it.call("GET", `${team}/audit.csv`, { token });
  expect([csv.headers.get("content-type"), csv.text.split(",")[0]]).toEqual([
    "text/csv; charset=utf-8",
    "org_id",
  ]);
  expect(await get(`${team}/credentials`)).toEqual({ items: [] });
  expect(await get(`${team}/usage`)).toMatchObject({ team: { tokens: { used: 0 } } });
  expect(await get("/me/usage")).toMatchObject({ own: { microUsd: { used: 0, exact: true } } });
});

test("an invite by mail over HTTP: only the mail has its secrets, it joins once, and every end of it says which", async () => {
  await using it = await start({ ...ROOMY, LIMIT_MAGIC_LINK_PER_MINUTE: "1" });
  let token = "";
  const invites = `/teams/${it.ann.orgId}/invites`;
  const email = "bob@example.com";
  const invite = async (body: object) => {
    it.it.pass(600_000); // a new minute of the address's mails
    token = await it.signIn();
    return it.call("POST", invites, { token, body });
  };
  expect((await invite({ email: "bob@" })).status).toBe(422);
  const made = await invite({ email: "Bob@Example.com" });
  expect([made.status, made.json]).toEqual([
    201,
    { id: expect.any(String), start: null, expiresAt: expect.any(String) },
  ]);
  const again = await it.call("POST", invites, { token, body: { email } });
  expect([again.status, again.json.code, again.headers.get("retry-after")]).toEqual([
    429,
    "mail_too_often",
    "60",
  ]);
  expect((await it.call("GET", invites, { token })).json.items).toMatchObject([{ email, role: "member" }]);
  await mailNewest(it.it);
  const secret = () => /auth\/invite#([\w-]{43})/.exec(it.sim.mails()[0]?.text ?? "")?.[1] ?? "";
  const step = (which: "inspect" | "confirm", given = secret()) =>
    it.call("POST", `/auth/invite/${which}`, { body: { token: given } });
  expect((await step("inspect")).json).toEqual({
    email,
    team: "Crew",
    role: "member",
    invitedBy: "Person 1",
  });
  it.jar.clear();
  const joined = await step("confirm");
  expect([joined.status, joined.json]).toMatchObject([
    200,
    { email, role: "member", team: { name: "Crew" }, signedIn: { tokenType: "Bearer", user: { email } } },
  ]);
  expect([...it.jar.keys()]).toEqual(["__Host-rt"]);
  const { accessToken } = joined.json.signedIn;
  expect((await it.call("GET", "/me", { token: accessToken })).json).toMatchObject({
    user: { email, role: "member" },
  });
  const refused = await it.call("POST", invites, {
    token: accessToken,
    body: { email: "carol@example.com" },
  });
  expect([refused.status, refused.json.code]).toEqual([403, "not_allowed"]);
  for (const which of ["inspect", "confirm"] as const)
    expect((await step(which)).json).toMatchObject({ status: 410, code: "invite_used" });

  await invite({ email });
  await mailNewest(it.it);
  it.jar.clear();
  const known = await step("confirm");
  expect([known.status, known.json]).toMatchObject([200, { email, signedIn: null }]);
  expect([...it.jar.keys()]).toEqual(["__Host-mlb"]);

  const { json: third } = await invite({ email: "carol@example.com", role: "admin" });
  await mailNewest(it.it);
  await it.it.admin`UPDATE app.invites SET expires_at = clock_timestamp() WHERE id = ${third.id}`;
  expect((await step("confirm")).json).toMatchObject({ status: 410, code: "invite_expired" });
  const { json: fourth } = await invite({ email: "carol@example.com" });
  await mailNewest(it.it);
  expect((await it.call("DELETE", `${invites}/${fourth.id}`, { token })).status).toBe(204);
  expect((await step("confirm")).json).toMatchObject({ status: 404, code: "invite_unknown" });
  expect((await step("inspect", "x")).json).toMatchObject({ status: 404, code: "invite_unknown" });
});

test("AU-05: a change that cannot be written down is not made, and is 503 without a word about why", async () => {
  await using it = await start();
  const token = await it.signIn();
  const path = `/teams/${it.ann.orgId}`;
  const { admin } = it.it;
  await admin.unsafe(`CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the inner secret' USING errcode = TG_ARGV[0]; END $$`);
  // No room left on the disk; and another transaction that does not let go of the chain.
  for (const code of ["53100", "55P03"]) {
    await admin.unsafe(`CREATE TRIGGER full_disk BEFORE INSERT ON app.audit_log
      FOR EACH ROW EXECUTE FUNCTION public.full('${code}')`);
    const refused = await it.call("PATCH", path, { token, body: { name: "After" } });
    expect([refused.status, refused.json.title]).toEqual([503, "Not ready"]);
    expect(refused.text).not.toContain("inner");
    await admin`DROP TRIGGER full_disk ON app.audit_log`;
  }
  expect((await it.call("GET", path, { token })).json.name).toBe("Crew");
  expect((await it.call("PATCH", path, { token, body: { name: "After" } })).json.name).toBe("After");
});

test("RT-13 and CK-06: sessions and the password over HTTP", async () => {
  await using it = await start();
  const token = await it.signIn();
  it.jar.clear();
  const other = await it.signIn();
  const { json } = await it.call("GET", "/auth/sessions", { token });
  expect(json.items.map(({ current }: { current: boolean }) => current)).toEqual([false, true]);
  expect((await it.call("DELETE", `/auth/sessions/${json.items[0].id}`, { token })).status).toBe(204);
  expect((await it.call("GET", "/me", { token: other })).status).toBe(401);

  expect(
    (await it.call("POST", "/auth/password", { token, body: { password: "short" } })).json,
  ).toMatchObject({ status: 422, code: "password_invalid" });
  expect(
    (await it.call("POST", "/auth/password", { token, body: { password: "a fine long one" } })).status,
  ).toBe(204);
  expect((await it.call("GET", "/me", { token })).status).toBe(401); // called back; the session itself goes on
  const login = await it.call("POST", "/auth/login", { body: { email: EMAIL, password: "a fine long one" } });
  expect(login.status).toBe(200);
  expect((await it.call("DELETE", "/auth/sessions", { token: login.json.accessToken })).json).toEqual({
    ended: 2,
  });
  const wrong = await it.call("POST", "/auth/login", {
    body: { email: EMAIL, password: "a wrong long one" },
    headers: { "Accept-Language": "de-AT" },
  });
  expect(wrong.json).toMatchObject({
    status: 401,
    code: "login_wrong",
    detail: "Die Adresse oder das Passwort ist falsch.",
  });
});

test("an admin's browser sees the numbers of /health, a member's and a signed-out one the states", async () => {
  await using it = await start();
  const details = async () => {
    const headers = {
      Cookie: `__Host-rt=${it.jar.get("__Host-rt") ?? ""}`,
      "X-Forwarded-For": "203.0.113.9",
    };
    const health = await (await fetch(`${it.url}/health`, { headers })).json();
    return "latencyMs" in health.components.database;
  };
  expect(await details()).toBe(false);
  await it.signIn();
  expect(await details()).toBe(true);
  expect((await it.call("POST", "/auth/refresh")).status).toBe(200); // looking has not used it up
  await it.it.admin`UPDATE app.users SET role = 'member'`;
  expect(await details()).toBe(false);
  await it.it.admin`UPDATE app.users SET role = 'admin'`;
  await it.call("DELETE", "/auth/sessions", { token: await it.signIn() });
  expect(await details()).toBe(false);
});

test("RL-05: people of a team have an hour's worth of requests, and another team is not held up", async () => {
  await using it = await start({ ...ROOMY, LIMIT_API_PERSON_PER_HOUR: "5" });
  const token = await it.signIn();
  for (let count = 4; count >= 0; count--)
    expect((await it.call("GET", "/me", { token })).headers.get("ratelimit-remaining")).toBe(String(count));
  const refused = await it.call("GET", "/auth/sessions", { token });
  expect([refused.status, Number(refused.headers.get("retry-after")) > 3_000]).toEqual([429, true]);
  await it.it.team(2, "Garage");
  await it.it.admin`UPDATE auth.accounts SET email = 'bob@example.com' WHERE telegram_user_id = 2`;
  const bobs = await it.signIn("bob@example.com");
  expect((await it.call("GET", "/me", { token: bobs })).status).toBe(200);
});

test("the OpenAPI document names every endpoint, and the page shows them without loading anything", async () => {
  await using it = await start();
  const { json } = await it.call("GET", "/openapi.json");
  expect([json.openapi, json.servers]).toEqual(["3.1.0", [{ url: "https://bot.example.test/api/v1" }]]);
  const named = Object.entries<Record<string, { operationId: string }>>(json.paths).flatMap(
    ([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(named.toSorted()).toEqual(ENDPOINTS.map(({ method, path }) => `${method} ${path}`).toSorted());
  const ids = Object.values<Record<string, { operationId: string }>>(json.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ENDPOINTS.length);
  expect(json.paths["/auth/magic-link"].post.requestBody.content["application/json"].schema).toMatchObject({
    required: ["email"],
    additionalProperties: false,
  });
  const docs = await it.call("GET", "/docs");
  expect(docs.text).not.toMatch(/<script|<link|<img|src=|url\(|@import|style=/);
  for (const { path } of ENDPOINTS) expect(docs.text).toContain(path);
  expect(docs.headers.get("content-security-policy")).toContain("default-src 'none'");
  for (const { answer } of ENDPOINTS) if (answer !== undefined) z.toJSONSchema(answer);
});

function userOf({ actor }: Scope): string {
  return actor.type === "user" ? actor.userId : "";
}
