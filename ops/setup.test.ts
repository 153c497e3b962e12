import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openInstance } from "../core/instance.ts";
import { createTestApp, leaseOf, type TestApp } from "../core/test-app.ts";
import { parseMasterKeys } from "../core/vault/cipher.ts";
import { ALICE, BOB, startWorld } from "./sim/world.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MASTER_KEY = "5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";

test("npm run setup -- --new-owner: usage, no team without an owner, and a link for one team", async () => {
  await using it = await createTestApp({ masterKeys: parseMasterKeys(MASTER_KEY) });
  using setup = program(it.urls.databaseUrl, {
    TELEGRAM_BOT_TOKEN: "5000000001:AAE-looks-like-a-token-of-BotFather_0",
  });
  await openInstance(it.app, "real", null);
  expect(await setup.run("--help")).toEqual([1, expect.stringContaining("--new-owner --team")]);
  expect(await setup.run("--new-owner")).toEqual([1, expect.stringContaining("Nobody owns this bot yet")]);
  await leaseOf(it.app);
  await it.team(1, "First");
  await it.team(2, "Second");
  for (const [args, team] of [
    [[], "First"],
    [["--team", "Second"], "Second"],
  ] as const) {
    const [code, printed] = await setup.run("--new-owner", ...args);
    expect(code).toBe(0);
    expect(printed).toMatch(
      new RegExp(`owns “${team}”, within 24 hours:\\nhttps://t\\.me/block_bot\\?start=i_[\\w-]{32}\\n$`),
    );
  }
  expect(await setup.run("--new-owner", "--team", "Third")).toEqual([
    1,
    expect.stringContaining("No team is called “Third”. There are: “First”, “Second”."),
  ]);
  expect(await links(it)).toEqual(["First", "Second"]);
});

test("whoever opens the new owner's link in the running bot owns the team, and the old owner is told twice", async () => {
  await using world = await startWorld();
  await world.claimTeam();
  using setup = program(world.databaseUrl, {});
  const [code, printed] = await setup.run("--new-owner");
  expect([code, printed]).toEqual([0, expect.stringContaining("http://127.0.0.1:3001/?start=i_")]);
  await world.hears(ALICE, "a link was made that makes whoever opens it an owner of “Alice's team”");
  world.telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(printed)?.[1]}` });
  await world.hears(BOB, "You are its owner");
  await world.hears(ALICE, "Bob has opened the owner link");
  world.telegram.say({ from: BOB, text: "/members" });
  await world.hears(BOB, "Alice: owner\nBob: owner");
});

async function links(it: TestApp): Promise<unknown[]> {
  const rows = await it.admin`SELECT o.name FROM app.invites i JOIN app.organizations o ON o.id = i.org_id
    WHERE i.role = 'owner' AND i.revoked_at IS NULL ORDER BY o.name`;
  return rows.map((row) => row["name"]);
}

/** The real program, as the operator starts it. */
function program(databaseUrl: string, more: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-setup-"));
  return {
    async run(...args: string[]): Promise<[code: number | null, printed: string]> {
      const child = Bun.spawn([process.execPath, "--no-env-file", "ops/setup.ts", ...args], {
        cwd: ROOT,
        env: {
          PATH: process.env["PATH"] ?? "",
          DATA_DIR: folder,
          DATABASE_URL: databaseUrl,
          MASTER_KEY,
          ...more,
        },
        stdout: "pipe",
        stderr: "pipe",
      });
      const printed = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return [await child.exited, printed.join("")];
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
