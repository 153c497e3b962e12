import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSql, type Sql } from "../db/client.ts";
import { isAlive, isServerOf, readPostmaster, stopPostmaster } from "../db/embedded/postmaster.ts";
import { createTestDatabase } from "../db/test-db.ts";
import { createEmptyDatabase } from "./postgres/test-empty.ts";
import { launchProgram, startProgram, type Program } from "./sim/program.ts";
import type { SimMessage } from "./sim/telegram/message.ts";
import { createTelegramSim } from "./sim/telegram/server.ts";
import { ALICE, hasButton } from "./sim/world.ts";

// Long enough for a machine with much else to do; a test that needs it all has failed.
const PATIENCE_MS = 40_000;
const TEST_MS_MAX = 120_000;
const LOOK_EVERY_MS = 20;
const REAL_TOKEN = "5000000001:AAE-looks-like-a-token-of-BotFather_0";
const ANN = "Nice to meet you, Ann.";
const ANN_END = "I read it from the conversation.";
const RESTARTED = "I was restarted and am answering this again.";

const REDIS_SERVER = process.env["TEST_REDIS_SERVER"] ?? "";
const testWithRedis = existsSync(REDIS_SERVER) ? test : test.skip;

test(
  "an empty folder becomes a running demo; Ctrl-C finishes the answer under way and leaves no process; the next start remembers everything",
  async () => {
    await using folder = dataFolder();
    let answer: SimMessage;
    {
      await using program = await startProgram({ DATA_DIR: folder.path });
      const chat = chatOf(program);
      expect(program.output()).toContain("simulated, chat page: http://127.0.0.1:");
      expect(program.output()).toContain("practice model, not the real Claude");
      expect(program.output()).toContain("simulated, the mailbox is on the chat page");
      expect(program.output()).toContain(`embedded, data in ${folder.path}/demo`);
      expect(program.output()).toContain("none, limits are kept in this process");
      const ownerLink = program.ownerLink() ?? "";
      expect(ownerLink).toStartWith(`${chat.url}/?start=`);
      const page = await fetch(ownerLink);
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html;charset=utf-8"]);
      expect(statSync(join(folder.path, "demo/secrets.json")).mode & 0o777).toBe(0o600);

      await chat.claim(program);
      await chat.mode("slow");
      await chat.say("My name is Ann");
      answer = await chat.growing();
      expect(answer.text).not.toContain(ANN_END);
      const postgres = folder.postgres();
      expect(await program.end("SIGINT")).toBe(0);
      expect(program.output()).toContain("Finishing running answers, then stopping.");
      expect([groupLives(program), folder.serves(postgres)]).toEqual([false, false]);
    }
    await using program = await startProgram({ DATA_DIR: folder.path });
    const chat = chatOf(program);
    expect(program.ownerLink()).toBeNull();
    expect(program.output()).not.toContain("?start=");
    const [finished] = await chat.heard(ANN);
    expect(finished?.messageId).toBe(answer.messageId);
    expect(finished?.text).toContain(ANN_END);
    expect(finished?.text).not.toContain(RESTARTED);
    expect(finished?.buttons).toEqual([]);
    await chat.say("What is my name?");
    await chat.hears("Your name is Ann.");
    expect(await chat.heard()).toHaveLength(3); // the welcome and one answer to each question
    // Looked at while it runs, on its own database.
    const [code, report] = await doctor(folder.path);
    expect([code, report]).toEqual([0, expect.stringContaining("tried from 1 team and from none")]);
    expect(report).toContain("– Telegram       simulated");
    expect(await program.end("SIGTERM")).toBe(0);
  },
  TEST_MS_MAX,
);

test(
  "Ctrl-C while it is still starting ends it with everything that it has started",
  async () => {
    await using folder = dataFolder();
    await using program = launchProgram({ DATA_DIR: folder.path });
    const postgres = await eventually("a database server", () => folder.postgres() || null);
    expect(await program.end("SIGINT")).toBe(0);
    expect(program.output()).not.toContain("BlockBot is running");
    expect([groupLives(program), folder.serves(postgres)]).toEqual([false, false]);
  },
  TEST_MS_MAX,
);

