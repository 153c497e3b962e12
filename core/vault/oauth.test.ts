import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { createOAuthSim, type OAuthSim } from "../../ops/sim/oauth/server.ts";
import { createLog } from "../log.ts";
import { takeLease } from "../pipeline/lease.ts";
import type { Scope } from "../scope.ts";
import { createTestApp, refusalOf, type TestApp } from "../test-app.ts";
import { parseMasterKeys } from "./cipher.ts";
import { addCredential, listConnections, withCredential } from "./credentials.ts";
import { refreshTokens } from "./oauth.ts";
import { rotateKeys } from "./rotation.ts";
import { createSecret } from "./secret.ts";
import { createTokenEndpoint } from "./token-endpoint.ts";

const REFRESHER = fileURLToPath(new URL("./test-refresher.ts", import.meta.url));
const MINUTE_MS = 60_000;
const seen = async (token: string) => token;

/** An app whose Claude sign-in is at a simulated server, and a team that has signed in there. */
async function start(rules: Parameters<typeof createOAuthSim>[0] = {}) {
  const skew = { ms: 0 };
  const base = await createTestApp();
  const sim = await createOAuthSim({ clock: () => base.app.clock.now() + skew.ms, ...rules });
  const client = clientOf(sim);
  const app = base.another({ oauthClients: { claude: client, google: null } });
  const team: Scope = { ...(await base.team(1)), app };
  await signIn(team, sim);
  return {
    ...base,
    it: base,
    sim,
    app,
    team,
    skew,
    client,
    async [Symbol.asyncDispose]() {
      await app.close();
      await sim.stop();
      await base[Symbol.asyncDispose]();
    },
  };
}

function clientOf(sim: OAuthSim) {
  return { tokenUrl: sim.tokenUrl, clientId: sim.clientId, secret: createSecret(sim.clientSecret ?? "") };
}

async function signIn(team: Scope, sim: OAuthSim): Promise<void> {
  const first = sim.issueRefreshToken();
  const reply = await createTokenEndpoint(clientOf(sim), team.app.clock).refresh(first);
  if (reply.outcome !== "granted") throw new Error(`no tokens: ${reply.detail}`);
  const { tokens } = reply;
  await addCredential(team, "claude", { ...tokens, refreshToken: tokens.refreshToken ?? first });
}

async function auditOf(it: TestApp, action: string) {
  return [
    ...(await it.admin`SELECT outcome, detail FROM app.audit_log WHERE action = ${action} ORDER BY seq`),
  ];
}

test("an access token is used until two minutes before its end, then refreshed first; every refresh uses the newest refresh token", async () => {
  await using world = await start();
  const { sim, team, pass } = world;
  const first = await withCredential(team, "claude", seen);
  pass(57 * MINUTE_MS);
  expect(await withCredential(team, "claude", seen)).toBe(first);
  pass(1 * MINUTE_MS + 1_000);
  const second = await withCredential(team, "claude", seen);
  expect(second).not.toBe(first);
  expect(sim.accepts(second)).toBe(true);
  for (let n = 0; n < 5; n += 1) {
    pass(59 * MINUTE_MS);
    expect(sim.accepts(await withCredential(team, "claude", seen))).toBe(true);
  }
  // Nothing was used twice: a rotated refresh token that comes back would have ended it all.
  expect(sim.violations).toEqual([]);
  expect(await auditOf(world.it, "credential.refresh")).toHaveLength(6);
  expect(await listConnections(team)).toMatchObject([{ kind: "oauth", last4: null, status: "active" }]);
});

test("two processes and twenty uses at once refresh one time", async () => {
  await using world = await start();
  const { sim, team, it } = world;
  const refreshes = sim.requests.length;
  // Their clocks are the machine's, so the end is moved into their two minutes.
  await it.admin`UPDATE app.cloud_connections SET expires_at = now() + interval '1 minute'`;
  sim.fault({ kind: "slow", ms: 700, times: 1 });
  const run = () => {
    const args = [it.urls.databaseUrl, team.orgId, sim.tokenUrl, sim.clientId, sim.clientSecret ?? "", "10"];
    const child = Bun.spawn([process.execPath, "--no-env-file", REFRESHER, ...args], { stderr: "inherit" });
    return new Response(child.stdout).json() as Promise<string[]>;
  };
  const [one, two] = await Promise.all([run(), run()]);
  expect(sim.requests.length - refreshes).toBe(1);
  expect(new Set([...one, ...two]).size).toBe(1);
  expect([one.length, two.length, sim.accepts(one[0] ?? "")]).toEqual([10, 10, true]);
  expect(sim.violations).toEqual([]);
});

