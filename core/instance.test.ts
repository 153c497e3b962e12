import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { claimFirstTeam } from "./accounts/teams.ts";
import type { App, AppSettings } from "./app.ts";
import { openInstance, RefusedToStart } from "./instance.ts";
import { createTestApp, type TestApp } from "./test-app.ts";
import { parseMasterKeys, type MasterKey } from "./vault/cipher.ts";
import { addCredential } from "./vault/credentials.ts";

const ANOTHER_KEY = createHash("sha256").update("another key").digest("base64");

/** Opens the database as another process would, with settings of its own. */
async function openAs<T>(
  it: TestApp,
  settings: Partial<AppSettings>,
  work: (app: App) => Promise<T>,
): Promise<T> {
  const app = it.another(settings);
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const err = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (err instanceof RefusedToStart) return err.message;
  throw new Error("it was not refused to start", { cause: err });
}

async function instanceOf(it: TestApp) {
  return [...(await it.admin`SELECT * FROM app.instance`)];
}

async function claim(app: App, code: string | null): Promise<void> {
  const person = { id: 1, name: "Ada", locale: "en" };
  await claimFirstTeam(app, { code: code ?? "", person, teamName: "The team", correlationId: "c" });
}

test("the code of the owner link is the same in every process and at every start, until it is used", async () => {
  await using it = await createTestApp();
  const codes = await Promise.all(Array.from({ length: 10 }, () => openInstance(it.app, "real", null)));
  const [code = null] = codes;
  expect(code).toMatch(/^[A-Za-z0-9_-]{20}$/);
  expect(new Set(codes).size).toBe(1);
  expect(await openAs(it, {}, (app) => openInstance(app, "real", null))).toBe(code);
  expect(await instanceOf(it)).toHaveLength(1);
  // Whoever reads the database does not learn it.
  const [row] = await it.admin`SELECT i::text AS text FROM app.instance i`;
  expect(row?.["text"]).not.toContain(code ?? "");

  await claim(it.app, code);
  expect(await openInstance(it.app, "real", null)).toBeNull();
  expect(await openInstance(it.app, "real", "a-setup-code")).toBeNull();
});

test("two instances of the same master key have different codes", async () => {
  await using one = await createTestApp();
  await using two = await createTestApp();
  expect(await openInstance(one.app, "real", null)).not.toBe(await openInstance(two.app, "real", null));
});

test("a given setup code is the code of the link, and the one before it is no more", async () => {
  await using it = await createTestApp();
  const own = await openInstance(it.app, "demo", null);
  expect(await openInstance(it.app, "demo", "a-setup-code")).toBe("a-setup-code");
  await expect(claim(it.app, own)).rejects.toMatchObject({ code: "owner_link_unknown" });
  await claim(it.app, "a-setup-code");
});

test("VA-05: a database of another master key is refused, and left as it was", async () => {
  await using it = await createTestApp();
  await openInstance(it.app, "real", "a-setup-code");
  const before = await instanceOf(it);
  const wrong = { masterKeys: parseMasterKeys(ANOTHER_KEY) };
  expect(await refusal(openAs(it, wrong, (app) => openInstance(app, "real", "its-own-code")))).toContain(
    "MASTER_KEY",
  );
  expect(await instanceOf(it)).toEqual(before);
  // A new key beside the old one opens it: that is how keys are changed.
  const [old] = parseMasterKeys(createHash("sha256").update("the key of every test").digest("base64"));
  const [fresh] = parseMasterKeys(ANOTHER_KEY);
  if (old === undefined || fresh === undefined) throw new Error("two keys were read");
  const both = { masterKeys: [{ ...fresh, kid: 2 }, old] };
  expect(await openAs(it, both, (app) => openInstance(app, "real", "a-setup-code"))).toBe("a-setup-code");
});

