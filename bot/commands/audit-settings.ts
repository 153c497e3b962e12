import { AUDIT_DAYS, auditSettingsOf, setAuditDays, setAuditReport } from "../../core/audit-settings.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import { mayActAs, type Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { conclude } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";

/** The button in /audit: how long the log is kept, and whether owners get a report of it. */
export async function auditSettings(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    return [await overview(ctx, scope)];
  });
}

/** A press on one of the times. */
export async function keepAudit(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    const days = AUDIT_DAYS.find((each) => String(each) === value);
    if (days !== undefined) await setAuditDays(scope, days);
    return [await overview(ctx, scope)];
  });
}

/** The button that mutes the report, or has it sent again. */
export async function reportAudit(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    await setAuditReport(scope, value === "on");
    return [await overview(ctx, scope)];
  });
}

/** The way here, for who may go it. */
export function auditSettingsRow(scope: Scope): ButtonSpec[] {
  return mayActAs(scope, "owner")
    ? [{ label: sentence(scope.locale, "button_audit_settings"), kind: "audit_settings" }]
    : [];
}

async function overview(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const { days, report } = await auditSettingsOf(scope);
  const text = sentence(scope.locale, "audit_settings", {
    team: scope.team,
    days,
    report: report ? "on" : "off",
  });
  const times = AUDIT_DAYS.filter((each) => each !== days).map((each): ButtonSpec => ({
    label: sentence(scope.locale, "button_audit_days", { days: each }),
    kind: "audit_keep",
    value: String(each),
  }));
  const other: ButtonSpec = report
    ? { label: sentence(scope.locale, "button_audit_mute"), kind: "audit_report", value: "off" }
    : { label: sentence(scope.locale, "button_audit_unmute"), kind: "audit_report", value: "on" };
  const back: ButtonSpec = { label: sentence(scope.locale, "button_back"), kind: "audit" };
  return screen(ctx, scope, text, [times, [other], [back]]);
}