test("a token that the service refused is replaced once, however many were refused with it", async () => {
  await using world = await start();
  const { sim, team } = world;
  const refreshes = sim.requests.length;
  const refused = await withCredential(team, "claude", seen);
  sim.endAccess(refused);
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => refreshTokens(team, "claude", { rejected: refused })),
  );
  expect(outcomes).toEqual(Array.from({ length: 5 }, () => "fresh"));
  expect(sim.requests.length - refreshes).toBe(1);
  expect(sim.accepts(await withCredential(team, "claude", seen))).toBe(true);
});

test("a permission that was taken back ends the connection: owners and admins are told once, and every use is refused", async () => {
  await using world = await start();
  const { sim, team, it, pass } = world;
  await takeLease(world.app, { id: 4711, username: "block_bot" });
  await it.member(team, 2, "admin");
  await it.member(team, 3, "member");
  sim.revokeAll();
  pass(59 * MINUTE_MS);
  const codes = await Promise.all(
    Array.from({ length: 4 }, () => refusalOf(withCredential(team, "claude", seen))),
  );
  expect(codes).toEqual(Array.from({ length: 4 }, () => "needs_reauth"));
  expect(await listConnections(team)).toMatchObject([{ status: "needs_reauth" }]);
  const told =
    await it.admin`SELECT chat_id::int, payload->>'text' AS text FROM pipeline.outbox ORDER BY chat_id`;
  expect(told.map((row) => row["chat_id"])).toEqual([1, 2]);
  expect(String(told[0]?.["text"])).toContain("has lost its connection to Claude");
  expect(await auditOf(it, "credential.refresh")).toEqual([{ outcome: "refused", detail: null }]);
  // Signed in again, it works again.
  await signIn(team, sim);
  expect(sim.accepts(await withCredential(team, "claude", seen))).toBe(true);
});

test("a refresh token that has expired ends the connection too", async () => {
  await using world = await start({ rules: { refreshSeconds: 7_200 } });
  world.pass(121 * MINUTE_MS);
  expect(await refusalOf(withCredential(world.team, "claude", seen))).toBe("needs_reauth");
});

test("while the token server is away the old token is used to its end, then people are told to try again", async () => {
  await using world = await start();
  const { sim, team, pass } = world;
  const first = await withCredential(team, "claude", seen);
  for (const fault of ["status", "html", "redirect", "reset_before"] as const) {
    pass(10_000); // a server that was away is left alone for a moment
    sim.fault(fault === "status" ? { kind: fault, status: 503, times: 1 } : { kind: fault, times: 1 });
    pass(fault === "status" ? 58 * MINUTE_MS : 0);
    expect(await withCredential(team, "claude", seen)).toBe(first);
  }
  sim.fault({ kind: "status", status: 500, times: 2 });
  pass(2 * MINUTE_MS);
  expect(await refusalOf(withCredential(team, "claude", seen))).toBe("service_away");
  expect(await refusalOf(withCredential(team, "claude", seen))).toBe("service_away");
  expect(sim.requests).toHaveLength(1); // only the sign-in: nothing reached the server's own work
  pass(6_000);
  expect(await refusalOf(withCredential(team, "claude", seen))).toBe("service_away");
  pass(6_000);
  expect(sim.accepts(await withCredential(team, "claude", seen))).toBe(true);
  expect(await listConnections(team)).toMatchObject([{ status: "active" }]);
});

test("an answer that was lost on the way, with the new refresh token in it, is a connection to be made again", async () => {
  await using world = await start();
  const { sim, team, pass } = world;
  sim.fault({ kind: "reset_after", times: 1 });
  pass(59 * MINUTE_MS);
  const first = await withCredential(team, "claude", seen);
  expect(sim.accepts(first)).toBe(true);
  pass(6_000);
  // Nobody can tell it from a stolen token, the server least of all.
  expect(await refusalOf(withCredential(team, "claude", seen))).toBe("needs_reauth");
});

