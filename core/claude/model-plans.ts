import { inSystem } from "../../db/tenant.ts";
import { operatorChats } from "../accounts/strangers.ts";
import { mayAlert, tell } from "../alerts.ts";
import { instanceAccess } from "./credentials.ts";
import type { App } from "../app.ts";
import { servingBot } from "../pipeline/lease.ts";
import { fullDateText } from "../text/figures.ts";

/**
 * Asks what the provider plans for our model, and tells the operator of an end
 * of it: once for each stage and date, however often it is asked. Safe to repeat.
 * Throws when the model cannot be retrieved, for a later attempt.
 */
export async function checkModelPlan(app: App, signal: AbortSignal): Promise<void> {
  const { model, connected } = app.claude;
  if (!connected) return;
  const found = await app.claude.retrieve(signal, await instanceAccess(app));
  if (found.kind !== null) throw new Error(`what is planned for ${model} could not be read: ${found.kind}`);
  const { lifecycle, deprecatedAt, retiresAt } = found.plan;
  app.log.info({ model, lifecycle, deprecatedAt, retiresAt }, "claude model");
  const bot = await servingBot(app);
  if (lifecycle === "active" || bot === null) return;
  const subject = [model, lifecycle, retiresAt ?? "no date"].join(":");
  const recipients = await operatorChats(app);
  await inSystem(app, async (tx) => {
    const once = { kind: "claude_model", subject, everyMs: null, nowMs: app.clock.now() } as const;
    if (recipients.length === 0 || !(await mayAlert(tx, once))) return;
    await tell(tx, bot.id, recipients, {
      kind: "claude_model",
      key: subject,
      params: ({ locale }) => ({
        model,
        lifecycle,
        date: retiresAt === null ? "none" : fullDateText(locale, new Date(retiresAt)),
      }),
    });
  });
}
