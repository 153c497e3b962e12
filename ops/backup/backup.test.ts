import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { audit } from "../../core/audit.ts";
import { createTestApp } from "../../core/test-app.ts";
import { createSql } from "../../db/client.ts";
import { inTenant } from "../../db/tenant.ts";
import { tryMatrix } from "../../db/test-matrix.ts";
import { SEEDED_TABLES, seedTeam } from "../../db/test-teams.ts";
import { createEmptyDatabase } from "../postgres/test-empty.ts";
import { BACKUPS_KEPT, nameOfBackup, pruneBackups } from "./files.ts";
import { replay } from "./replay.ts";
import { snapshotOf } from "./snapshot.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PASSPHRASE = "correct horse battery staple";

test("TN-10: what is backed up comes back whole: every row, the walls, the numbers to come, the chain of the audit log", async () => {
  await using source = await createTestApp();
  const team = await source.team(7);
  await inTenant(team, (tx) => audit(tx, team, "team.rename"));
  const teams = [await seedTeam(source.admin, 1), await seedTeam(source.admin, 2)] as const;
  await using folder = createFolder();
  await using target = await createEmptyDatabase();
  const file = join(folder.path, "one.age");

  const [backedUp, said] = await run("ops/backup.ts", [file], {
    DATABASE_URL: source.urls.databaseUrl,
    DATABASE_BACKUP_URL: backupLogin(source.urls.adminUrl),
  });
  expect([backedUp, said]).toEqual([0, expect.stringContaining("rows of")]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file).includes("secret of team")).toBe(false);
  expect(readFileSync(file).subarray(0, 22).toString()).toBe("age-encryption.org/v1\n");

  const [restored, heard] = await run("ops/restore.ts", [file], {
    DATABASE_URL: target.databaseUrl,
    DATABASE_MIGRATE_URL: target.migrateUrl,
  });
  expect([restored, heard]).toEqual([0, expect.stringContaining("app.organizations: 3")]);
  const before = await linesOf(source.urls.adminUrl);
  expect(before.length).toBeGreaterThan(60);
  expect(await linesOf(target.adminUrl)).toEqual(before);

  const { tables, wrong } = await tryMatrix(target.adminUrl, teams);
  expect([tables.length, wrong]).toEqual([SEEDED_TABLES.length, []]);
  const admin = createSql(target.adminUrl, { max: 1 });
  const broken =
    await admin`SELECT relname FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relrowsecurity AND NOT relforcerowsecurity`;
  expect([...broken]).toEqual([]);
  const insert = () => admin`INSERT INTO pipeline.outbox (bot_id, chat_id, kind, payload, idempotency_key)
    VALUES (1, 1, 'notice', '{}', 'a new one') RETURNING id`;
  const [row] = await insert();
  const [{ highest } = { highest: 0 }] = await admin<
    { highest: number }[]
  >`SELECT max(id)::int AS highest FROM pipeline.outbox`;
  expect(Number(row?.["id"])).toBe(highest);
  await admin.end();

  const there = source.another({ databaseUrl: target.databaseUrl });
  const verdict = await inTenant({ ...team, app: there }, (tx) =>
    tx.execute("SELECT * FROM auth.audit_verify()"),
  );
  expect([...verdict]).toEqual([]);
  await there.close();
});

test("a backup that is of another passphrase, changed, incomplete or for a database in use changes nothing", async () => {
  await using source = await createTestApp();
  await source.team(7);
  await seedTeam(source.admin, 1);
  await source.admin`INSERT INTO app.instance (kind, key_check) VALUES ('real', 'x')`;
  await using folder = createFolder();
  await using target = await createEmptyDatabase();
  const file = join(folder.path, "one.age");
  const from = {
    DATABASE_URL: source.urls.databaseUrl,
    DATABASE_BACKUP_URL: backupLogin(source.urls.adminUrl),
  };
  const to = { DATABASE_URL: target.databaseUrl, DATABASE_MIGRATE_URL: target.migrateUrl };
  expect((await run("ops/backup.ts", [file], from))[0]).toBe(0);

  const changed = readFileSync(file);
  changed[changed.length - 40] = (changed[changed.length - 40] ?? 0) ^ 1;
  writeFileSync(join(folder.path, "changed.age"), changed);
  expect((await run("ops/restore.ts", [join(folder.path, "changed.age")], to))[0]).toBe(1);
  expect((await run("ops/restore.ts", [file], { ...to, BACKUP_PASSPHRASE: "another passphrase" }))[0]).toBe(
    1,
  );
  const lines = await collect(snapshotOf(backupLogin(source.urls.adminUrl), "1"));
  await expect(replay(lined(lines.slice(0, -1)), target.migrateUrl)).rejects.toThrow("Nothing was restored");
  await expect(replay(lined([]), target.migrateUrl)).rejects.toThrow();

  expect((await run("ops/restore.ts", [file], to))[0]).toBe(0);
  const [again, why] = await run("ops/restore.ts", [file], to);
  expect([again, why]).toEqual([1, expect.stringContaining("Restore into an empty one")]);
  expect(await run("ops/restore.ts", [], to)).toEqual([
    1,
    expect.stringContaining("npm run restore -- FILE"),
  ]);
  expect(await run("ops/backup.ts", [], { DATABASE_URL: source.urls.databaseUrl })).toEqual([
    1,
    expect.stringContaining("Set DATABASE_BACKUP_URL"),
  ]);
});

test("the newest backups are kept and nothing else in their folder is touched", async () => {
  await using folder = createFolder();
  const names = Array.from({ length: BACKUPS_KEPT + 3 }, (_, day) =>
    nameOfBackup(folder.path, new Date(Date.UTC(2026, 0, day + 1))),
  );
  for (const path of [...names, join(folder.path, "notes.txt")]) writeFileSync(path, "");
  expect(pruneBackups(folder.path)).toBe(3);
  const left = readdirSync(folder.path).map((name) => join(folder.path, name));
  expect(left.toSorted()).toEqual([...names.slice(3), join(folder.path, "notes.txt")].toSorted());
});

function createFolder() {
  const path = mkdtempSync(join(tmpdir(), "blockbot-backup-"));
  chmodSync(path, 0o700);
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }) };
}

function backupLogin(adminUrl: string): string {
  const url = new URL(adminUrl);
  url.username = "blockbot_backup";
  return url.toString();
}

/** Every row, and no word of when it was read. */
async function linesOf(adminUrl: string): Promise<string[]> {
  const [, ...rows] = await collect(snapshotOf(adminUrl, "1"));
  return rows.toSorted();
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

async function* lined(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<[code: number, said: string]> {
  await using folder = createFolder();
  const token = "5000000001:AAE-looks-like-a-token-of-BotFather_0";
  const child = Bun.spawn([process.execPath, "--no-env-file", program, ...args], {
    cwd: ROOT,
    env: { DATA_DIR: folder.path, TELEGRAM_BOT_TOKEN: token, BACKUP_PASSPHRASE: PASSPHRASE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return [await child.exited, said.join("")];
}
