import { expect, test } from "bun:test";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, loadConfig, type Environment } from "./config.ts";

const BOT_TOKEN = `123456789:${"A".repeat(35)}`;
const MASTER_KEY = createHash("sha256").update("a key of tests").digest("base64");
const JWT_SECRET = "ZEn2bDHHj7qEWWnqmIFKvVtFhUuZ2xr8Cw4l1MDqjX0=";
const PRODUCTION: Environment = {
  NODE_ENV: "production",
  TELEGRAM_BOT_TOKEN: BOT_TOKEN,
  DATABASE_URL: "postgres://blockbot_app:pw@db:5432/blockbot",
  MASTER_KEY,
  JWT_SECRET,
};

function problemsOf(env: Environment): readonly string[] {
  try {
    loadConfig(env);
  } catch (err) {
    if (err instanceof ConfigError) return err.problems;
    throw err;
  }
  return [];
}

const keysOf = (problems: readonly string[]) => problems.map((line) => line.split(":")[0]);

const MINUTE_MS = 60_000;
// The numbers of the design.
const LIMITS = {
  flood: { limit: 60, windowMs: 10_000 },
  bot: { person: { limit: 20, windowMs: MINUTE_MS }, team: { limit: 200, windowMs: MINUTE_MS } },
  api: {
    endpoint: { limit: 100, windowMs: MINUTE_MS },
    person: { limit: 1_000, windowMs: 60 * MINUTE_MS },
    team: { limit: 10_000, windowMs: 60 * MINUTE_MS },
  },
  signIn: {
    address: { limit: 10, windowMs: 15 * MINUTE_MS },
    account: { limit: 5, windowMs: 15 * MINUTE_MS },
  },
  magicLink: [
    { limit: 1, windowMs: MINUTE_MS },
    { limit: 3, windowMs: 15 * MINUTE_MS },
    { limit: 10, windowMs: 1_440 * MINUTE_MS },
  ],
  refresh: { limit: 30, windowMs: MINUTE_MS },
};

const MICRO_USD = 1_000_000;
const BUDGETS = {
  instanceMicroUsd: 200 * MICRO_USD,
  teamMicroUsd: 50 * MICRO_USD,
  memberMicroUsd: 20 * MICRO_USD,
};

test("nothing has to be set: the demo starts on this machine alone, with everything simulated", () => {
  expect(loadConfig({})).toEqual({
    production: false,
    logLevel: "info",
    dataDir: "./data",
    telegram: null,
    claude: { apiKey: null, baseUrl: "https://api.anthropic.com", model: "claude-sonnet-5-5" },
    database: null,
    backupPassphrase: null,
    mail: null,
    redisUrl: null,
    masterKeys: null,
    jwtSecrets: null,
    publicUrl: null,
    corsOrigins: [],
    admin: { host: "127.0.0.1", port: 3000, healthToken: null, trustedProxies: [] },
    demoPort: 3001,
    setupCode: null,
    oauthClients: { claude: null, google: null },
    seeds: [],
    operatorChatIds: [],
    teamCreation: "first-team-owners",
    limits: LIMITS,
    budgets: BUDGETS,
    prices: [],
  });
});

test("every key is read, and spaces around a value do not matter", () => {
  const config = loadConfig({
    ...PRODUCTION,
    TELEGRAM_BOT_TOKEN: `  ${BOT_TOKEN}\n`,
    TELEGRAM_API_ROOT: "http://telegram-bot-api:8081",
    DATABASE_MIGRATE_URL: "postgresql://blockbot_migrate:pw@db/blockbot",
    ANTHROPIC_API_KEY: "sk-ant-api03-0123456789",
    ANTHROPIC_BASE_URL: "https://proxy.example/claude",
    CLAUDE_MODEL: "claude-sonnet-4-5",
    REDIS_URL: "rediss://cache:6379",
    HOST: "0.0.0.0",
    PORT: "0",
    TRUSTED_PROXIES: "10.0.0.1, 10.0.0.2,",
    HEALTH_TOKEN: "h".repeat(16),
    SETUP_CODE: "open-sesame",
    TEAM_CREATION: "anyone",
    LIMIT_PERSON_PER_MINUTE: "5",
    LIMIT_MAGIC_LINK_PER_DAY: "50",
    BUDGET_INSTANCE_USD: "None",
    BUDGET_TEAM_USD: "12.50",
    BUDGET_MEMBER_USD: "0",
    CLAUDE_PRICES: "claude-sonnet-6@2027-01-15=3/15/0.3/3.75/6,",
  });
  expect(config).toMatchObject({
    production: true,
    telegram: { token: BOT_TOKEN, apiRoot: "http://telegram-bot-api:8081" },
    claude: {
      apiKey: "sk-ant-api03-0123456789",
      baseUrl: "https://proxy.example/claude",
      model: "claude-sonnet-4-5",
    },
    database: {
      url: "postgres://blockbot_app:pw@db:5432/blockbot",
      migrateUrl: "postgresql://blockbot_migrate:pw@db/blockbot",
    },
    redisUrl: "rediss://cache:6379",
    admin: {
      host: "0.0.0.0",
      port: 0,
      healthToken: "h".repeat(16),
      trustedProxies: ["10.0.0.1", "10.0.0.2"],
    },
    setupCode: "open-sesame",
    teamCreation: "anyone",
    limits: {
      ...LIMITS,
      bot: { ...LIMITS.bot, person: { limit: 5, windowMs: MINUTE_MS } },
      magicLink: [...LIMITS.magicLink.slice(0, 2), { limit: 50, windowMs: 1_440 * MINUTE_MS }],
    },
    budgets: { instanceMicroUsd: null, teamMicroUsd: 12.5 * MICRO_USD, memberMicroUsd: 0 },
    prices: [
      {
        model: "claude-sonnet-6",
        since: "2027-01-15",
        input: 3 * MICRO_USD,
        output: 15 * MICRO_USD,
        cacheRead: 0.3 * MICRO_USD,
        cacheWrite5m: 3.75 * MICRO_USD,
        cacheWrite1h: 6 * MICRO_USD,
      },
    ],
  });
  expect(config.masterKeys).toMatchObject([{ kid: 1 }]);
});

