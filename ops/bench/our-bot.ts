import { createApp } from "../../core/app.ts";
import { loadConfig } from "../../core/config.ts";
import { openInstance } from "../../core/instance.ts";
import { LIMIT_KEYS } from "../../core/limit-rules.ts";
import { testSettings } from "../../core/test-app.ts";
import { bindAdmin } from "../admin/server.ts";
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

const WITHOUT_BOUND = { burst: 1_000_000, refillMs: 0.001 };
const LIMIT_RAISED = "200000";

// safe: only the rig starts this program
const settings = JSON.parse(process.argv[2] ?? "") as OurBotSettings;
const app = createApp({
  ...testSettings(settings.databaseUrl),
  logLevel: "warn",
  claude: { apiKey: "a-key-for-the-simulator", baseUrl: settings.claudeUrl, model: "claude-sonnet-5-5" },
  limitRules: loadConfig(Object.fromEntries(Object.keys(LIMIT_KEYS).map((key) => [key, LIMIT_RAISED])))
    .limits,
  budgetRules: { instanceMicroUsd: null, teamMicroUsd: null, memberMicroUsd: null },
});
await openInstance(app, "demo", settings.ownerCode);
const product = await startProduct(app, {
  backUp: null,
  roles: ["bot", "admin", "worker"],
  bot: {
    token: settings.token,
    apiRoot: settings.telegramUrl,
    ...(settings.chatBudgets === "production"
      ? {}
      : { allowances: { private: WITHOUT_BOUND, groupSend: WITHOUT_BOUND, groupEdit: WITHOUT_BOUND } }),
  },
  door: bindAdmin({ host: "127.0.0.1", port: 0 }),
  admin: { healthToken: null, trustedProxies: [], corsOrigins: [] },
});
await product.polling;
process.stdout.write(`ready ${product.adminUrl}\n`);
