import { randomBytes } from "node:crypto";
import { createApi, failureOf } from "../bot/client.ts";
import { retrieveModel } from "../core/claude/models.ts";
import { createTransport } from "../core/claude/transport.ts";
import { loadConfig, type Environment } from "../core/config.ts";
import { addToEnvFile, readEnvFile } from "./env-file.ts";
import { localSecrets } from "./local-secrets.ts";

const PASSWORD_BYTES = 24;
const KEY_BYTES = 32;
const CODE_BYTES = 15;

export type FirstRun = {
  readonly envFile: string;
  /** For Docker Compose: its Postgres gets its logins too, and every secret is in the file. */
  readonly compose: boolean;
  readonly env: Environment;
  /** Null when nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | null;
};

/**
 * Asks for what only a person can know, unless the file or the environment has
 * it, tries it on the real services, makes every secret that is missing and
 * writes the file. Nothing that the file has is changed. Returns what to do
 * next; throws, with nothing written, when a value is refused.
 */
export async function firstRun(options: FirstRun): Promise<string> {
  const known = { ...options.env, ...readEnvFile(options.envFile) };
  const token = await wanted(options, known, {
    key: "TELEGRAM_BOT_TOKEN",
    question: "The bot's token, from @BotFather in Telegram: ",
  });
  const username = await botOf(
    loadConfig({ ...known, TELEGRAM_BOT_TOKEN: token, NODE_ENV: "test" }).telegram,
  );
  const apiKey = await wanted(options, known, {
    key: "ANTHROPIC_API_KEY",
    question: "Claude's API key, from platform.claude.com: ",
  });
  const config = loadConfig({ ...known, ANTHROPIC_API_KEY: apiKey, NODE_ENV: "test" });
  await tryClaude({ ...config.claude, apiKey });

  const values = { TELEGRAM_BOT_TOKEN: token, ANTHROPIC_API_KEY: apiKey, ...secretsFor(options) };
  const file = readEnvFile(options.envFile);
  const added = Object.fromEntries(Object.entries(values).filter(([key]) => file[key] === undefined));
  addToEnvFile(options.envFile, added);
  if (!options.compose) localSecrets(config.dataDir);
  const code = file["SETUP_CODE"] ?? added["SETUP_CODE"] ?? "";
  return [
    `The bot is @${username}, and ${config.claude.model} answers to the key.`,
    Object.keys(added).length === 0
      ? `${options.envFile} had everything already.`
      : `Written to ${options.envFile} (mode 0600): ${Object.keys(added).join(", ")}.`,
    "",
    `Next:  ${options.compose ? "docker compose up -d" : "npm start"}`,
    "Then open this link and press START. Whoever does so first owns the bot:",
    `https://t.me/${username}?start=${code}`,
  ].join("\n");
}

async function wanted(
  { ask }: FirstRun,
  known: Environment,
  { key, question }: { key: string; question: string },
): Promise<string> {
  const value = known[key]?.trim() || (await ask?.(question))?.trim();
  if (value === undefined || value === "")
    throw new Error(`${key} is missing. Run this in a terminal, or put ${key} into the environment.`);
  return value;
}

async function botOf(telegram: { token: string; apiRoot: string } | null): Promise<string> {
  if (telegram === null) throw new Error("TELEGRAM_BOT_TOKEN is missing.");
  try {
    return (await createApi(telegram, "send").getMe()).username;
  } catch (err) {
    const failure = failureOf(err);
    if (failure.kind === "revoked")
      throw new Error(
        "Telegram does not know this token. Take the current one from @BotFather: /mybots, API Token.",
        { cause: err },
      );
    const why = failure.kind === "unreachable" ? failure.code : failure.kind;
    throw new Error(
      `${telegram.apiRoot} could not be asked about the token (${why}). Check this machine's network.`,
      { cause: err },
    );
  }
}

async function tryClaude(claude: { apiKey: string; baseUrl: string; model: string }): Promise<void> {
  const { apiKey, baseUrl, model } = claude;
  const { kind } = await retrieveModel(
    { fetch: createTransport(apiKey, "api_key"), baseUrl, model },
    new AbortController().signal,
  );
  if (kind !== null)
    throw new Error(
      `${baseUrl} does not give ${model} to this key (${kind}). Check the key and its workspace in the Claude Console, and CLAUDE_MODEL if you set it.`,
    );
}

/** Every secret of a new installation; the owner link's code is one of them until it is used. */
function secretsFor({ compose }: FirstRun): Record<string, string> {
  const code = { SETUP_CODE: randomBytes(CODE_BYTES).toString("base64url") };
  if (!compose) return code;
  const dsn = (role: string): string =>
    `postgres://${role}:${randomBytes(PASSWORD_BYTES).toString("hex")}@postgres:5432/blockbot`;
  return {
    ...code,
    MASTER_KEY: randomBytes(KEY_BYTES).toString("base64"),
    JWT_SECRET: randomBytes(KEY_BYTES).toString("base64"),
    HEALTH_TOKEN: randomBytes(PASSWORD_BYTES).toString("hex"),
    BACKUP_PASSPHRASE: randomBytes(PASSWORD_BYTES).toString("base64url"),
    POSTGRES_PASSWORD: randomBytes(PASSWORD_BYTES).toString("hex"),
    DATABASE_URL: dsn("blockbot_app"),
    DATABASE_MIGRATE_URL: dsn("blockbot_migrate"),
    DATABASE_BACKUP_URL: dsn("blockbot_backup"),
  };
}