test("a budget that is no amount, and a price that is none, are named", () => {
  for (const amount of ["-1", "1,5", "1.505", "1000000.01", "a lot", "1e3"])
    expect({ amount, keys: keysOf(problemsOf({ BUDGET_TEAM_USD: amount })) }).toEqual({
      amount,
      keys: ["BUDGET_TEAM_USD"],
    });
  for (const price of ["3/15", "gpt@2027-01-15=1/2/3/4/5", "claude-sonnet-6@2027-13-15=1/2/3/4/5"])
    expect({ price, keys: keysOf(problemsOf({ CLAUDE_PRICES: price })) }).toEqual({
      price,
      keys: ["CLAUDE_PRICES"],
    });
});

test("an empty value counts as absent", () => {
  const empty = Object.fromEntries(
    [...Object.keys(PRODUCTION), "CLAUDE_MODEL", "PORT", "OPERATOR_CHAT_ID", "SETUP_CODE", "REDIS_URL"].map(
      (key, index) => [key, index % 2 === 0 ? "" : "  \n"],
    ),
  );
  expect(loadConfig(empty)).toEqual(loadConfig({}));
  expect(keysOf(problemsOf({ ...PRODUCTION, JWT_SECRET: " " }))).toEqual(["JWT_SECRET"]);
});

