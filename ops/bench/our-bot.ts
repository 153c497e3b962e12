import { createApp } from "../../core/app.ts";
import { openInstance } from "../../core/instance.ts";
import { parseMasterKeys } from "../../core/vault/cipher.ts";
import { startProduct } from "../product.ts";

/** What ops/bench/rig.ts hands to this program as JSON. */
export type OurBotSettings = {
  readonly token: string;
  readonly telegramUrl: string;
  readonly claudeUrl: string;
  readonly databaseUrl: string;
  readonly ownerCode: string;
  /** Telegram's own allowances per chat, or none that could be felt. */
  readonly chatBudgets: "production" | "raised";
};

// Any 32 bytes that are not a pattern.
const MASTER_KEY = "5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";
const WITHOUT_BOUND = { burst: 1_000_000, refillMs: 0.001 };
const PER_MINUTE_RAISED = 100_000_000;

// safe: only the rig starts this program
const settings = JSON.parse(process.argv[2] ?? "") as OurBotSettings;
const app = createApp({
  version: "bench",
  logLevel: "warn",
  databaseUrl: settings.databaseUrl,
  redisUrl: null,
  masterKeys: parseMasterKeys(MASTER_KEY),
  claude: { apiKey: "a-key-for-the-simulator", baseUrl: settings.claudeUrl, model: "claude-sonnet-5-5" },
  operatorChatIds: [],
});
await openInstance(app, "demo", settings.ownerCode);
const product = await startProduct(app, {
  roles: ["bot", "admin", "worker"],
  bot: {
    token: settings.token,
    apiRoot: settings.telegramUrl,
    limits: { personPerMinute: PER_MINUTE_RAISED, teamPerMinute: PER_MINUTE_RAISED },
    ...(settings.chatBudgets === "production"
      ? {}
      : { allowances: { private: WITHOUT_BOUND, groupSend: WITHOUT_BOUND, groupEdit: WITHOUT_BOUND } }),
  },
  admin: { host: "127.0.0.1", port: 0, healthToken: null, trustedProxies: [] },
});
await product.polling;
process.stdout.write(`ready ${product.adminUrl}\n`);
