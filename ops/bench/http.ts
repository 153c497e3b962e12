import { fileURLToPath } from "node:url";
import { createTestDatabase } from "../../db/test-db.ts";
import { openStage, type Stage } from "../sim/stage.ts";
import { quantile, type BenchResult, type Figure } from "./figures.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ROUNDS = 3;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 3_000;
const AT_ONCE = 16;
/** As many as there are processors that hash, so that none waits for another. */
const LOGINS_AT_ONCE = 2;
const EMAIL = "bench@example.com";
const PASSWORD = "correct horse battery staple";
const ARGON2 = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
const ANY = "200000";
const LIMITS = {
  LIMIT_API_ENDPOINT_PER_MINUTE: ANY,
  LIMIT_API_PERSON_PER_HOUR: ANY,
  LIMIT_API_TEAM_PER_HOUR: ANY,
  LIMIT_SIGN_IN_ADDRESS_PER_15_MINUTES: ANY,
  LIMIT_SIGN_IN_ACCOUNT_PER_15_MINUTES: ANY,
};

type Target = { readonly url: string; readonly init: RequestInit };

/** What the real program serves over HTTP, against a bare `Bun.serve`, each in a process of its own. */
export async function http(): Promise<BenchResult> {
  const hash = await Bun.password.hash(PASSWORD, ARGON2);
  const bare = await startBareServer(hash);
  const database = await createTestDatabase();
  const figures: Figure[] = [];
  {
    await using stage = await openStage(database);
    const url = await serve(stage, hash);
    const login: RequestInit = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email: EMAIL, password: PASSWORD }),
    };
    const signedIn = await fetch(`${url}/api/v1/auth/login`, login);
    const { accessToken } = (await signedIn.json()) as { accessToken: string }; // safe: `measure` fails for anything else
    const get = { url: bare.url, init: {} };
    const own = { headers: { Authorization: `Bearer ${accessToken}` } };
    figures.push(
      ...(await compare("GET /health", { url: `${url}/health`, init: {} }, get, AT_ONCE)),
      ...(await compare("GET /api/v1/me, signed in", { url: `${url}/api/v1/me`, init: own }, get, AT_ONCE)),
      ...(await compare(
        "POST /api/v1/auth/login",
        { url: `${url}/api/v1/auth/login`, init: login },
        { url: bare.url, init: login },
        LOGINS_AT_ONCE,
      )),
    );
  }
  bare.kill();
  await database.drop();
  return {
    figures,
    notes: [
      `${AT_ONCE} requests at once (${LOGINS_AT_ONCE} logins), ${ROUNDS} times for ${MEASURED_MS / 1_000} s after ${WARM_UP_MS / 1_000} s to warm up, ours and the baseline in turns, from one process on the same processors.`,
      "The baseline is a bare Bun.serve that answers a line of JSON, and for a login checks the same password (Argon2id, 19 MiB, two passes).",
      `Raised to ${ANY}: ${Object.keys(LIMITS).join(", ")}. Every request is still counted; without Redis, in the process.`,
    ],
  };
}

/** Starts the program with one person who can sign in. Returns where it serves. */
async function serve(stage: Stage, hash: string): Promise<string> {
  const program = stage.launch(LIMITS);
  await program.ready;
  await stage.gather(1);
  await stage.sql`UPDATE auth.accounts SET email = ${EMAIL}, email_verified_at = now(), password_hash = ${hash}`;
  return new URL(program.link("Health")).origin;
}

async function compare(what: string, ours: Target, bare: Target, atOnce: number): Promise<Figure[]> {
  const tookMs = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    tookMs.bare.push(...(await measure(bare, atOnce)));
    tookMs.ours.push(...(await measure(ours, atOnce)));
  }
  const perSecond = (samples: readonly number[]) => (samples.length / (ROUNDS * MEASURED_MS)) * 1_000;
  const at = (share: number) => ({
    value: quantile(tookMs.ours, share),
    unit: "ms" as const,
    baseline: quantile(tookMs.bare, share),
  });
  return [
    { what, value: perSecond(tookMs.ours), unit: "/s", baseline: perSecond(tookMs.bare) },
    { what: `${what}, p50`, ...at(0.5) },
    { what: `${what}, p99`, ...at(0.99) },
  ];
}

/** Asks without end, so many at once. Returns how long each answer took, in ms. Throws when one is not 200. */
async function measure({ url, init }: Target, atOnce: number): Promise<number[]> {
  const tookMs: number[] = [];
  const from = performance.now() + WARM_UP_MS;
  const until = from + MEASURED_MS;
  const one = async (): Promise<void> => {
    for (let askedAt = performance.now(); askedAt < until; askedAt = performance.now()) {
      const response = await fetch(url, init);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
      const answeredAt = performance.now();
      if (askedAt >= from && answeredAt <= until) tookMs.push(answeredAt - askedAt);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return tookMs;
}

async function startBareServer(hash: string): Promise<{ url: string; kill: () => void }> {
  const child = Bun.spawn([process.execPath, "--no-env-file", "ops/bench/bare-server.ts", hash], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString();
    if (said.includes("\n")) break;
  }
  const url = /^ready (\S+)/.exec(said)?.[1];
  if (url === undefined) throw new Error(`the bare server did not get ready: ${said}`);
  return { url, kill: () => child.kill("SIGKILL") };
}
