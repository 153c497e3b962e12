import { readFileSync } from "node:fs";
import { z } from "zod";
import { BUDGET_KEYS, budgetRulesOf, type BudgetRules } from "./budget-rules.ts";
import { parsePrice, type Price } from "./claude/pricing.ts";
import { httpUrl, list, listed, postgresUrl, wholeNumber } from "./config-values.ts";
import { LIMIT_KEYS, limitRulesOf, type LimitRules } from "./limit-rules.ts";
import { parseMasterKeys, type MasterKey } from "./vault/cipher.ts";
import { WEB_KEYS, webOf, webProblems } from "./web-keys.ts";
import {
  CONNECTION_KEYS,
  connectionProblems,
  oauthClientsOf,
  type OAuthClients,
  type Seed,
  seedsOf,
} from "./vault/connection-keys.ts";

/** `anyone` is anybody who is in a team. */
export type TeamCreation = "first-team-owners" | "anyone";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What one start was asked for. `null` where the default depends on what is simulated (`simulation`). */
export type Config = {
  readonly production: boolean;
  readonly logLevel: string;
  readonly dataDir: string;
  readonly telegram: { readonly token: string; readonly apiRoot: string } | null;
  readonly claude: { readonly apiKey: string | null; readonly baseUrl: string; readonly model: string };
  readonly database: {
    readonly url: string;
    readonly migrateUrl: string | null;
    readonly backupUrl: string | null;
  } | null;
  /** Encrypts backups; without it there are none. */
  readonly backupPassphrase: string | null;
  readonly redisUrl: string | null;
  readonly masterKeys: readonly MasterKey[] | null;
  readonly oauthClients: OAuthClients;
  readonly seeds: readonly Seed[];
  readonly admin: {
    readonly host: string;
    readonly port: number;
    readonly healthToken: string | null;
    readonly trustedProxies: readonly string[];
  };
  /** Where the chat page of the simulated Telegram is served. */
  readonly demoPort: number;
  readonly setupCode: string | null;
  readonly operatorChatIds: readonly number[];
  /** Who may make further teams. */
  readonly teamCreation: TeamCreation;
  readonly limits: LimitRules;
  readonly budgets: BudgetRules;
  /** What Claude costs where the published prices that we know do not hold. */
  readonly prices: readonly Price[];
} & Readonly<ReturnType<typeof webOf>>;

/** Every key that was wrong, with its fix, in one error. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

const REAL_TELEGRAM = "https://api.telegram.org";
const REAL_CLAUDE = "https://api.anthropic.com";

const schema = z.object({
  NODE_ENV: z
    .enum(["production", "development", "test"], { error: "must be production, development or test" })
    .default("development"),
  LOG_LEVEL: z
    .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"], {
      error: "must be one of fatal, error, warn, info, debug, trace, silent",
    })
    .default("info"),
  DATA_DIR: z.string().default("./data"),
  TELEGRAM_BOT_TOKEN: z
    .string()
    .regex(/^\d{3,}:[A-Za-z0-9_-]{30,}$/, "must be the token that @BotFather gave you, such as 123456789:AA…")
    .optional(),
  TELEGRAM_API_ROOT: httpUrl("must be an http or https address").default(REAL_TELEGRAM),
  ANTHROPIC_API_KEY: z
    .string()
    .min(20, "must be a key from the Claude Console, such as sk-ant-api03-…")
    .optional(),
  ANTHROPIC_BASE_URL: httpUrl("must be an http or https address").default(REAL_CLAUDE),
  CLAUDE_MODEL: z
    .string()
    .startsWith("claude-sonnet-", "must be a Sonnet model, such as claude-sonnet-5-5")
    .default("claude-sonnet-5-5"),
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_MIGRATE_URL: postgresUrl.optional(),
  DATABASE_BACKUP_URL: postgresUrl.optional(),
  BACKUP_PASSPHRASE: z.string().min(12, "must be at least 12 characters: openssl rand -base64 24").optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: "must look like redis://HOST:6379" }).optional(),
  MASTER_KEY: z
    .string()
    .transform((text, ctx) => masterKeys(text, ctx))
    .optional(),
  ...WEB_KEYS,
  HOST: z.string().default("127.0.0.1"),
  PORT: wholeNumber(0, 65_535).default(3000),
  DEMO_PORT: wholeNumber(0, 65_535).default(3001),
  HEALTH_TOKEN: z.string().min(16, "must be at least 16 characters: openssl rand -hex 24").optional(),
  TRUSTED_PROXIES: list.default([]),
  SETUP_CODE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{8,64}$/, "must be 8 to 64 letters, digits, - or _")
    .optional(),
  OPERATOR_CHAT_ID: z
    .string()
    .regex(/^-?\d+(\s*,\s*-?\d+)*$/, "must be Telegram's numeric chat ids, separated by commas")
    .transform((text) => listed(text).map(Number))
    .default([]),
  TEAM_CREATION: z
    .enum(["first-team-owners", "anyone"], { error: "must be first-team-owners or anyone" })
    .default("first-team-owners"),
  ...LIMIT_KEYS,
  ...BUDGET_KEYS,
  CLAUDE_PRICES: z
    .string()
    .transform((text, ctx) => pricesIn(text, ctx))
    .default([]),
  ...CONNECTION_KEYS,
});

/**
 * Parses the environment once. An empty value counts as absent; any key `X`
 * may come from the file named by `X_FILE`, unless `X` is set. Throws `ConfigError`.
 */