test("any key may come from a file, the key itself wins, and what is wrong with a file is said", () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  try {
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const token = file("token", `${BOT_TOKEN}\n`);
    const port = file("port", "4000");
    const config = loadConfig({ TELEGRAM_BOT_TOKEN_FILE: token, PORT_FILE: port, DEMO_PORT_FILE: "  " });
    expect(config.telegram?.token).toBe(BOT_TOKEN);
    expect(config.admin.port).toBe(4000);
    expect(loadConfig({ PORT: "5000", PORT_FILE: port }).admin.port).toBe(5000);

    expect(problemsOf({ ...PRODUCTION, MASTER_KEY: "", MASTER_KEY_FILE: join(folder, "none") })).toEqual([
      "MASTER_KEY_FILE: cannot be read (ENOENT)",
    ]);
    expect(keysOf(problemsOf({ PORT_FILE: token }))).toEqual(["PORT"]);
    expect(problemsOf({ PORT_FILE: token }).join()).not.toContain(BOT_TOKEN);
    expect(loadConfig({ DATA_DIR_FILE: file("empty", " \n"), HOST_FILE: join(folder, "empty") })).toEqual(
      loadConfig({}),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("one error names every bad key once, with its fix and never with a secret", () => {
  const secret = "hunter2-hunter2";
  const bad: Record<string, [value: string, fix: string]> = {
    NODE_ENV: ["prod", "production, development or test"],
    LOG_LEVEL: ["loud", "one of fatal"],
    TELEGRAM_BOT_TOKEN: [secret, "@BotFather"],
    TELEGRAM_API_ROOT: ["file:///etc/passwd", "http or https"],
    ANTHROPIC_API_KEY: [secret, "Claude Console"],
    ANTHROPIC_BASE_URL: ["ftp://claude", "http or https"],
    CLAUDE_MODEL: ["claude-opus-4", "Sonnet"],
    DATABASE_URL: [`mysql://${secret}@db`, "postgres://"],
    DATABASE_MIGRATE_URL: [secret, "postgres://"],
    REDIS_URL: [`http://${secret}`, "redis://"],
    MASTER_KEY: [secret, "openssl rand"],
    JWT_SECRET: [secret, "openssl rand"],
    RESEND_API_KEY: [secret, "re_"],
    RESEND_BASE_URL: ["file:///etc/passwd", "http or https"],
    MAIL_FROM: [`${secret}\r\nBcc: a@example.com`, "bot@example.com"],
    PUBLIC_URL: ["https://bot.example.com/path", "without a path"],
    CORS_ORIGINS: ["https://app.example.com, *", "https://app.example.com"],
    PORT: ["-1.5", "whole number"],
    DEMO_PORT: ["65536", "at most 65535"],
    HEALTH_TOKEN: [secret, "openssl rand"],
    SETUP_CODE: ["no spaces please", "8 to 64"],
    OPERATOR_CHAT_ID: ["@alice", "numeric"],
    TEAM_CREATION: ["nobody", "anyone"],
    LIMIT_PERSON_PER_MINUTE: ["many", "whole number"],
    LIMIT_TEAM_PER_MINUTE: ["0", "at least 1"],
  };
  const problems = problemsOf(Object.fromEntries(Object.entries(bad).map(([key, [value]]) => [key, value])));
  expect(keysOf(problems).sort()).toEqual(Object.keys(bad).sort());
  for (const [key, [, fix]] of Object.entries(bad)) {
    expect(problems.find((line) => line.startsWith(`${key}: `))).toContain(fix);
  }
  expect(problems.join("\n")).not.toContain(secret);
  const message = new ConfigError(problems).message;
  expect(message).toContain(`${problems.length} problems`);
  for (const line of problems) expect(message).toContain(line);
});

test("in production nothing is simulated: what is missing is named, all of it at once", () => {
  expect(keysOf(problemsOf({ NODE_ENV: "production" })).sort()).toEqual(
    ["DATABASE_URL", "JWT_SECRET", "MASTER_KEY", "TELEGRAM_BOT_TOKEN"].sort(),
  );
  for (const key of ["DATABASE_URL", "JWT_SECRET", "MASTER_KEY", "TELEGRAM_BOT_TOKEN"]) {
    expect(keysOf(problemsOf({ ...PRODUCTION, [key]: undefined }))).toEqual([key]);
  }
  expect(problemsOf(PRODUCTION)).toEqual([]);
  expect(loadConfig(PRODUCTION).claude.apiKey).toBeNull();
});

test("a migrate login without a runtime login is refused, for the runtime role must be the weak one", () => {
  expect(keysOf(problemsOf({ DATABASE_MIGRATE_URL: "postgres://migrate@db/x" }))).toEqual(["DATABASE_URL"]);
});

test("a mail leads somewhere, and secrets are not patterns", () => {
  const mail = { RESEND_API_KEY: "re_1234567890", MAIL_FROM: "BlockBot <bot@example.com>" };
  const web = { ...PRODUCTION, ...mail, PUBLIC_URL: "https://bot.example.com/" };
  expect(loadConfig(web)).toMatchObject({
    mail: {
      apiKey: "re_1234567890",
      baseUrl: "https://api.resend.com",
      from: "BlockBot <bot@example.com>",
    },
    publicUrl: "https://bot.example.com",
  });
  expect(
    loadConfig({ ...web, CORS_ORIGINS: "https://a.example, http://localhost:5173/" }).corsOrigins,
  ).toEqual(["https://a.example", "http://localhost:5173"]);
  expect(keysOf(problemsOf({ ...web, MAIL_FROM: "" }))).toEqual(["MAIL_FROM"]);
  expect(keysOf(problemsOf({ ...web, PUBLIC_URL: "" }))).toEqual(["PUBLIC_URL"]);
  expect(problemsOf(mail)).toEqual([]); // the demo knows where it is
  expect(problemsOf({ ...web, PUBLIC_URL: "http://bot.example.com" }).join()).toContain("must be https");
  for (const local of ["http://localhost:3000", "http://127.0.0.1:3000"])
    expect(problemsOf({ ...web, PUBLIC_URL: local })).toEqual([]);
  expect(loadConfig({ ...PRODUCTION, JWT_SECRET: `${JWT_SECRET}, ${JWT_SECRET}` }).jwtSecrets).toHaveLength(
    2,
  );
  for (const weak of ["j".repeat(48), "abc".repeat(20), ",", `${JWT_SECRET},short`])
    expect(keysOf(problemsOf({ ...PRODUCTION, JWT_SECRET: weak }))).toEqual(["JWT_SECRET"]);
});

test("only Sonnet models are accepted", () => {
  for (const model of ["claude-opus-4-5", "claude-haiku-4-5", "sonnet", "gpt-5", "xclaude-sonnet-5"]) {
    expect(keysOf(problemsOf({ CLAUDE_MODEL: model }))).toEqual(["CLAUDE_MODEL"]);
  }
  expect(loadConfig({ CLAUDE_MODEL: "claude-sonnet-5-5-20260101" }).claude.model).toBe(
    "claude-sonnet-5-5-20260101",
  );
});

test("OPERATOR_CHAT_ID is a list of chat ids, groups included", () => {
  const ids = fc.array(fc.integer({ min: -(10 ** 13), max: 10 ** 13 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(ids, fc.constantFrom(",", ", ", " ,  "), (list, comma) => {
      expect(loadConfig({ OPERATOR_CHAT_ID: list.join(comma) }).operatorChatIds).toEqual(list);
    }),
  );
  for (const text of ["1,,2", "1;2", "1 2", "1.5", "0x10", "1e3", ","]) {
    expect(keysOf(problemsOf({ OPERATOR_CHAT_ID: text }))).toEqual(["OPERATOR_CHAT_ID"]);
  }
});
