import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createVault, parseMasterKeys } from "../core/vault/cipher.ts";
import { createSql, type Sql } from "../db/client.ts";
import { migrate } from "../db/migrate.ts";
import { createEmptyDatabase } from "./postgres/test-empty.ts";
import { createClaudeSim } from "./sim/claude/server.ts";
import { startProgram } from "./sim/program.ts";
import { createTelegramSim } from "./sim/telegram/server.ts";
import { ALICE } from "./sim/world.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TOKEN = "7000000007:SIMULATED_TELEGRAM_TOKEN_of_the_upgrade";
const BOT_ID = 7_000_000_007;
const API_KEY = "sk-ant-the-key-of-the-upgrade";
const MASTER_KEY = "5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";
/** The first schema that the whole product ran on. */
const OLD_MIGRATIONS = 7;
const TEST_MS_MAX = 60_000;

test(
  "what an older release had stored is there after the upgrade, and what it had not answered yet is answered",
  async () => {
    await using it = await openOld();
    const before = await it.rows();
    expect(await it.migrate()).toEqual([0, "The database is up to date.\n"]);
    expect(await it.migrate()).toEqual([0, "The database is up to date.\n"]);
    expect(await it.rows()).toMatchObject(before);

    await using telegram = await telegramOf(ALICE);
    await using claude = await claudeOf("Your name is Ann.");
    telegram.sim.say({ from: ALICE, text: "Thank you" });
    await using _program = await startProgram({
      NODE_ENV: "production",
      TELEGRAM_BOT_TOKEN: TOKEN,
      TELEGRAM_API_ROOT: telegram.sim.url,
      ANTHROPIC_API_KEY: API_KEY,
      ANTHROPIC_BASE_URL: claude.sim.url,
      DATABASE_URL: it.urls.databaseUrl,
      MASTER_KEY,
      JWT_SECRET: `${MASTER_KEY}${MASTER_KEY}`,
    });
    const answers = () => telegram.sim.messages(ALICE).filter(({ text }) => text === "Your name is Ann.");
    await telegram.sim.waitFor(() => answers()[1], TEST_MS_MAX / 2);
    const asked = JSON.stringify(claude.sim.requests[0]);
    for (const said of ["My name is Ann", "Nice to meet you, Ann.", "What is my name?"])
      expect(asked).toContain(said);
    expect([...(await it.admin`SELECT * FROM auth.audit_verify()`)]).toEqual([]);
  },
  TEST_MS_MAX,
);

test("two migrate at once as one; a migration that fails changes nothing, and a newer release's database is refused", async () => {
  await using it = await openOld();
  const before = await it.rows();
  // The last migration but one would add it.
  await it.admin`ALTER TABLE app.invites ADD COLUMN mail_token_hash bytea`;
  expect(await it.migrate()).toEqual([
    1,
    'A migration failed, and nothing was changed: column "mail_token_hash" of relation "invites" already exists\n',
  ]);
  expect([await it.applied(), await it.rows()]).toEqual([OLD_MIGRATIONS, before]);
  await it.admin`ALTER TABLE app.invites DROP COLUMN mail_token_hash`;

  const { migrateUrl } = it.urls;
  await Promise.all([migrate({ migrateUrl }), migrate({ migrateUrl }), migrate({ migrateUrl })]);
  expect(await it.applied()).toBeGreaterThan(OLD_MIGRATIONS);
  expect(await it.rows()).toMatchObject(before);
  await migrate({ migrateUrl, upTo: OLD_MIGRATIONS }); // an older release: nothing to do, and nothing undone
  expect(await it.applied()).toBeGreaterThan(OLD_MIGRATIONS);

  await it.admin`INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('of tomorrow', 9999999999999)`;
  expect(await it.migrate()).toEqual([1, expect.stringContaining("it was used by a newer one")]);
});

