import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../../db/embedded.ts";
import { prepareDatabase } from "../postgres/prepare.ts";
import { createClaudeSim } from "../sim/claude/server.ts";
import { createTelegramSim } from "../sim/telegram/server.ts";

const TOKEN = "7000000004:SIMULATED_TELEGRAM_TOKEN_for_the_image";
const OWNER_CODE = "owner-code-of-the-image";
const PERSON = 1001;
const PATIENCE_MS = 30_000;
const KEY_BYTES = 32;

export type Outside = {
  /** What a production start is configured with. */
  readonly environment: Record<string, string>;
  /** Somebody opens the owner link and asks something. Rejects when no whole answer comes. */
  converse(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** What stands around one production start: a real Postgres and a real Redis, simulated Telegram and Claude. */
export async function openOutside(folder: string, redisPort: number): Promise<Outside> {
  const secret = () => randomBytes(KEY_BYTES).toString("base64");
  const password = randomBytes(KEY_BYTES).toString("hex");
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  const passwords = { app: password, migrate: password, backup: password };
  await prepareDatabase({ adminUrl: postgres.adminUrl, database: "blockbot", passwords });
  const redis = Bun.spawn(["redis-server", "--port", String(redisPort), "--save", ""], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const claude = await createClaudeSim({});
  const telegram = await createTelegramSim({
    statePath: ":memory:",
    token: TOKEN,
    botUsername: "blockbot_image_bot",
  });
  telegram.addPerson({ id: PERSON, firstName: "Alice", languageCode: "en" });
  const hears = (part: string) =>
    telegram.waitFor(
      () =>
        telegram
          .messages(PERSON)
          .find(
            ({ fromBot, text, buttons }) =>
              fromBot && text.includes(part) && buttons.flat().every((button) => button.text !== "Stop"),
          ),
      PATIENCE_MS,
    );
  return {
    environment: {
      NODE_ENV: "production",
      TELEGRAM_BOT_TOKEN: TOKEN,
      TELEGRAM_API_ROOT: telegram.url,
      ANTHROPIC_API_KEY: `sk-ant-${secret()}`,
      ANTHROPIC_BASE_URL: claude.url,
      DATABASE_URL: postgres.url({ user: "blockbot_app", password }, "blockbot"),
      DATABASE_MIGRATE_URL: postgres.url({ user: "blockbot_migrate", password }, "blockbot"),
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      MASTER_KEY: secret(),
      JWT_SECRET: secret(),
      SETUP_CODE: OWNER_CODE,
    },
    async converse() {
      telegram.say({ from: PERSON, text: `/start ${OWNER_CODE}` });
      await hears("You are the owner");
      claude.setScript(() => ({ text: "Forty-two, and that is all." }));
      telegram.say({ from: PERSON, text: "What is six times seven?" });
      await hears("Forty-two, and that is all.");
    },
    async [Symbol.asyncDispose]() {
      redis.kill();
      await Promise.all([telegram.stop(), claude.stop(), redis.exited]);
      await postgres.stop();
    },
  };
}