test(
  "killed in the middle of an answer, the next start adopts the database and answers again in the same message, in the open",
  async () => {
    await using folder = dataFolder();
    await using killed = await startProgram({ DATA_DIR: folder.path });
    const before = chatOf(killed);
    await before.claim(killed);
    await before.mode("slow");
    await before.say("My name is Ann");
    const shown = await before.growing();
    const postgres = folder.postgres();
    expect(await killed.end("SIGKILL")).toBeNull();
    expect([groupLives(killed), folder.serves(postgres)]).toEqual([false, true]);

    await using program = await startProgram({ DATA_DIR: folder.path });
    expect(folder.postgres()).toBe(postgres);
    const chat = chatOf(program);
    const answer = await chat.hears(ANN_END);
    expect(answer.messageId).toBe(shown.messageId);
    expect(answer.text).toStartWith(RESTARTED);
    expect(answer.text).toContain(ANN);
    expect(answer.text.split("Practice model")).toHaveLength(2); // the old beginning was replaced
    expect(await chat.heard()).toHaveLength(2);
    await chat.say("What is my name?");
    await chat.hears("Your name is Ann.");
    expect(await program.end("SIGINT")).toBe(0);
    expect(folder.serves(postgres)).toBe(false);
  },
  TEST_MS_MAX,
);

test(
  "killed before anything was shown, the question is answered once; killed again while answering again, it ends with Retry, and Ctrl-C twice ends it at once",
  async () => {
    await using folder = dataFolder();
    await using database = await createTestDatabase();
    const env = { DATA_DIR: folder.path, DATABASE_URL: database.databaseUrl };
    await using first = await startProgram(env);
    let chat = chatOf(first);
    await chat.claim(first);
    await chat.fault({ method: "sendMessage", times: 1, kind: "hang" });
    await chat.say("My name is Ann");
    await eventually("the first frame on its way", async () =>
      (await unsent(database)).some((row) => row["kind"] === "open" && row["state"] === "sending"),
    );
    expect(await chat.heard()).toHaveLength(1); // the welcome
    await first.end("SIGKILL");

    await using second = await startProgram(env);
    chat = chatOf(second);
    expect((await chat.hears(ANN_END)).text).toStartWith(RESTARTED);
    expect(await chat.heard()).toHaveLength(2);
    await chat.say("a long answer, please");
    const shown = await chat.growing();
    await second.end("SIGKILL");

    await using third = await startProgram(env);
    chat = chatOf(third);
    const again = await eventually("the second attempt", async () =>
      (await chat.heard("You asked for")).find((message) => message.text.startsWith(RESTARTED)),
    );
    expect(again.messageId).toBe(shown.messageId);
    await third.end("SIGKILL");

    await using last = await startProgram(env);
    chat = chatOf(last);
    const notice = await chat.hears("I was restarted twice");
    const partial = await eventually("no Stop button", async () =>
      (await chat.heard(RESTARTED)).find(
        ({ messageId, buttons }) => messageId === shown.messageId && buttons.length === 0,
      ),
    );
    expect(partial.text).toContain("You asked for"); // how much more was drawn before the kill is chance
    expect(hasButton(notice, "Retry")).toBe(true);
    expect(await chat.heard()).toHaveLength(4);
    await chat.press(notice, "Retry");
    expect((await chat.growing()).messageId).toBeGreaterThan(notice.messageId);
    const turns = await query(
      database,
      (sql) => sql`SELECT question, status, attempt FROM app.turns ORDER BY created_at`,
    );
    expect(turns).toMatchObject([
      { question: "My name is Ann", status: "answered", attempt: 2 },
      { question: "a long answer, please", status: "failed", attempt: 2 },
      { question: "a long answer, please", status: "running", attempt: 1 },
    ]);
    expect(await endImpatiently(last)).toBe(130);
  },
  TEST_MS_MAX,
);

