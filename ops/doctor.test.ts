import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openInstance } from "../core/instance.ts";
import { createTestApp } from "../core/test-app.ts";
import { HAS_REDIS, startRedis } from "../core/test-redis.ts";
import { parseMasterKeys } from "../core/vault/cipher.ts";
import { createApi } from "../bot/client.ts";
import { clockFinding, diskFinding, offsetOf } from "./doctor/machine.ts";
import { createClaudeSim } from "./sim/claude/server.ts";
import { createMailSim } from "./sim/mail.ts";
import { createTelegramSim } from "./sim/telegram/server.ts";

const PROGRAM = fileURLToPath(new URL("doctor.ts", import.meta.url));
const MASTER_KEY = "5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";
const OTHER_KEY = "Q7dWm2n9zR4uYcK1xV8aJ5sLh3gTfE6iPoBqNwC0MvA=";
const TOKEN = "4711:AAE-looks-like-a-token-of-BotFather_0123";

test("a real bot's installation is looked at whole, and each thing that is wrong is said with its fix", async () => {
  await using it = await start();
  const redis = HAS_REDIS ? await startRedis() : null;
  const right = { ...it.env, ...(redis === null ? {} : { REDIS_URL: redis.url }) };
  const healthy = await it.run(right);
  expect(healthy.wrong).toEqual([]);
  expect([healthy.code, healthy.text]).toEqual([0, expect.stringContaining("Nothing is wrong.")]);
  for (const line of [
    "✓ Database role  the runtime role owns nothing",
    "✓ Migrations     all applied",
    "tried from 2 teams and from none: nothing crosses",
    "✓ Keys           MASTER_KEY opens this database",
    "rows of 2 teams, every chain whole",
    "✓ Jobs           none given up within a day, 0 due",
    "✓ Messages       0 received and 0 to send wait; 0 put aside (30 days)",
    "✓ Telegram       the token is @blockbot_doctor_bot's",
    "✓ Webhook        none is set",
    "✓ Polling        nobody polls: BlockBot is not running",
    "✓ Claude         claude-sonnet-5-5 answers to the key",
    "✓ Mail           Resend sends from blockbot.example",
    "✓ Clock          agrees with Postgres",
    "✓ Secret files   only their owner reads .env",
    ...(redis === null ? [] : ["✓ Redis          answers in"]),
  ]) {
    expect(healthy.text).toContain(line);
  }
  await redis?.[Symbol.asyncDispose]();

  // Everything outside goes wrong at once; somebody else polls with our token.
  chmodSync(join(it.folder, ".env"), 0o644);
  const elsewhere = it.pollElsewhere();
  const unlucky = await it.run({
    ...right,
    REDIS_URL: "redis://127.0.0.1:1",
    ANTHROPIC_API_KEY: "sk-ant-api03-a-key-that-was-revoked",
    MAIL_FROM: "BlockBot <bot@elsewhere.example>",
  });
  await elsewhere.stop();
  expect(unlucky.code).toBe(1);
  expect(unlucky.wrong).toEqual(["Redis", "Polling", "Claude", "Mail", "Secret files"]);
  expect(unlucky.text).toContain("Check REDIS_URL");
  expect(unlucky.text).toContain("another program polls with the same token");
  expect(unlucky.text).toContain("to this key (auth)");
  expect(unlucky.text).toContain("Resend does not send from elsewhere.example yet");
  expect(unlucky.text).toContain("Run: chmod 600 .env");
  expect(unlucky.text).toContain("5 things are wrong.");
  for (const secret of [TOKEN, "that-was-revoked", MASTER_KEY, "re_key"])
    expect(unlucky.text).not.toContain(secret);
}, 60_000);

