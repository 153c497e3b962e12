import { startBot } from "../bot/front.ts";
import type { BotSettings } from "../bot/tenure.ts";
import type { App } from "../core/app.ts";
import type { Job, JobTable } from "../core/jobs.ts";
import { deliverMail } from "../core/accounts/letters.ts";
import { checkModelPlan } from "../core/claude/model-plans.ts";
import { noteDegraded } from "../core/limit-notes.ts";
import { reportAudit } from "../core/audit-report.ts";
import { purgeSignIn, runRetention } from "../core/retention.ts";
import { refreshExpiring } from "../core/vault/refresh-job.ts";
import type { AdminDoor, AdminSettings } from "./admin/server.ts";

/** What one process does. Without a choice it does all three. */
export const ROLES = ["bot", "admin", "worker"] as const;
export type ProcessRole = (typeof ROLES)[number];

export type ProductSettings = {
  readonly roles: readonly ProcessRole[];
  readonly bot: BotSettings;
  /** Bound already by a process with the role `admin`, else null. */
  readonly door: AdminDoor | null;
  readonly admin: AdminSettings;
  /** What the worker does every night, when backups are set up. */
  readonly backUp: (() => Promise<void>) | null;
};

const RETENTION_CRON = "17 3 * * *";
const SIGN_IN_CRON = "7 * * * *";
const MODEL_CRON = "43 5 * * *";
const MODEL_MS = 30_000;
const REPORT_CRON = "0 7 * * *"; // when most of Europe is at work and yesterday is over everywhere west of it
const REFRESH_CRON = "* * * * *";
const BACKUP_CRON = "47 2 * * *";

/** Starts the chosen parts on an app whose instance has been opened. */
export async function startProduct(app: App, settings: ProductSettings) {
  const { door } = settings;
  const does = (role: ProcessRole): boolean => settings.roles.includes(role);
  app.limits.onDegraded(() => void noteDegraded(app));
  door?.serve(app, settings.admin);
  await app.jobs.start(does("worker") ? jobsOf(app, settings.backUp) : null);
  const bot = does("bot") ? startBot(app, settings.bot) : null;
  return {
    adminUrl: door?.url ?? null,
    /** Resolves with who we are when this process polls; never in a process without the bot. */
    polling: bot?.polling ?? null,
    /** Resolves when the bot cannot go on in this process; never without the bot. */
    gaveUp: bot?.gaveUp ?? null,
    /** Lets running answers finish, then stops serving. The app stays open. */
    async stop(): Promise<void> {
      await bot?.stop();
      await door?.stop();
    },
  };
}

function jobsOf(app: App, backUp: ProductSettings["backUp"]): JobTable {
  // What a job logs stands under its own reference.
  const under = ({ correlationId }: Job): App => ({ ...app, log: app.log.child({ correlationId }) });
  return {
    retention: { cron: RETENTION_CRON, run: (job) => runRetention(under(job)) },
    sign_in: { cron: SIGN_IN_CRON, run: () => purgeSignIn(app) },
    report: { cron: REPORT_CRON, run: (job) => reportAudit(under(job)) },
    // Without a schedule of its own, but one of an earlier start may still be there.
    backup: { ...(backUp === null ? {} : { cron: BACKUP_CRON }), run: async () => backUp?.() },
    model: { cron: MODEL_CRON, run: (job) => checkModelPlan(under(job), AbortSignal.timeout(MODEL_MS)) },
    refresh: { cron: REFRESH_CRON, run: (job) => refreshExpiring(under(job), job.correlationId) },
    mail: { run: (job) => deliverMail(under(job), job) },
  };
}
