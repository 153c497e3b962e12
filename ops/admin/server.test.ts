import { expect, test } from "bun:test";
import { createApp, type App } from "../../core/app.ts";
import { createLog } from "../../core/log.ts";
import { testSettings } from "../../core/test-app.ts";
import { sql } from "drizzle-orm";
import { inSystem } from "../../db/tenant.ts";
import { createTestDatabase } from "../../db/test-db.ts";
import { bindAdmin } from "./server.ts";

const TOKEN = "health-token-of-this-test";
const SETTINGS = { healthToken: TOKEN, trustedProxies: [], corsOrigins: [] };
const DATABASE_PASSWORD = "never-show-this";
const NOTHING_LISTENS = `postgres://blockbot_app:${DATABASE_PASSWORD}@127.0.0.1:1/none`;
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
const CLAUDE = {
  apiKey: "sk-ant-test-000000000000",
  baseUrl: "http://127.0.0.1:1",
  model: "claude-sonnet-5-5",
};
const THROUGH_PROXY = { "X-Forwarded-For": "127.0.0.1" };

test("everybody sees states; numbers and texts need the token or this very machine", async () => {
  await using database = await createTestDatabase();
  await using it = serve(database.databaseUrl);
  await inSystem(it.app, (tx) =>
    tx.execute(
      sql`INSERT INTO pipeline.bots (bot_id, username, last_poll_at) VALUES (7, 'block_bot', now())`,
    ),
  );

  const everybody = {
    status: "ok",
    version: "1.2.3",
    components: {
      database: { state: "ok" },
      redis: { state: "off" },
      telegram: { state: "ok" },
      claude: { state: "unknown" },
      inbox: { state: "ok" },
      outbox: { state: "ok" },
      jobs: { state: "ok" },
      mail: { state: "off" },
      disk: { state: "ok" },
    },
  };
  const wrongToken = { ...THROUGH_PROXY, Authorization: "Bearer health-token-of-this-tesT" };
  for (const headers of [THROUGH_PROXY, wrongToken, { Via: "1.1 proxy" }, { Host: "rebound.example" }]) {
    const response = await fetch(`${it.url}/health`, { headers });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(everybody);
    const page = await (await fetch(`${it.url}/health`, { headers: { ...headers, Accept: BROWSER } })).text();
    expect(page).toContain("Everything works");
    expect(page).not.toMatch(/block_bot| ms|waiting|up for/);
  }

  for (const headers of [{}, { ...THROUGH_PROXY, Authorization: `Bearer ${TOKEN}` }]) {
    const report = await (await fetch(`${it.url}/health`, { headers })).json();
    expect(report).toMatchObject(everybody);
    expect(report).toMatchObject({
      uptimeSeconds: expect.any(Number),
      components: {
        database: { latencyMs: expect.any(Number) },
        telegram: { botUsername: "block_bot", secondsSinceLastPoll: expect.any(Number) },
        inbox: { waiting: 0, parked: 0 },
      },
    });
    const page = await (await fetch(`${it.url}/health`, { headers: { ...headers, Accept: BROWSER } })).text();
    expect(page).toMatch(/@block_bot · last fetch \d+ s ago/);
    expect(page).toContain("0 waiting");
  }
});

