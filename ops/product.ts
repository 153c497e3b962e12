import { startBot } from "../bot/front.ts";
import type { BotSettings } from "../bot/tenure.ts";
import type { App } from "../core/app.ts";
import { runRetention } from "../core/retention.ts";
import { startAdmin } from "./admin/server.ts";

/** What one process does. Without a choice it does all three. */
export const ROLES = ["bot", "admin", "worker"] as const;
export type ProcessRole = (typeof ROLES)[number];

export type ProductSettings = {
  readonly roles: readonly ProcessRole[];
  readonly bot: BotSettings;
  readonly admin: Parameters<typeof startAdmin>[1];
};

const RETENTION_CRON = "17 3 * * *";

/**
 * Starts the chosen parts on an app whose instance has been opened. Throws when
 * the admin port is taken, and leaves nothing running then.
 */
export async function startProduct(app: App, settings: ProductSettings) {
  const does = (role: ProcessRole): boolean => settings.roles.includes(role);
  const admin = does("admin") ? startAdmin(app, settings.admin) : null;
  await app.jobs.start(
    does("worker") ? { retention: { cron: RETENTION_CRON, run: () => runRetention(app) } } : null,
  );
  const bot = does("bot") ? startBot(app, settings.bot) : null;
  return {
    adminUrl: admin?.url ?? null,
    /** Resolves with who we are when this process polls; never in a process without the bot. */
    polling: bot?.polling ?? null,
    /** Resolves when the bot cannot go on in this process; never without the bot. */
    gaveUp: bot?.gaveUp ?? null,
    /** Lets running answers finish, then stops serving. The app stays open. */
    async stop(): Promise<void> {
      await bot?.stop();
      await admin?.stop();
    },
  };
}