test(
  "an error that nobody caught ends the program with one line of its log, without what the error carries",
  async () => {
    await using folder = dataFolder();
    const database = await createTestDatabase();
    const env = {
      DATA_DIR: folder.path,
      DATABASE_URL: database.databaseUrl,
      TELEGRAM_BOT_TOKEN: REAL_TOKEN,
      TELEGRAM_API_ROOT: "http://127.0.0.1:1",
    };
    const bug = join(folder.path, "bug.ts");
    const failed = `Object.assign(new Error("GET /bot${REAL_TOKEN}/getMe"), { request: { body: "canary" } })`;
    for (const thrown of [`throw ${failed}`, `Promise.reject(${failed})`]) {
      // Once the program listens: before that there is nothing to carry.
      const isUp = 'process.listenerCount("uncaughtException") > 0';
      writeFileSync(
        bug,
        `const at = setInterval(() => { if (${isUp}) { clearInterval(at); ${thrown} } }, 20);`,
      );
      await using program = launchProgram({ ...env, BUN_OPTIONS: `--preload ${bug}` }, ["--role", "worker"]);
      expect(await program.exited).toBe(1);
      const [line, ...more] = program
        .output()
        .split("\n")
        .filter((each) => each.includes("getMe"));
      expect([JSON.parse(line ?? ""), more]).toMatchObject([
        { level: "fatal", err: { message: "GET /bot[bot token]/getMe" } },
        [],
      ]);
      expect(program.output()).not.toMatch(/canary|AAE-looks-like/);
    }
    await database.drop();
  },
  TEST_MS_MAX,
);

test("what is wrong with the configuration is said at once, with the fix, and nothing is started", async () => {
  await using folder = dataFolder();
  const env = { DATA_DIR: join(folder.path, "data") };
  const wrong = {
    TELEGRAM_BOT_TOKEN: "abc",
    PORT: "99999",
    LOG_LEVEL: "loud",
    MASTER_KEY: "short",
    DATABASE_URL: "mysql://x",
  };
  const bad = await ended({ ...env, ...wrong });
  expect(bad.code).toBe(1);
  expect(bad.problems).toEqual({
    LOG_LEVEL: "must be one of fatal, error, warn, info, debug, trace, silent",
    TELEGRAM_BOT_TOKEN: "must be the token that @BotFather gave you, such as 123456789:AA…",
    DATABASE_URL: "must look like postgres://USER:PASSWORD@HOST:5432/DATABASE",
    MASTER_KEY: expect.stringContaining("must be 32 bytes"),
    PORT: "must be at most 65535",
  });
  expect(bad.said.split("\n")).toHaveLength(Object.keys(wrong).length + 2); // a heading, a line each, no more
  for (const key of ["TELEGRAM_BOT_TOKEN", "MASTER_KEY", "DATABASE_URL"] as const)
    expect(bad.said).not.toContain(wrong[key]);

  const production = await ended({ ...env, NODE_ENV: "production", HEALTH_TOKEN: "short" });
  expect(production.code).toBe(1);
  expect(Object.keys(production.problems).sort()).toEqual(
    ["DATABASE_URL", "HEALTH_TOKEN", "JWT_SECRET", "MASTER_KEY", "TELEGRAM_BOT_TOKEN"].sort(),
  );
  const role = await ended(env, ["--role", "boss"]);
  expect([role.code, role.said]).toEqual([
    1,
    "--role boss is not known. Use bot, admin, worker, or none for all of them.\n",
  ]);
  expect(readdirSync(folder.path)).toEqual([]);

  mkdirSync(join(folder.path, "damaged/demo"), { recursive: true });
  writeFileSync(join(folder.path, "damaged/demo/secrets.json"), "{ half a fi");
  const damaged = await ended({ DATA_DIR: join(folder.path, "damaged") });
  expect([damaged.code, damaged.said]).toEqual([1, expect.stringContaining("secrets.json is damaged.")]);
  expect(damaged.said).not.toContain("half");

  const nowhere = await ended({ DATA_DIR: "/dev/null/data" });
  expect([nowhere.code, nowhere.said]).toEqual([1, expect.stringContaining("Set DATA_DIR to a folder")]);
  const away = "postgres://blockbot_app:x@127.0.0.1:1/blockbot";
  const noDatabase = await ended({ ...env, DATABASE_URL: away });
  expect([noDatabase.code, noDatabase.said]).toEqual([1, expect.stringContaining("Check DATABASE_URL")]);
  const noMigration = await ended({ ...env, DATABASE_URL: away, DATABASE_MIGRATE_URL: away });
  expect([noMigration.code, noMigration.said]).toEqual([
    1,
    expect.stringContaining("DATABASE_MIGRATE_URL could not be used (connect ECONNREFUSED"),
  ]);
});

