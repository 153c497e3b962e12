import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openInstance } from "../core/instance.ts";
import type { Scope } from "../core/scope.ts";
import { createTestApp, leaseOf, refusalOf, type TestApp } from "../core/test-app.ts";
import { parseMasterKeys } from "../core/vault/cipher.ts";
import { listConnections, withCredential } from "../core/vault/credentials.ts";
import { refreshExpiring } from "../core/vault/refresh-job.ts";
import { createSecret } from "../core/vault/secret.ts";
import { createOAuthSim, type OAuthSim } from "./sim/oauth/server.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const KEY = "1:5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";
const DRIVE = "https://www.googleapis.com/auth/drive.readonly";
const LOOK_MS = 20;
const LOOKS_MAX = 1_000;

/** An instance with two teams, Google's stand-in, and the program beside it. */
async function start() {
  const base = await createTestApp({ masterKeys: parseMasterKeys(KEY) });
  await openInstance(base.app, "real", null);
  const google = await createOAuthSim({ clock: () => base.app.clock.now() });
  const client = {
    authUrl: google.authorizeUrl,
    tokenUrl: google.tokenUrl,
    clientId: google.clientId,
    secret: createSecret(google.clientSecret ?? ""),
  };
  const app = base.another({
    masterKeys: parseMasterKeys(KEY),
    oauthClients: { claude: null, google: client },
  });
  const [first, second] = [
    { ...(await base.team(1, "First")), app },
    { ...(await base.team(2, "Second")), app },
  ];
  return {
    it: base,
    app,
    google,
    first,
    second,
    run: (...args: string[]) => run(base, google, args),
    async [Symbol.asyncDispose]() {
      await app.close();
      await google.stop();
      await base[Symbol.asyncDispose]();
    },
  };
}

function run(it: TestApp, google: OAuthSim, args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "google-oauth-"));
  const child = spawn(process.execPath, ["--no-env-file", "ops/google-oauth.ts", ...args], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      DATA_DIR: folder,
      TELEGRAM_BOT_TOKEN: "5000000002:AAE-looks-like-a-token-of-BotFather_0",
      DATABASE_URL: it.urls.databaseUrl,
      MASTER_KEY: KEY,
      JWT_SECRET: "8vY2kT5qZr1LwXc7Bn4Ms9PdGf6HjQeA",
      GOOGLE_CLIENT_ID: google.clientId,
      GOOGLE_CLIENT_SECRET: google.clientSecret ?? "",
      GOOGLE_AUTH_URL: google.authorizeUrl,
      GOOGLE_TOKEN_URL: google.tokenUrl,
    },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  void ended.then(() => rmSync(folder, { recursive: true, force: true }));
  return {
    ended,
    output: () => printed,
    /** The link that the person opens. */
    async link(): Promise<URL> {
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        const link = /^(http\S+\/authorize\?\S+)$/m.exec(printed)?.[1];
        if (link !== undefined) return new URL(link);
        await Bun.sleep(LOOK_MS);
      }
      child.kill();
      throw new Error(`no link came: ${printed}`);
    },
    paste: (line: string): void => void child.stdin.write(`${line}\n`),
  };
}

/** Where the browser is sent when the person has decided. */
async function decide(link: URL): Promise<string> {
  const response = await fetch(link, { redirect: "manual" });
  return response.headers.get("location") ?? "";
}

const use = (scope: Scope) => withCredential(scope, "google", async (token) => token);

test("a team's Google account is connected in the browser, is refreshed by the job and on use, and its end is told", async () => {
  await using world = await start();
  const { it, app, google, first, second } = world;
  const program = world.run("--team", "Second", "--no-browser");
  const page = await fetch(await program.link());
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("can be closed")]);
  expect([await program.ended, program.output()]).toEqual([0, expect.stringContaining("for “Second”")]);
  expect(program.output()).not.toMatch(/\b[ar]t-|code-/);
  expect(await listConnections(first)).toEqual([]);
  expect(await listConnections(second)).toMatchObject([
    { service: "google", kind: "oauth", status: "active" },
  ]);
  const [row] = await it.admin`SELECT scopes FROM app.cloud_connections`;
  expect(row?.["scopes"]).toEqual([DRIVE]);

  const token = await use(second);
  expect(google.accepts(token)).toBe(true);
  it.pass(56 * 60_000);
  await refreshExpiring(app);
  const renewed = await use(second);
  expect([renewed === token, google.accepts(renewed)]).toEqual([false, true]);
  it.pass(59 * 60_000);
  expect(google.accepts(await use(second))).toBe(true);

  await leaseOf(app);
  google.revokeAll();
  it.pass(56 * 60_000);
  await refreshExpiring(app);
  expect(await refusalOf(use(second))).toBe("needs_reauth");
  const told = await it.admin`SELECT chat_id::int AS chat, payload->>'text' AS text FROM pipeline.outbox`;
  expect(told.map((each) => each["chat"])).toEqual([2]);
  expect(told[0]?.["text"]).toContain("npm run connect:google");
  expect(google.violations).toEqual([]);
});

test("on a server without a browser the address is pasted, and only the one of this link counts", async () => {
  await using world = await start();
  const { google, first } = world;
  const stray = world.run();
  const elsewhere = new URL(await decide(await stray.link()));
  elsewhere.searchParams.set("state", "a-state-of-somebody-else");
  stray.paste("not an address");
  stray.paste(elsewhere.toString());
  expect([await stray.ended, stray.output()]).toEqual([
    1,
    expect.stringContaining("does not belong to this link"),
  ]);
  expect(stray.output()).toContain("That is no address");

  const program = world.run();
  program.paste(await decide(await program.link()));
  expect([await program.ended, program.output()]).toEqual([0, expect.stringContaining("for “First”")]);
  expect(google.accepts(await use(first))).toBe(true);
});

test("who says no, a code that was used before, and a token that Google does not give connect nothing", async () => {
  await using world = await start();
  const { google, first } = world;
  const used = world.run();
  const address = await decide(await used.link());
  google.fault({ kind: "reset_after", times: 1 });
  used.paste(address);
  expect([await used.ended, used.output()]).toEqual([1, expect.stringContaining("Google gave no tokens")]);
  google.deny();
  const denied = world.run();
  denied.paste(await decide(await denied.link()));
  expect([await denied.ended, denied.output()]).toEqual([1, expect.stringContaining("was not allowed")]);
  expect(await listConnections(first)).toEqual([]);
  const nobody = world.run("--team", "Third");
  expect([await nobody.ended, nobody.output()]).toEqual([1, expect.stringContaining("No team is called")]);
});