test("a server that does not rotate keeps its refresh token, and one whose clock is wrong does no harm", async () => {
  await using world = await start({ rules: { rotates: false } });
  const { sim, team, pass, skew } = world;
  skew.ms = 7 * 60 * MINUTE_MS;
  pass(59 * MINUTE_MS);
  expect(sim.accepts(await withCredential(team, "claude", seen))).toBe(true);
  skew.ms = -7 * 60 * MINUTE_MS;
  pass(59 * MINUTE_MS);
  expect(sim.accepts(await withCredential(team, "claude", seen))).toBe(true);
});

test("a refresh and a change of the master key at the same time lose neither", async () => {
  await using world = await start();
  const { sim, team, it, pass } = world;
  const keys = parseMasterKeys(
    "2:Q7dWm2n9zR4uYcK1xV8aJ5sLh3gTfE6iPoBqNwC0MvA=,1:5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=",
  );
  const old = it.another({ masterKeys: keys.slice(1), oauthClients: { claude: world.client, google: null } });
  const both = it.another({ masterKeys: keys, oauthClients: { claude: world.client, google: null } });
  try {
    await signIn({ ...team, app: old }, sim);
    pass(59 * MINUTE_MS);
    sim.fault({ kind: "slow", ms: 300, times: 1 });
    const using = withCredential({ ...team, app: both }, "claude", seen);
    await Bun.sleep(100);
    expect(await rotateKeys(both)).toMatchObject({ resealed: 1, unreadable: 0 });
    expect(sim.accepts(await using)).toBe(true);
    pass(59 * MINUTE_MS);
    expect(sim.accepts(await withCredential({ ...team, app: both }, "claude", seen))).toBe(true);
    expect(sim.violations).toEqual([]);
  } finally {
    await both.close();
    await old.close();
  }
});

test("VA-07: whatever the token server answers, neither a token nor the client's secret is logged or told", async () => {
  await using world = await start();
  const { sim, pass } = world;
  const lines: string[] = [];
  const log = createLog({ level: "trace", destination: { write: (line) => void lines.push(line) } });
  const team: Scope = { ...world.team, log, app: { ...world.app, log } };
  const tokens = new Set([await withCredential(team, "claude", seen)]);
  const told: string[] = [];
  pass(59.5 * MINUTE_MS); // it ends half way through what follows
  for (const fault of [
    { kind: "echo", status: 200 },
    { kind: "echo", status: 400 },
    { kind: "echo", status: 401 },
    { kind: "echo", status: 500 },
    { kind: "status", status: 503 },
    { kind: "html" },
    { kind: "redirect" },
    { kind: "reset_before" },
  ] as const) {
    sim.fault({ ...fault, times: 1 });
    pass(6_000); // a server that was away is left alone for a moment
    const got = await withCredential(team, "claude", seen).catch((thrown: unknown) => thrown);
    if (typeof got === "string") tokens.add(got);
    else told.push(inspect(got, { depth: 10 }));
  }
  pass(6_000);
  await world.it.admin`REVOKE UPDATE ON app.credentials FROM blockbot_app`; // granted, and not to be stored
  const lost = await withCredential(team, "claude", seen).catch((thrown: unknown) => thrown);
  await world.it.admin`GRANT UPDATE ON app.credentials TO blockbot_app`;
  log.error({ err: lost }, "what a caller logs");
  told.push(inspect(lost, { depth: 10 }));
  for (const params of sim.requests) tokens.add(params.get("refresh_token") ?? "none");
  const secrets = [...tokens, sim.clientSecret ?? "none"];
  expect([secrets.length > 3, lines.length > 8, told.length > 1]).toEqual([true, true, true]);
  for (const secret of secrets)
    expect([...lines, ...told].filter((text) => text.includes(secret))).toEqual([]);
});

test("no table carries a token in the clear", async () => {
  await using world = await start();
  const { sim, team, it, pass } = world;
  pass(59 * MINUTE_MS);
  await withCredential(team, "claude", seen);
  const texts = [
    ...(await it.admin`SELECT l::text AS text FROM app.audit_log l`),
    ...(await it.admin`SELECT c::text AS text FROM app.cloud_connections c`),
    ...(await it.admin`SELECT c::text || encode(c.envelope, 'escape') AS text FROM app.credentials c`),
  ].map((row) => String(row["text"]));
  for (const text of texts) expect(text).not.toMatch(/\b[ar]t-/);
  expect(sim.violations).toEqual([]);
});