test("a database that was tampered with, is another's or lacks a migration is not taken for good", async () => {
  await using it = await start();
  const { admin } = it.database;
  await it.pollHere();
  const lines = async (env: Record<string, string>) => (await it.run({ ...it.env, ...env })).wrong;
  expect(await lines({ MASTER_KEY: OTHER_KEY, DATABASE_URL: it.database.urls.adminUrl })).toEqual(
    // The superuser walks around every wall: each of these is its own alarm.
    ["Database role", "Walls", "Keys"],
  );
  await createApi({ token: TOKEN, apiRoot: it.telegram.url }, "send").setWebhook("https://x.example/hook");
  expect(await lines({ DATABASE_URL: "postgres://blockbot_app:x@127.0.0.1:1/blockbot" })).toEqual([
    "Postgres",
    "Webhook",
  ]);
  await createApi({ token: TOKEN, apiRoot: it.telegram.url }, "send").deleteWebhook();

  await admin`ALTER TABLE app.groups NO FORCE ROW LEVEL SECURITY`;
  await admin`UPDATE app.audit_log SET target = 'somebody else' WHERE seq = 1`;
  const tampered = await it.run(it.env);
  expect(tampered.wrong).toEqual(["Walls", "Audit log"]);
  expect(tampered.text).toContain("groups has no wall");
  expect(
    tampered.text.match(/the log of “Team of \d” is not as it was written, from row 1 on \(hash\)/g),
  ).toHaveLength(2);
  // The newest row of one, and the head of the other, which says where its log ends.
  const [one, other] = await admin`SELECT org_id FROM app.audit_heads ORDER BY org_id`;
  await admin`DELETE FROM app.audit_log WHERE org_id = ${String(one?.["org_id"])}`;
  await admin`DELETE FROM app.audit_log WHERE org_id = ${String(other?.["org_id"])}`;
  await admin`DELETE FROM app.audit_heads WHERE org_id = ${String(other?.["org_id"])}`;
  const shortened = await it.run(it.env);
  for (const reason of ["tail", "head"]) expect(shortened.text).toContain(`from row 1 on (${reason})`);

  await admin`DELETE FROM drizzle.__drizzle_migrations WHERE id = (SELECT max(id) FROM drizzle.__drizzle_migrations)`;
  expect((await it.run(it.env)).text).toContain("Run: npm run migrate");
}, 60_000);

test("work that was given up is named, and work that waits only while something runs that should do it", async () => {
  await using it = await start();
  const { admin } = it.database;
  await admin`INSERT INTO pgboss.job (name, state, start_after) VALUES ('retention', 'created', now() - interval '1 hour')`;
  await it.pollHere();
  await admin`UPDATE pipeline.bots SET lease_until = now(), last_poll_at = now() - interval '1 hour'`;
  await admin`INSERT INTO pipeline.updates (bot_id, update_id, lane, control, received_at)
    VALUES (4711, 1, 'a', false, now() - interval '1 hour')`;
  await admin`INSERT INTO pipeline.updates (bot_id, update_id, lane, control, state, done_at)
    VALUES (4711, 2, 'a', false, 'parked', now())`;
  const stopped = await it.run(it.env);
  expect(stopped.wrong).toEqual([]);
  expect(stopped.text).toContain("✓ Messages       1 received and 0 to send wait; 1 put aside (30 days)");
  await admin`UPDATE pipeline.bots SET lease_until = now() + interval '1 hour', last_poll_at = now()`;
  const behind = await it.run(it.env);
  expect(behind.wrong).toEqual(["Jobs", "Messages"]);
  expect(behind.text).toContain("1 job due, and no worker takes them");
  await admin`UPDATE pgboss.job SET state = 'failed', completed_on = now()`;
  await admin`UPDATE pipeline.updates SET state = 'done', done_at = now() WHERE update_id = 1`;
  const dead = await it.run(it.env);
  expect(dead.wrong).toEqual(["Jobs"]);
  expect(dead.text).toContain("1 job given up within a day, after every attempt had failed");
}, 60_000);

test("bad settings are named one by one, and who polls is known from the installation itself while it runs", async () => {
  await using it = await start();
  const bad = await it.run({ ...it.env, MASTER_KEY: "short", PORT: "many" });
  expect([bad.code, bad.wrong]).toEqual([1, ["Configuration", "Configuration"]]);
  expect(bad.text).toContain("MASTER_KEY: must be");
  const token = await it.run({ ...it.env, TELEGRAM_BOT_TOKEN: `${TOKEN}X` });
  expect(token.wrong).toEqual(["Telegram"]);
  expect(token.text).toContain("/mybots, API Token");

  await it.pollHere();
  expect((await it.run(it.env)).text).toMatch(/✓ Polling {8}this installation polls, last \d+ s ago/);
  await it.database.admin`UPDATE pipeline.bots SET last_poll_at = now() - interval '2 minutes'`;
  expect((await it.run(it.env)).text).toContain("no poll has ended well for a minute");
  await it.database
    .admin`INSERT INTO pipeline.alerts (kind, subject, told_at) VALUES ('conflict', '4711', now())`;
  expect((await it.run(it.env)).text).toContain("another program polls with the same token");
}, 60_000);