/** A database as an older release left it: a team, a conversation, a message that it had taken and not answered. */
async function openOld() {
  const urls = await createEmptyDatabase();
  await migrate({ migrateUrl: urls.migrateUrl, upTo: OLD_MIGRATIONS });
  const admin = createSql(urls.adminUrl, { max: 1 });
  await store(admin);
  return {
    urls,
    admin,
    rows: async () =>
      (
        await admin`SELECT to_jsonb(o) AS team, to_jsonb(a) AS account, to_jsonb(u) AS member, to_jsonb(c) AS chat,
          to_jsonb(t) - 'message_id' AS turn, to_jsonb(l) AS audited
        FROM app.organizations o JOIN app.users u ON u.org_id = o.id JOIN auth.accounts a ON a.id = u.account_id
        JOIN app.chats c ON c.org_id = o.id JOIN app.turns t ON t.org_id = o.id JOIN app.audit_log l ON l.org_id = o.id
        ORDER BY t.created_at, l.seq LIMIT 1`
      )[0] ?? {},
    applied: async () =>
      (await admin`SELECT count(*)::int AS n FROM drizzle.__drizzle_migrations`)[0]?.["n"] as number, // safe: count
    migrate: () => runMigrate(urls),
    async [Symbol.asyncDispose]() {
      await admin.end();
      await urls.drop();
    },
  };
}

async function store(admin: Sql): Promise<void> {
  const keyCheck = createVault(parseMasterKeys(MASTER_KEY)).sealKeyCheck();
  const message = (id: number, text: string) => ({
    message_id: id,
    date: Math.floor(Date.now() / 1000),
    from: { id: ALICE, is_bot: false, first_name: "Alice", language_code: "en" },
    chat: { id: ALICE, type: "private", first_name: "Alice" },
    text,
  });
  const waiting = { update_id: 8, message: message(8, "What is my name?") };
  await admin`INSERT INTO app.instance (kind, key_check, setup_used_at) VALUES ('real', ${keyCheck}, now())`;
  await admin`INSERT INTO pipeline.bots (bot_id, username) VALUES (${BOT_ID}, 'blockbot_upgrade_bot')`;
  await admin`WITH o AS (INSERT INTO app.organizations (name) VALUES ('of old') RETURNING id),
    a AS (INSERT INTO auth.accounts (telegram_user_id, display_name, current_org_id) SELECT ${ALICE}, 'Alice', id FROM o RETURNING id),
    u AS (INSERT INTO app.users (org_id, account_id, role, display_name) SELECT o.id, a.id, 'owner', 'Alice' FROM o, a RETURNING id),
    c AS (INSERT INTO app.chats (org_id, bot_id, telegram_chat_id, kind) SELECT id, ${BOT_ID}, ${ALICE}, 'private' FROM o RETURNING id),
    v AS (INSERT INTO app.conversations (org_id, chat_id) SELECT o.id, c.id FROM o, c RETURNING id)
    INSERT INTO app.turns (org_id, conversation_id, bot_id, update_id, lane, telegram_chat_id, message_id, asker_id,
      question, status, answer, correlation_id, ended_at)
    SELECT o.id, v.id, ${BOT_ID}, 7, ${String(ALICE)}, ${ALICE}, 7, u.id, 'My name is Ann', 'answered',
      'Nice to meet you, Ann.', 'c', now() FROM o, v, u`;
  await admin`SELECT set_config('app.current_org_id', id::text, false) FROM app.organizations`;
  await admin`SELECT auth.audit_append('user', 'x', 'team.create', NULL, 'ok', NULL, 'c', NULL)`;
  await admin`INSERT INTO pipeline.updates (bot_id, update_id, lane, control, payload)
    VALUES (${BOT_ID}, 8, ${String(ALICE)}, false, ${JSON.stringify(waiting)}::text::jsonb)`;
}

async function telegramOf(person: number) {
  const sim = await createTelegramSim({ statePath: ":memory:", token: TOKEN, botUsername: "upgrade_bot" });
  sim.addPerson({ id: person, firstName: "Alice", languageCode: "en" });
  return { sim, [Symbol.asyncDispose]: () => sim.stop() };
}

async function claudeOf(text: string) {
  const sim = await createClaudeSim({ apiKeys: [API_KEY] });
  sim.setScript(() => ({ text }));
  return { sim, [Symbol.asyncDispose]: () => sim.stop() };
}

/** The real program, as the operator starts it. */
async function runMigrate(urls: {
  databaseUrl: string;
  migrateUrl: string;
}): Promise<[code: number | null, said: string]> {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-upgrade-"));
  try {
    const child = Bun.spawn([process.execPath, "--no-env-file", "ops/migrate.ts"], {
      cwd: ROOT,
      env: {
        DATA_DIR: folder,
        TELEGRAM_BOT_TOKEN: TOKEN,
        DATABASE_URL: urls.databaseUrl,
        DATABASE_MIGRATE_URL: urls.migrateUrl,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return [await child.exited, said.join("")];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
