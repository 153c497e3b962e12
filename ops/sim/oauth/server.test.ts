import { expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { createOAuthSim, type OAuthSim } from "./server.ts";

const VERIFIER = randomBytes(32).toString("base64url");
const REDIRECT = "http://127.0.0.1:49152/";

function authorizeUrl(sim: OAuthSim, changes: Record<string, string> = {}): string {
  const params = {
    response_type: "code",
    client_id: sim.clientId,
    redirect_uri: REDIRECT,
    scope: "files.read",
    state: "a-state-nobody-guesses",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    access_type: "offline",
    ...changes,
  };
  return `${sim.authorizeUrl}?${new URLSearchParams(params)}`;
}

async function codeOf(sim: OAuthSim): Promise<string> {
  const response = await fetch(authorizeUrl(sim), { redirect: "manual" });
  const location = new URL(response.headers.get("location") ?? "");
  expect(location.searchParams.get("state")).toBe("a-state-nobody-guesses");
  return location.searchParams.get("code") ?? "";
}

async function ask(sim: OAuthSim, grant: Record<string, string>) {
  const body = new URLSearchParams({
    client_id: sim.clientId,
    client_secret: sim.clientSecret ?? "",
    ...grant,
  });
  const response = await fetch(sim.tokenUrl, { method: "POST", body });
  // safe: the simulator answers with an object of these
  const answer = (await response.json()) as { access_token?: string; refresh_token?: string };
  return { status: response.status, ...answer };
}

const exchange = (code: string, verifier = VERIFIER) => ({
  grant_type: "authorization_code",
  code,
  code_verifier: verifier,
  redirect_uri: REDIRECT,
});
const refresh = (token: string | undefined) => ({ grant_type: "refresh_token", refresh_token: token ?? "" });

test("a code becomes tokens, a refresh token becomes the next ones, and an access token is good until it ends", async () => {
  let now = 1_000_000;
  const sim = await createOAuthSim({ clock: () => now });
  const first = await ask(sim, exchange(await codeOf(sim)));
  expect(first).toMatchObject({ status: 200, token_type: "Bearer", expires_in: 3600, scope: "files.read" });
  const second = await ask(sim, refresh(first.refresh_token));
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(sim.accepts(second.access_token ?? "")).toBe(true);
  expect(sim.accepts("at-made-up")).toBe(false);
  now += 3_600_000;
  expect(sim.accepts(second.access_token ?? "")).toBe(false);
  now += 86_400_000;
  expect(await ask(sim, refresh(second.refresh_token))).toMatchObject({
    status: 400,
    error: "invalid_grant",
  });
  expect(sim.violations).toEqual([]);
  await sim.stop();
});

test("a code works once, with the proof and the address that it was asked for with; used again, its tokens are revoked", async () => {
  let now = 0;
  const sim = await createOAuthSim({ clock: () => now });
  const code = await codeOf(sim);
  const { access_token: access = "" } = await ask(sim, exchange(code));
  expect(sim.accepts(access)).toBe(true);
  expect(await ask(sim, exchange(code))).toMatchObject({ error: "invalid_grant" });
  expect(sim.accepts(access)).toBe(false);
  const wrong = randomBytes(32).toString("base64url");
  expect(await ask(sim, exchange(await codeOf(sim), wrong))).toMatchObject({ error: "invalid_grant" });
  expect(await ask(sim, exchange(await codeOf(sim), "short"))).toMatchObject({ error: "invalid_request" });
  const elsewhere = { ...exchange(await codeOf(sim)), redirect_uri: "http://127.0.0.1:1/" };
  expect(await ask(sim, elsewhere)).toMatchObject({ error: "invalid_grant" });
  const late = await codeOf(sim);
  now += 60_000;
  expect(await ask(sim, exchange(late))).toMatchObject({ error: "invalid_grant" });
  expect(sim.violations).toHaveLength(4);
  await sim.stop();
});

test("a refresh token that was rotated away and comes back revokes everything that came after it", async () => {
  const sim = await createOAuthSim();
  const old = sim.issueRefreshToken();
  const { refresh_token: next, access_token: access = "" } = await ask(sim, refresh(old));
  expect(await ask(sim, refresh(old))).toMatchObject({ status: 400, error: "invalid_grant" });
  expect(sim.accepts(access)).toBe(false);
  expect(await ask(sim, refresh(next))).toMatchObject({ error: "invalid_grant" });
  expect(sim.violations).toMatchObject([{ description: expect.stringContaining("used before") }]);
  await sim.stop();
});

test("a malformed request, a wrong client and an address that is not this machine are refused", async () => {
  const sim = await createOAuthSim();
  for (const changes of [
    { response_type: "token" },
    { client_id: "another" },
    { redirect_uri: "https://elsewhere.example/" },
    { redirect_uri: "http://localhost:49152/" },
    { scope: "" },
    { state: "1" },
    { code_challenge_method: "plain" },
    { code_challenge: "short" },
    { made_up: "1" },
  ])
    expect((await fetch(authorizeUrl(sim, changes), { redirect: "manual" })).status).toBe(400);
  const good = refresh(sim.issueRefreshToken());
  expect(await ask(sim, { ...good, client_secret: "wrong" })).toMatchObject({
    status: 401,
    error: "invalid_client",
  });
  expect(await ask(sim, { ...good, made_up: "1" })).toMatchObject({ error: "invalid_request" });
  expect(await ask(sim, { ...good, grant_type: "password" })).toMatchObject({
    error: "unsupported_grant_type",
  });
  const json = await fetch(sim.tokenUrl, { method: "POST", body: JSON.stringify(good) });
  expect(json.status).toBe(400);
  expect(sim.violations).toHaveLength(13);
  await sim.stop();
});