export function loadConfig(env: Environment): Config {
  const problems: string[] = [];
  const values = withFiles(env, problems);
  const parsed = schema.safeParse(values);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(`${issue.path.join(".")}: ${issue.message}`);
  }
  // A file that cannot be read has been named already.
  const isMissing = (key: string) =>
    values[key] === undefined && !problems.some((line) => line.startsWith(`${key}_FILE:`));
  if (values["NODE_ENV"] === "production") {
    problems.push(...missingInProduction(isMissing));
  } else if (values["DATABASE_MIGRATE_URL"] !== undefined && isMissing("DATABASE_URL")) {
    problems.push("DATABASE_URL: is needed beside DATABASE_MIGRATE_URL; it is the login of blockbot_app");
  }
  if (parsed.success)
    problems.push(...webProblems(parsed.data, parsed.data.TELEGRAM_BOT_TOKEN !== undefined));
  problems.push(...connectionProblems(isMissing));
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return toConfig(parsed.data);
}

type Parsed = z.infer<typeof schema>;

function withFiles(env: Environment, problems: string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const key of Object.keys(schema.shape)) {
    const direct = env[key]?.trim();
    const file = env[`${key}_FILE`]?.trim();
    if (direct !== undefined && direct !== "") {
      values[key] = direct;
    } else if (file !== undefined && file !== "") {
      try {
        const text = readFileSync(file, "utf8").trim();
        if (text !== "") values[key] = text;
      } catch (err) {
        problems.push(
          `${key}_FILE: cannot be read (${err instanceof Error && "code" in err ? String(err.code) : "unknown error"})`,
        );
      }
    }
  }
  return values;
}

function missingInProduction(isMissing: (key: string) => boolean): string[] {
  const needed = {
    TELEGRAM_BOT_TOKEN: "is needed when NODE_ENV=production: nothing is simulated there",
    DATABASE_URL: "is needed when NODE_ENV=production: the login of blockbot_app",
    MASTER_KEY: "is needed when NODE_ENV=production: openssl rand -base64 32",
    JWT_SECRET: "is needed when NODE_ENV=production: openssl rand -base64 48",
  };
  return Object.entries(needed).flatMap(([key, fix]) => (isMissing(key) ? [`${key}: ${fix}`] : []));
}

function masterKeys(text: string, ctx: z.RefinementCtx): MasterKey[] {
  try {
    return parseMasterKeys(text);
  } catch (err) {
    ctx.addIssue({ code: "custom", message: err instanceof Error ? err.message : "cannot be read" });
    return z.NEVER;
  }
}

function pricesIn(text: string, ctx: z.RefinementCtx): Price[] {
  return listed(text).map((item) => {
    const price = parsePrice(item);
    if (price !== null) return price;
    ctx.addIssue({
      code: "custom",
      message:
        "must be MODEL@DAY=INPUT/OUTPUT/CACHE_READ/CACHE_WRITE_5M/CACHE_WRITE_1H in US dollars per million tokens, separated by commas, such as claude-sonnet-5-5@2026-10-07=2/10/0.10/2.50/4",
    });
    return z.NEVER;
  });
}

function toConfig(values: Parsed): Config {
  return {
    production: values.NODE_ENV === "production",
    logLevel: values.LOG_LEVEL,
    dataDir: values.DATA_DIR,
    telegram:
      values.TELEGRAM_BOT_TOKEN === undefined
        ? null
        : { token: values.TELEGRAM_BOT_TOKEN, apiRoot: values.TELEGRAM_API_ROOT },
    claude: {
      apiKey: values.ANTHROPIC_API_KEY ?? null,
      baseUrl: values.ANTHROPIC_BASE_URL,
      model: values.CLAUDE_MODEL,
    },
    database:
      values.DATABASE_URL === undefined
        ? null
        : {
            url: values.DATABASE_URL,
            migrateUrl: values.DATABASE_MIGRATE_URL ?? null,
            backupUrl: values.DATABASE_BACKUP_URL ?? null,
          },
    backupPassphrase: values.BACKUP_PASSPHRASE ?? null,
    redisUrl: values.REDIS_URL ?? null,
    masterKeys: values.MASTER_KEY ?? null,
    oauthClients: oauthClientsOf(values),
    seeds: seedsOf(values),
    admin: {
      host: values.HOST,
      port: values.PORT,
      healthToken: values.HEALTH_TOKEN ?? null,
      trustedProxies: values.TRUSTED_PROXIES,
    },
    demoPort: values.DEMO_PORT,
    setupCode: values.SETUP_CODE ?? null,
    operatorChatIds: values.OPERATOR_CHAT_ID,
    teamCreation: values.TEAM_CREATION,
    limits: limitRulesOf(values),
    budgets: budgetRulesOf(values),
    prices: values.CLAUDE_PRICES,
    ...webOf(values),
  };
}
