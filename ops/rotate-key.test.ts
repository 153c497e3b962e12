import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "../core/app.ts";
import { openInstance } from "../core/instance.ts";
import type { Scope } from "../core/scope.ts";
import { createTestApp, type TestApp } from "../core/test-app.ts";
import { parseMasterKeys } from "../core/vault/cipher.ts";
import { addCredential, withCredential } from "../core/vault/credentials.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OLD = "1:5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";
const NEW = "2:Q7dWm2n9zR4uYcK1xV8aJ5sLh3gTfE6iPoBqNwC0MvA=";
const TEAMS = 120;
const WRITERS = 3;
// Early enough that the rest of the work is still to do when the kill arrives.
const SOME = 10;
const TEST_MS_MAX = 120_000;

test(
  "VA-06: keys change under concurrent writers, killed in the middle and run again: all rows open with the new key alone, and no read ever failed",
  async () => {
    await using it = await createTestApp({ masterKeys: parseMasterKeys(OLD) });
    using tool = rotateKey(it);
    await openInstance(it.app, "real", null);
    const teams = await Promise.all(Array.from({ length: TEAMS }, (_, n) => it.team(n + 1)));
    const expected = new Map(teams.map((team) => [team.orgId, `xoxb-secret-of-${team.orgId}-0`]));
    for (const team of teams) await addCredential(team, "slack", expected.get(team.orgId) ?? "");

    const both = it.another({ masterKeys: parseMasterKeys(`${NEW},${OLD}`) });
    try {
      const traffic = startTraffic(both, teams, expected);
      const killed = tool.run(`${NEW},${OLD}`);
      const half = await reached(it, SOME);
      killed.kill();
      expect(await killed.ended).toBe(null);
      expect(half).toBeLessThan(TEAMS);
      // With half of the rows changed, neither key alone is let start.
      for (const keys of [OLD, NEW]) expect(await startWith(it, keys)).toMatch(/MASTER_KEY/);

      const finished = tool.run(`${NEW},${OLD}`);
      expect([await finished.ended, finished.output()]).toEqual([0, expect.stringContaining("Key 2: ")]);
      expect(finished.output()).toContain("Take it out of MASTER_KEY");
      const { reads, writes } = await traffic.stop();
      expect(reads).toBeGreaterThan(0);
      expect(writes).toBeGreaterThan(0);
    } finally {
      await both.close();
    }

    expect([...(await it.admin`SELECT DISTINCT kid::int FROM app.credentials`)]).toEqual([{ kid: 2 }]);
    expect(await startWith(it, OLD)).toContain("MASTER_KEY");
    expect(await startWith(it, NEW)).toBe("started");
    const fresh = it.another({ masterKeys: parseMasterKeys(NEW) });
    for (const team of teams)
      expect(await withCredential({ ...team, app: fresh }, "slack", async (secret) => secret)).toBe(
        expected.get(team.orgId) ?? "",
      );
    await fresh.close();
    const [audited] =
      await it.admin`SELECT sum((detail->>'count')::int)::int AS n FROM app.audit_log WHERE action = 'credential.reseal' AND actor_type = 'operator'`;
    // Every row once, but those that a writer had sealed anew before their turn came.
    expect(Number(audited?.["n"])).toBeLessThanOrEqual(TEAMS);
    expect(Number(audited?.["n"])).toBeGreaterThanOrEqual(SOME);
    const again = tool.run(NEW);
    expect([await again.ended, again.output()]).toEqual([0, expect.stringContaining("0 credentials of 120")]);
  },
  TEST_MS_MAX,
);

test("a row that no key opens does not keep the others from being sealed anew, and is said", async () => {
  await using it = await createTestApp({ masterKeys: parseMasterKeys(OLD) });
  using tool = rotateKey(it);
  await openInstance(it.app, "real", null);
  const [good, bad] = [await it.team(1), await it.team(2)];
  for (const team of [good, bad]) await addCredential(team, "slack", "xoxb-a-secret-of-theirs");
  await it.admin`UPDATE app.credentials SET envelope = set_byte(envelope, 20, get_byte(envelope, 20) # 1) WHERE org_id = ${bad.orgId}`;
  const run = tool.run(`${NEW},${OLD}`);
  expect(await run.ended).toBe(1);
  expect(run.output()).toContain("1 credential sealed with key 2, but 1 credential opened with no key");
  expect(run.output()).not.toContain("xoxb");
  // The check of the key still wants the old one: the broken row may yet be mended from a backup.
  expect(await startWith(it, NEW)).toContain("MASTER_KEY");
});

/** Connects anew and reads, as the running product does, until stopped. Throws then when a read failed or was wrong. */
function startTraffic(app: App, teams: readonly Scope[], expected: Map<string, string>) {
  const stopping = new AbortController();
  const done = { reads: 0, writes: 0 };
  const workers = Array.from({ length: WRITERS }, async (_, worker) => {
    for (let n = 1; !stopping.signal.aborted; n += 1) {
      // Each has teams of its own, so that it knows what it must read.
      const scope = { ...teams[(n * WRITERS + worker) % TEAMS], app } as Scope;
      const read = await withCredential(scope, "slack", async (secret) => secret);
      if (read !== expected.get(scope.orgId)) throw new Error("a read got another secret");
      done.reads += 1;
      if (n % 4 !== 0) continue;
      const secret = `xoxb-secret-of-${scope.orgId}-${n}`;
      await addCredential(scope, "slack", secret);
      expected.set(scope.orgId, secret);
      done.writes += 1;
    }
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(workers);
      return done;
    },
  };
}

async function reached(it: TestApp, rows: number): Promise<number> {
  for (;;) {
    const [row] =
      await it.admin`SELECT coalesce(sum((detail->>'count')::int), 0)::int AS n FROM app.audit_log WHERE action = 'credential.reseal'`;
    const n = Number(row?.["n"]);
    if (n >= rows) return n;
    await Bun.sleep(2);
  }
}

async function startWith(it: TestApp, keys: string): Promise<string> {
  const app = it.another({ masterKeys: parseMasterKeys(keys) });
  try {
    await openInstance(app, "real", null);
    return "started";
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  } finally {
    await app.close();
  }
}

/** The real program, as the operator starts it. */
function rotateKey(it: TestApp) {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-rotate-"));
  return {
    run(masterKey: string) {
      const child = spawn(process.execPath, ["--no-env-file", "ops/rotate-key.ts"], {
        cwd: ROOT,
        env: {
          PATH: process.env["PATH"] ?? "",
          DATA_DIR: folder,
          DATABASE_URL: it.urls.databaseUrl,
          TELEGRAM_BOT_TOKEN: "5000000001:AAE-looks-like-a-token-of-BotFather_0",
          MASTER_KEY: masterKey,
        },
      });
      let printed = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
      return {
        output: () => printed,
        kill: () => child.kill("SIGKILL"),
        ended: new Promise<number | null>((resolve) => child.once("close", resolve)),
      };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
