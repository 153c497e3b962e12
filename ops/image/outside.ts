import { join } from "node:path";
import { startEmbeddedPostgres } from "../../db/embedded.ts";
import { createClaudeSim } from "../sim/claude/server.ts";
import { createTelegramSim } from "../sim/telegram/server.ts";

const TOKEN = "7000000004:SIMULATED_TELEGRAM_TOKEN_for_the_image";
const API_KEY = "sk-ant-the-key-of-the-image";
const PERSON = 1001;
const PATIENCE_MS = 30_000;

export type Outside = {
  /** What a person has to know, and where the simulated services are. */
  readonly given: Readonly<Record<string, string>>;
  /** The superuser's login. */
  readonly adminUrl: string;
  /** A DSN as setup writes it for Compose, with the place of this Postgres. */
  locate(dsn: string): string;
  readonly redisUrl: string;
  /** Somebody opens the owner link and asks something. Rejects when no whole answer comes. */
  converse(ownerCode: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** What stands around one production start: a real Postgres and a real Redis, simulated Telegram and Claude. */
export async function openOutside(folder: string, redisPort: number): Promise<Outside> {
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
  const redis = Bun.spawn(["redis-server", "--port", String(redisPort), "--save", ""], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const claude = await createClaudeSim({ apiKeys: [API_KEY] });
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
    given: {
      TELEGRAM_BOT_TOKEN: TOKEN,
      TELEGRAM_API_ROOT: telegram.url,
      ANTHROPIC_API_KEY: API_KEY,
      ANTHROPIC_BASE_URL: claude.url,
    },
    adminUrl: postgres.adminUrl,
    locate: (dsn) => dsn.replace("@postgres:5432/", `@${new URL(postgres.adminUrl).host}/`),
    redisUrl: `redis://127.0.0.1:${redisPort}`,
    async converse(ownerCode) {
      telegram.say({ from: PERSON, text: `/start ${ownerCode}` });
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