test("VA-05: a start without a key that some team's credential needs is refused, and says which", async () => {
  await using it = await createTestApp();
  const [first, second] = [await it.team(1), await it.team(2)];
  const [one] = parseMasterKeys(createHash("sha256").update("the key of every test").digest("base64"));
  const [other] = parseMasterKeys(ANOTHER_KEY);
  if (one === undefined || other === undefined) throw new Error("two keys were read");
  const [two, both] = [[{ ...other, kid: 2 }], [{ ...other, kid: 2 }, one]];
  await openInstance(it.app, "real", null);
  await addCredential(first, "slack", "xoxb-sealed-with-key-one");
  await openAs(it, { masterKeys: both }, async (app) => {
    await openInstance(app, "real", null);
    await addCredential({ ...second, app }, "slack", "xoxb-sealed-with-key-two");
  });
  const start = (masterKeys: MasterKey[]) =>
    openAs(it, { masterKeys }, (app) => openInstance(app, "real", null));
  expect(await refusal(start([one]))).toContain("lacks key 2");
  expect(await start(both)).not.toBeNull();
  // Sealed anew with the new key alone, the check of the key no longer stops it, but the first team's row does.
  await openAs(it, { masterKeys: two }, (app) =>
    it.admin`UPDATE app.instance SET key_check = ${Buffer.from(app.vault.sealKeyCheck())}`.then(
      () => undefined,
    ),
  );
  expect(await refusal(start(two))).toContain("lacks key 1");
});

test("a demo's database is refused by a real bot and the other way round, and left as it was", async () => {
  for (const [kind, other, fix] of [
    ["demo", "real", "DATABASE_URL"],
    ["real", "demo", "TELEGRAM_BOT_TOKEN"],
  ] as const) {
    await using it = await createTestApp();
    await openInstance(it.app, kind, null);
    const before = await instanceOf(it);
    expect(await refusal(openInstance(it.app, other, "its-own-code"))).toContain(fix);
    expect(await instanceOf(it)).toEqual(before);
  }
});

test("TN-06: a login that could walk around the walls is refused before anything is written", async () => {
  await using it = await createTestApp();
  const { adminUrl, migrateUrl } = it.urls;
  const strong: [login: string, databaseUrl: string][] = [
    ["a superuser", adminUrl],
    ["the migrate login, which can become the owner", migrateUrl],
  ];
  for (const [login, databaseUrl] of strong) {
    const message = await refusal(openAs(it, { databaseUrl }, (app) => openInstance(app, "real", null)));
    expect([login, message]).toEqual([login, expect.stringContaining("Use blockbot_app")]);
    expect(message).toContain(new URL(databaseUrl).username);
  }
  expect(await instanceOf(it)).toEqual([]);
});

test("a runtime role that owns a table is refused", async () => {
  await using it = await createTestApp();
  await it.admin`CREATE SCHEMA mistake`;
  await it.admin`CREATE TABLE mistake.mine (id int)`;
  await it.admin`GRANT CREATE ON SCHEMA mistake TO blockbot_app`;
  await it.admin`ALTER TABLE mistake.mine OWNER TO blockbot_app`;
  expect(await refusal(openInstance(it.app, "real", null))).toContain("blockbot_app");
  await it.admin`DROP SCHEMA mistake CASCADE`;
  expect(await openInstance(it.app, "real", null)).not.toBeNull();
});

test("a database that lacks migrations is refused with how many and what to run", async () => {
  await using it = await createTestApp();
  const last = () =>
    it.admin`DELETE FROM drizzle.__drizzle_migrations WHERE id = (SELECT max(id) FROM drizzle.__drizzle_migrations)`;
  await last();
  expect(await refusal(openInstance(it.app, "real", null))).toContain("1 migration. Run: npm run migrate");
  await last();
  expect(await refusal(openInstance(it.app, "real", null))).toContain("2 migrations");
  await it.admin`DROP SCHEMA drizzle CASCADE`;
  expect(await refusal(openInstance(it.app, "real", null))).toMatch(/lacks \d+ migrations/);
  expect(await instanceOf(it)).toEqual([]);
});