test(
  "a taken port is named with its key, and what had been started before it is stopped again",
  async () => {
    await using folder = dataFolder();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo; // safe: it listens on TCP
    for (const key of ["PORT", "DEMO_PORT"]) {
      await using program = await startProgram({ DATA_DIR: folder.path, [key]: String(port) });
      expect(await program.exited).toBe(1);
      expect(program.output()).toContain(`Port ${port} `);
      expect(program.output()).toContain("is already in use");
      expect(program.output()).toContain(`set ${key} to a free one`);
      expect(program.output()).not.toContain("BlockBot is running");
      expect([groupLives(program), folder.postgres()]).toEqual([false, 0]);
      // The admin port is taken before anything starts; behind the other one there had been something to stop.
      expect(existsSync(join(folder.path, "demo/postgres"))).toBe(key === "DEMO_PORT");
    }
    taken.close();
  },
  TEST_MS_MAX,
);

// The simulated Telegram's server has to listen without sharing its port for this.
test(
  "a second demo on the same DEMO_PORT is refused as well, instead of sharing the port",
  async () => {
    await using folder = dataFolder();
    await using database = await createTestDatabase();
    const env = { DATA_DIR: folder.path, DATABASE_URL: database.databaseUrl };
    await using first = await startProgram(env);
    const { port } = new URL(first.link("chat page:"));
    const second = await ended({ ...env, DEMO_PORT: port });
    expect([second.code, second.said]).toEqual([1, expect.stringContaining("set DEMO_PORT to a free one")]);
  },
  TEST_MS_MAX,
);

test(
  "an empty Postgres of one's own is migrated and served; then another key, another kind of Telegram or too strong a role is refused",
  async () => {
    await using folder = dataFolder();
    await using database = await createEmptyDatabase();
    const env = {
      DATA_DIR: folder.path,
      DATABASE_URL: database.databaseUrl,
      DATABASE_MIGRATE_URL: database.migrateUrl,
    };
    const unmigrated = await ended({ ...env, DATABASE_MIGRATE_URL: "" });
    expect([unmigrated.code, unmigrated.said]).toEqual([
      1,
      expect.stringMatching(/^The database lacks \d+ migrations\. Run: /),
    ]);
    {
      await using program = await startProgram(env);
      expect(program.output()).toMatch(/Postgres +DATABASE_URL/);
      const chat = chatOf(program);
      await chat.claim(program);
      await chat.say("My name is Ann");
      await chat.hears(ANN_END);
      expect(await program.end("SIGINT")).toBe(0);
    }
    expect(existsSync(join(folder.path, "demo/postgres"))).toBe(false);

    const otherKey = await ended({ ...env, MASTER_KEY: randomBytes(32).toString("base64") });
    expect([otherKey.code, otherKey.said]).toEqual([
      1,
      expect.stringContaining("MASTER_KEY is not the key that this database was made with."),
    ]);
    const strong = await ended({ ...env, DATABASE_URL: database.adminUrl });
    expect([strong.code, strong.said]).toEqual([
      1,
      expect.stringContaining("could walk around the walls between teams"),
    ]);
    const { passwordless, password } = splitPassword(database.adminUrl);
    expect(strong.said).not.toContain(password);
    expect(strong.said).not.toContain(passwordless);
    await using telegram = await realTelegram();
    const real = await ended({ ...env, ...telegram.env });
    expect([real.code, real.said]).toEqual([
      1,
      expect.stringContaining("This database was made by the demo, with a simulated Telegram"),
    ]);
    expect(telegram.sim.calls).toEqual([]); // Telegram was not even asked who we are

    await using again = await startProgram(env);
    const chat = chatOf(again);
    await chat.say("What is my name?");
    await chat.hears("Your name is Ann.");
  },
  TEST_MS_MAX,
);