test("before the first start of the demo nothing is made and nothing is wrong", async () => {
  await using it = await start();
  const { code, text } = await it.run({ DATA_DIR: join(it.folder, "nothing") });
  expect([code, text]).toEqual([0, expect.stringContaining("– Postgres       embedded, not made yet")]);
});

test("a full disk and a wrong clock are wrong", async () => {
  expect(diskFinding("./data", 3e9).state).toBe("ok");
  expect(diskFinding("./data", 4e8)).toMatchObject({ state: "wrong", text: "0.4 GB free for ./data" });
  expect(clockFinding({}).state).toBe("off");
  expect(clockFinding({ Postgres: 0.2, Telegram: -4 }).state).toBe("ok");
  expect(clockFinding({ Postgres: 0.2, Telegram: -70.4 })).toMatchObject({
    state: "wrong",
    text: "70 s behind Telegram",
  });
  const late = Bun.serve({
    port: 0,
    fetch: () => new Response("", { headers: { date: new Date(Date.now() - 3_600_000).toUTCString() } }),
  });
  expect(await offsetOf(late.url.href)).toBeWithin(3_590, 3_610);
  await late.stop(true);
  expect(await offsetOf(late.url.href)).toBe(null);
});

/** An installation of a real bot with two teams, on simulators of everything that is outside. */
async function start() {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-doctor-"));
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, ".env"), "", { mode: 0o600 });
  const database = await createTestApp({ masterKeys: parseMasterKeys(MASTER_KEY) });
  await openInstance(database.app, "real", null);
  for (const owner of [1, 2]) {
    const scope = await database.team(owner);
    await database.admin`SELECT set_config('app.current_org_id', ${scope.orgId}, false),
      auth.audit_append('user', 'u', 'team.create', 'it', 'ok', NULL, 'c', NULL)`;
  }
  const telegram = await createTelegramSim({
    statePath: ":memory:",
    token: TOKEN,
    botUsername: "blockbot_doctor_bot",
  });
  const claude = await createClaudeSim({ apiKeys: ["sk-ant-api03-a-key-that-is-good"] });
  const mail = await createMailSim({ statePath: ":memory:" });
  const env: Record<string, string> = {
    DATA_DIR: join(folder, "data"),
    DATABASE_URL: database.urls.databaseUrl,
    MASTER_KEY,
    JWT_SECRET: "jwt-secret-of-the-test-0123456789-abcdef",
    TELEGRAM_BOT_TOKEN: TOKEN,
    TELEGRAM_API_ROOT: telegram.url,
    ANTHROPIC_API_KEY: "sk-ant-api03-a-key-that-is-good",
    ANTHROPIC_BASE_URL: claude.url,
    RESEND_API_KEY: "re_key_of_the_test",
    RESEND_BASE_URL: mail.url,
    MAIL_FROM: "BlockBot <hello@blockbot.example>",
    PUBLIC_URL: "https://bot.example.test",
  };
  return {
    folder,
    env,
    database,
    telegram,
    /** The real program, as the operator starts it, and the parts that it found wrong. */
    async run(own: Record<string, string>): Promise<{ code: number; text: string; wrong: string[] }> {
      const child = Bun.spawn([process.execPath, "--no-env-file", PROGRAM], {
        cwd: folder,
        env: { PATH: process.env["PATH"] ?? "", ...own },
        stdout: "pipe",
        stderr: "pipe",
      });
      const text = `${await new Response(child.stdout).text()}${await new Response(child.stderr).text()}`;
      const wrong = [...text.matchAll(/^✗ (.{14})/gm)].map(([, part = ""]) => part.trim());
      return { code: await child.exited, text, wrong };
    },
    /** As if this installation's own program ran. */
    async pollHere(): Promise<void> {
      await database.admin`INSERT INTO pipeline.bots (bot_id, username, lease_until, last_poll_at)
        VALUES (4711, 'blockbot_doctor_bot', now() + interval '1 hour', now())`;
    },
    /** Somebody else's program with the same token, which comes back whenever it is interrupted. */
    pollElsewhere() {
      const api = createApi({ token: TOKEN, apiRoot: telegram.url }, "poll");
      const stopping = new AbortController();
      const polling = (async () => {
        while (!stopping.signal.aborted) await api.getUpdates({ timeout: 1 }).catch(() => Bun.sleep(200));
      })();
      return {
        stop: async () => {
          stopping.abort();
          await polling;
        },
      };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await telegram.stop();
      await claude.stop();
      await mail.stop();
      await database[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