test("a browser gets a page that loads nothing, everything else gets JSON", async () => {
  await using database = await createTestDatabase();
  await using it = serve(database.databaseUrl);
  const typeFor = async (accept: string) => {
    const response = await fetch(`${it.url}/health`, { headers: { Accept: accept } });
    expect(response.headers.get("vary")).toBe("Accept");
    return response.headers.get("content-type")?.split(";")[0];
  };
  for (const accept of [BROWSER, "text/html", "TEXT/HTML;q=0.9, application/json;q=0.8", "text/*"]) {
    expect([accept, await typeFor(accept)]).toEqual([accept, "text/html"]);
  }
  for (const accept of [
    "*/*",
    "application/json",
    "text/html, application/json",
    "text/html;q=0",
    "image/png",
    ";;q=,/",
  ]) {
    expect([accept, await typeFor(accept)]).toEqual([accept, "application/json"]);
  }

  await inSystem(it.app, (tx) =>
    tx.execute(
      sql`INSERT INTO pipeline.bots (bot_id, username, last_poll_at) VALUES (7, ${"<b>&\"'"}, now())`,
    ),
  );
  const response = await fetch(`${it.url}/health`, { headers: { Accept: BROWSER } });
  const page = await response.text();
  expect(page).toContain("@&lt;b&gt;&amp;&quot;&#39;");
  expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(|@import|style=/);
  expect(response.headers.get("refresh")).toBe("10");

  const style = page.slice(page.indexOf("<style>") + "<style>".length, page.indexOf("</style>"));
  const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none';");
  expect(policy).toContain(`style-src 'sha256-${hash}'`);
  expect(policy).toContain("frame-ancestors 'none'");
});

test("every error has one shape, and every answer the security headers", async () => {
  await using it = serve(NOTHING_LISTENS);
  const unknown = await fetch(`${it.url}/nothing`, { headers: { "X-Request-Id": "caller-0001" } });
  expect(unknown.status).toBe(404);
  expect(unknown.headers.get("content-type")).toBe("application/problem+json");
  expect(await unknown.json()).toEqual({
    type: "about:blank",
    title: "Not found",
    status: 404,
    detail: expect.any(String),
    correlationId: "caller-0001",
  });

  for (const path of ["/", "/health", "/health/live", "/health/ready"]) {
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const refused = await fetch(`${it.url}${path}`, { method });
      const { headers } = refused;
      expect([path, method, refused.status]).toEqual([path, method, 405]);
      expect(headers.get("allow")).toBe("GET, HEAD");
      expect(await refused.json()).toMatchObject({ status: 405, correlationId: headers.get("x-request-id") });
    }
  }
  for (const path of ["/health/", "/healthz", "/%zz", "/%00", "/favicon.ico"]) {
    expect([path, (await fetch(it.url + path)).status]).toEqual([path, 404]);
  }

  for (const path of ["/health/live", "/", "/nothing"]) {
    const { headers } = await fetch(it.url + path, { redirect: "manual" });
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  }

  for (const id of ["short", "x".repeat(65), "has space in it", "semi;colon;1"]) {
    const { headers } = await fetch(`${it.url}/health/live`, { headers: { "X-Request-Id": id } });
    expect(headers.get("x-request-id")).toMatch(/^[a-z2-9]{10}$/);
  }
  const home = await fetch(it.url, { redirect: "manual" });
  expect([home.status, home.headers.get("location")]).toEqual([302, "/health"]);
});

test("HEAD answers as GET does, without the body", async () => {
  await using it = serve(NOTHING_LISTENS);
  for (const path of ["/health/live", "/health/ready", "/health", "/nothing"]) {
    const get = await fetch(it.url + path);
    const body = await get.text();
    const head = await fetch(it.url + path, { method: "HEAD" });
    expect(head.status).toBe(get.status);
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    // Uptime and correlation ids may differ in length, the fixed answer may not.
    if (path === "/health/live") expect(head.headers.get("content-length")).toBe(String(body.length));
    expect(await head.text()).toBe("");
  }
});

test("without its database the program says that it is down, and nothing about why", async () => {
  await using it = serve(NOTHING_LISTENS);
  const answers = await Promise.all([
    fetch(`${it.url}/health`),
    fetch(`${it.url}/health`, { headers: THROUGH_PROXY }),
    fetch(`${it.url}/health`, { headers: { Accept: BROWSER } }),
    fetch(`${it.url}/health/ready`),
  ]);
  for (const answer of answers) {
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toMatch(
      /ECONNREFUSED|127\.0\.0\.1|blockbot_app|never-show-this|stack|\.ts/,
    );
  }
  const live = await fetch(`${it.url}/health/live`);
  expect([live.status, await live.json()]).toEqual([200, { status: "live" }]);
  expect(it.logged()).not.toContain(DATABASE_PASSWORD);
});