testWithRedis(
  "with a Redis of one's own the chat works the same and health says so; without it again it is only degraded",
  async () => {
    await using folder = dataFolder();
    await using database = await createTestDatabase();
    await using redis = await startRedis();
    await using program = await startProgram({
      DATA_DIR: folder.path,
      DATABASE_URL: database.databaseUrl,
      REDIS_URL: redis.url,
    });
    expect(program.output()).toMatch(/Redis +REDIS_URL/);
    const chat = chatOf(program);
    await chat.claim(program);
    await chat.say("My name is Ann");
    await chat.hears(ANN_END);
    expect(await healthOf(program)).toMatchObject({
      httpStatus: 200,
      status: "ok",
      components: { database: { state: "ok" }, redis: { state: "ok" }, telegram: { state: "ok" } },
    });
    await redis.kill();
    await chat.say("What is my name?");
    await chat.hears("Your name is Ann.");
    expect(await healthOf(program)).toMatchObject({
      httpStatus: 200,
      status: "degraded",
      components: { redis: { state: "degraded" } },
    });
    expect(await program.end("SIGINT")).toBe(0);
  },
  TEST_MS_MAX,
);

test(
  "with a real token nothing is simulated; of two processes one serves, and the other takes over when it is killed",
  async () => {
    await using folder = dataFolder();
    await using database = await createTestDatabase();
    await using telegram = await realTelegram();
    const env = { DATA_DIR: folder.path, DATABASE_URL: database.databaseUrl, ...telegram.env };
    // Both at once, on a database that nobody has used: the links that they print are the same.
    await using one = launchProgram(env);
    await using other = launchProgram(env);
    await Promise.all([one.ready, other.ready]);
    const waiting = "another process serves this bot";
    const [holder, standby] = one.output().includes(waiting) ? [other, one] : [one, other];
    expect(standby.output()).toContain(waiting);
    expect(holder.output()).not.toContain(waiting);
    expect(holder.output()).toContain("real, @real_team_bot");
    expect(holder.output()).toContain("not connected: set ANTHROPIC_API_KEY");
    expect(holder.output()).toMatch(/Mail +not set up/);
    expect(holder.output()).not.toContain("chat page");
    expect(standby.output()).toContain("served by another process");
    const code = /https:\/\/t\.me\/real_team_bot\?start=(\S+)/.exec(holder.output())?.[1] ?? "";
    expect(code).not.toBe("");
    expect(standby.output()).toContain(`?start=${code}`);
    expect(readdirSync(folder.path).sort()).toEqual(["secrets.json"]); // neither a demo nor a Postgres

    const chat = chatAt(telegram.sim.url);
    await chat.say(`/start ${code}`);
    await chat.hears("You are the owner");
    await chat.say("hello");
    expect((await chat.hears("Claude is not connected yet")).text).toContain("ANTHROPIC_API_KEY");
    // What was shown but not yet written down as sent would be said again.
    await eventually("all written down", async () => (await unsent(database)).length === 0);
    await holder.end("SIGKILL");
    await chat.say("/status");
    await chat.hears("Everything else works."); // said by whoever serves now
    expect(standby.output()).not.toContain("whoever opens this link first owns the bot");
    expect(await chat.heard("Claude is not connected yet")).toHaveLength(2);
    expect(telegram.sim.violations).toEqual([]);
    expect(await standby.end("SIGINT")).toBe(0);

    const demo = await ended({ DATA_DIR: folder.path, DATABASE_URL: database.databaseUrl });
    expect([demo.code, demo.said]).toEqual([
      1,
      expect.stringContaining("This database belongs to a real bot."),
    ]);
  },
  TEST_MS_MAX,
);

test(
  "Telegram away at the start is waited for; a token that it refuses, at the start or later, stops the polling and nothing else",
  async () => {
    await using folder = dataFolder();
    await using database = await createTestDatabase();
    await using telegram = await realTelegram();
    const env = { DATA_DIR: folder.path, DATABASE_URL: database.databaseUrl, ...telegram.env };
    const refused = { kind: "error", errorCode: 401, description: "Unauthorized", times: 1 } as const;
    telegram.sim.fault({ method: "getMe", ...refused });
    {
      await using program = await startProgram(env);
      expect(program.output()).toContain("Telegram refuses TELEGRAM_BOT_TOKEN");
      expect(program.output()).not.toContain(REAL_TOKEN);
      const health = await healthOf(program);
      expect(["down", "starting"]).toContain(health.components["telegram"]?.state ?? "");
      expect(health.components["database"]?.state).toBe("ok");
      expect(await program.end("SIGINT")).toBe(0);
    }
    telegram.sim.fault({ method: "getMe", ...refused, errorCode: 502, description: "Bad Gateway", times: 2 });
    await using program = await startProgram(env);
    expect(program.output()).toContain("real, not answering yet");
    const link = await eventually(
      "the owner link",
      () => /"ownerLink":"(https:\/\/t\.me\/real_team_bot\?start=[^"]+)"/.exec(program.output())?.[1],
    );
    telegram.sim.say({ from: ALICE, text: `/start ${new URL(link).searchParams.get("start") ?? ""}` });
    await chatAt(telegram.sim.url).hears("You are the owner");
    telegram.sim.fault({ method: "getUpdates", ...refused });
    telegram.sim.say({ from: ALICE, text: "hello" });
    await eventually(
      "Telegram down",
      async () => (await healthOf(program)).components["telegram"]?.state === "down",
    );
    await eventually("a line about it", () =>
      program.output().includes("Telegram refuses TELEGRAM_BOT_TOKEN; polling has stopped"),
    );
    expect(await healthOf(program)).toMatchObject({
      httpStatus: 503,
      components: { database: { state: "ok" } },
    });
    expect(groupLives(program)).toBe(true);
    expect(await program.end("SIGINT")).toBe(0);
  },
  TEST_MS_MAX,
);

type Chat = ReturnType<typeof chatAt>;

function chatOf(program: Program): Chat & { claim(program: Program): Promise<void> } {
  const chat = chatAt(program.link("chat page:"));
  return {
    ...chat,
    async claim({ ownerLink }) {
      await chat.say(`/start ${new URL(ownerLink() ?? "").searchParams.get("start") ?? ""}`);
      await chat.hears("You are the owner");
    },
  };
}

/** Alice's private chat with the bot, over the HTTP API that the chat page uses. */
function chatAt(url: string) {
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${url}/sim/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  };
  const heard = async (part = ""): Promise<SimMessage[]> => {
    const response = await fetch(`${url}/sim/messages?chat=${ALICE}`);
    const { messages } = (await response.json()) as { messages: SimMessage[] }; // safe: the API's own shape
    return messages.filter((message) => message.fromBot && message.text.includes(part));
  };
  return {
    url,
    say: (text: string) => post("say", { from: ALICE, text }),
    mode: (mode: "ok" | "slow") => post("claude", { mode }),
    fault: (fault: object) => post("fault", fault),
    press(message: SimMessage, label: string) {
      const data = message.buttons.flat().find((button) => button.text === label)?.data;
      return post("press", { from: ALICE, messageId: message.messageId, data });
    },
    /** What the bot has written that contains `part`, oldest first. */
    heard,
    /** Waits for a message of the bot that contains `part` and is not being written any more. */
    hears: (part: string) =>
      eventually(`a message with “${part}”`, async () =>
        (await heard(part)).find((message) => !hasButton(message, "Stop")),
      ),
    /** Waits for an answer that is being written and has grown: its message's id is known to the bot by then. */
    growing: () =>
      eventually("an answer under way", async () =>
        (await heard()).find((message) => hasButton(message, "Stop") && message.editDate !== null),
      ),
  };
}

type Database = { readonly adminUrl: string };
type Row = Readonly<Record<string, unknown>>;
type Health = { httpStatus: number; status: string; components: Record<string, { state: string }> };

async function healthOf(program: Program): Promise<Health> {
  const response = await fetch(program.link("Health"), { headers: { accept: "application/json" } });
  return { httpStatus: response.status, ...((await response.json()) as Omit<Health, "httpStatus">) }; // safe: the report's own shape
}