test("however many ask at once, the parts are checked once at a time", async () => {
  let pings = 0;
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<null>();
  await using it = serve(NOTHING_LISTENS, (app) => ({
    ...app,
    limits: {
      ...app.limits,
      ping: () => {
        pings += 1;
        asked.resolve();
        return answered.promise;
      },
    },
    clock: { ...app.clock, sleep: () => new Promise(() => undefined) },
  }));
  const first = fetch(`${it.url}/health`);
  await asked.promise;
  const others = Array.from({ length: 20 }, () => fetch(`${it.url}/health`));
  // A request that was sent later and is answered shows that the server has read the others.
  await Promise.all(Array.from({ length: 20 }, () => fetch(`${it.url}/health/live`)));
  answered.resolve(null);
  await Promise.all([first, ...others]);
  expect(pings).toBeLessThan(5);
});

test("an error nobody foresaw is a fixed sentence outside and one whole line in the log", async () => {
  await using it = serve(NOTHING_LISTENS, (app) => ({
    ...app,
    claudeHealth: {
      ...app.claudeHealth,
      report: () => {
        throw new Error("the inner secret");
      },
    },
  }));
  const response = await fetch(`${it.url}/health`, { headers: { "X-Request-Id": "incident-1" } });
  expect(response.status).toBe(500);
  const body = await response.text();
  expect(JSON.parse(body)).toMatchObject({
    title: "Internal error",
    status: 500,
    correlationId: "incident-1",
  });
  expect(body).not.toContain("inner");
  const [line, ...more] = it.requests("/health");
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    level: "error",
    status: 500,
    correlationId: "incident-1",
    err: { message: "the inner secret" },
  });
});

test("each request is one log line without its query, and health checks are quiet", async () => {
  await using it = serve(NOTHING_LISTENS);
  await fetch(`${it.url}/somewhere?token=secret-in-query`, { headers: { "X-Request-Id": "caller-0002" } });
  await fetch(`${it.url}/health/live`);
  expect(it.requests("/somewhere")).toEqual([
    expect.objectContaining({
      level: "info",
      method: "GET",
      path: "/somewhere",
      status: 404,
      ms: expect.any(Number),
      correlationId: "caller-0002",
    }),
  ]);
  expect(it.requests("/health/live")).toEqual([expect.objectContaining({ level: "debug", status: 200 })]);
  expect(it.logged()).not.toContain("secret-in-query");
});

test("a taken port is named together with the key that changes it, and a port that is not served yet says so", async () => {
  await using it = serve(NOTHING_LISTENS);
  const port = Number(new URL(it.url).port);
  expect(() => bindAdmin({ host: "127.0.0.1", port })).toThrow(new RegExp(`Port ${port} .*PORT`));
  expect(() => bindAdmin({ host: "203.0.113.1", port: 0 })).toThrow(/HOST/);

  await it.stop();
  const again = bindAdmin({ host: "127.0.0.1", port });
  const early = await fetch(`${again.url}/health/live`);
  expect([early.status, early.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
  again.serve(it.app, SETTINGS);
  expect((await fetch(`${again.url}/health/live`)).status).toBe(200);
  await again.stop();
});

function serve(databaseUrl: string, change: (app: App) => App = (app) => app) {
  const lines: string[] = [];
  const log = createLog({ level: "debug", destination: { write: (line) => lines.push(line) } });
  const app = createApp({ ...testSettings(databaseUrl), version: "1.2.3", claude: CLAUDE }, { log });
  const admin = bindAdmin({ host: "127.0.0.1", port: 0 });
  admin.serve(change(app), SETTINGS);
  return {
    app,
    url: admin.url,
    stop: () => admin.stop(),
    logged: () => lines.join(""),
    requests: (path: string): unknown[] =>
      lines.map((line) => JSON.parse(line)).filter((line) => line.msg === "request" && line.path === path),
    async [Symbol.asyncDispose]() {
      await admin.stop();
      await app.close();
    },
  };
}