/** A start that is refused: its exit code, what it said, and each line `KEY: fix` of that. */
async function ended(env: Record<string, string>, args: readonly string[] = []) {
  await using program = await startProgram(env, args);
  if (program.output().includes("BlockBot is running")) throw new Error("it started");
  const code = await program.exited;
  const said = program.output();
  const lines = [...said.matchAll(/^ {2}([A-Z_]+): (.+)$/gm)].map(([, key = "", fix = ""]) => [key, fix]);
  return { code, said, problems: Object.fromEntries(lines) as Record<string, string> };
}

/** A data folder, and at its end no server that still runs in it. */
function dataFolder() {
  const path = mkdtempSync(join(tmpdir(), "blockbot-start-"));
  chmodSync(path, 0o755); // started as root, Postgres runs as a user who must get in
  const cluster = join(path, "demo/postgres/cluster");
  // An orphan that nobody reaps keeps its process id, so that being alive is not enough.
  const serves = (pid: number): boolean => isServerOf(cluster, pid);
  const postgres = (): number => {
    const pid = readPostmaster(cluster)?.pid ?? 0;
    return pid !== 0 && serves(pid) ? pid : 0;
  };
  return {
    path,
    /** The process id of the server that runs there, else 0. */
    postgres,
    serves,
    async [Symbol.asyncDispose](): Promise<void> {
      if (postgres() !== 0) await stopPostmaster(cluster, postgres());
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function unsent(database: Database): Promise<readonly Row[]> {
  return query(database, (sql) => sql`SELECT kind, state FROM pipeline.outbox WHERE state <> 'sent'`);
}

async function query(
  database: Database,
  ask: (sql: Sql) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const sql = createSql(database.adminUrl, { max: 1 });
  try {
    return [...(await ask(sql))];
  } finally {
    await sql.end();
  }
}

/** A database with the roles of `npm run roles` and nothing in it. */
function splitPassword(databaseUrl: string): { passwordless: string; password: string } {
  const url = new URL(databaseUrl);
  const password = decodeURIComponent(url.password);
  url.password = "";
  return { passwordless: url.toString(), password };
}

/** The simulator in the place of the real Bot API: the program is not told that it is one. */
async function realTelegram() {
  const sim = await createTelegramSim({
    statePath: ":memory:",
    token: REAL_TOKEN,
    botUsername: "real_team_bot",
  });
  sim.addPerson({ id: ALICE, firstName: "Alice", username: "alice", languageCode: "en" });
  return {
    sim,
    env: { TELEGRAM_BOT_TOKEN: REAL_TOKEN, TELEGRAM_API_ROOT: sim.url },
    [Symbol.asyncDispose]: () => sim.stop(),
  };
}

async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-redis-"));
  const port = await freePort();
  const server = spawn(
    REDIS_SERVER,
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
    {
      stdio: "ignore",
    },
  );
  const gone = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const kill = async (): Promise<void> => {
    server.kill("SIGKILL");
    await gone;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    async [Symbol.asyncDispose](): Promise<void> {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo; // safe: it listens on TCP
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Ctrl-C again and again. */
async function endImpatiently(program: Program): Promise<number | null> {
  const ended = program.end("SIGINT");
  for (
    let over = false;
    !over;
    over = (await Promise.race([ended.then(() => true), Bun.sleep(100)])) === true
  )
    void program.end("SIGINT");
  return ended;
}

function groupLives(program: Program): boolean {
  return isAlive(-program.pid);
}

async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, null | undefined | false>> {
  for (
    const until = performance.now() + PATIENCE_MS;
    performance.now() < until;
    await Bun.sleep(LOOK_EVERY_MS)
  ) {
    const found = await look();
    // safe: what is excluded has just been looked for
    if (found !== null && found !== undefined && found !== false)
      return found as Exclude<T, null | undefined | false>;
  }
  throw new Error(`${what}: waited in vain`);
}

/** `npm run doctor` beside the demo of this folder: its exit code, and what it prints. */
async function doctor(folder: string): Promise<[code: number, report: string]> {
  const child = Bun.spawn([process.execPath, "--no-env-file", join(import.meta.dir, "doctor.ts")], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", DATA_DIR: folder },
    stdout: "pipe",
    stderr: "inherit",
  });
  return [await child.exited, await new Response(child.stdout).text()];
}
