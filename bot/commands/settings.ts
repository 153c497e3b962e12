import { setHealthAlerts, wantsHealthAlerts } from "../../core/accounts/health-alerts.ts";
import { setLanguage, setTimeZone } from "../../core/accounts/settings.ts";
import { findTimeZones, SUGGESTED_ZONES } from "../../core/accounts/time-zones.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { awaitInput, clearInput } from "../../core/inputs.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import { mayActAs, type Scope } from "../../core/scope.ts";
import { languageOf, LANGUAGES, sentence } from "../../core/text/text.ts";
import { conclude } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";

/** /settings, and the button that leads back to it. */
export async function settings(ctx: Ctx, visit: Visit, scope: Scope, buttonId?: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    if (buttonId !== undefined) await takePress(scope, buttonId, visit.place.chatId);
    await clearInput(scope, visit.place.chatId);
    return [await overview(ctx, scope)];
  });
}

/** A press on one of the languages. */
export async function chooseLanguage(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    return [await overview(ctx, await setLanguage(scope, languageOf(value)))];
  });
}

/** An owner's button: whether they hear of what does not work. */
export async function chooseAlerts(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    await setHealthAlerts(scope, value === "on");
    return [await overview(ctx, scope)];
  });
}

/** The button of the time zone: some to choose from, and the next message may name any other. */
export async function askTimeZone(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await awaitInput(scope, visit.place.chatId, "time_zone");
    const text = sentence(scope.locale, "settings_time_zone_ask");
    return [await zonesToChoose(ctx, scope, text, SUGGESTED_ZONES[languageOf(scope.locale)])];
  });
}

/** A press on one of the time zones. */
export async function chooseTimeZone(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    await clearInput(scope, visit.place.chatId);
    return [await overview(ctx, await setTimeZone(scope, value ?? ""))];
  });
}

/**
 * The message that follows `askTimeZone`. A place that nobody knows ends the
 * waiting, so that a question is not taken for one twice.
 */
export async function takeTimeZone(ctx: Ctx, visit: Visit, scope: Scope, text: string): Promise<void> {
  const [zone, ...others] = findTimeZones(text, languageOf(scope.locale));
  await conclude(ctx, visit, async () => {
    if (zone !== undefined && others.length > 0)
      return [await zonesToChoose(ctx, scope, sentence(scope.locale, "settings_several"), [zone, ...others])];
    await clearInput(scope, visit.place.chatId);
    return [
      zone === undefined
        ? await unknownPlace(ctx, scope)
        : await overview(ctx, await setTimeZone(scope, zone)),
    ];
  });
}

async function overview(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const time = new Intl.DateTimeFormat(scope.locale, {
    timeZone: scope.timeZone,
    hour: "2-digit",
    minute: "2-digit",
  }).format(ctx.front.app.clock.now());
  const language = sentence(scope.locale, "language_name");
  const text = sentence(scope.locale, "settings", { language, zone: scope.timeZone, time });
  return screen(ctx, scope, text, [...personalRows(scope), ...(await ownerRows(scope)), ...adminRows(scope)]);
}

function personalRows(scope: Scope): readonly (readonly ButtonSpec[])[] {
  return [
    LANGUAGES.map((language) => ({
      label: sentence(language, "language_name"),
      kind: "set_language",
      value: language,
    })),
    [{ label: sentence(scope.locale, "button_time_zone"), kind: "time_zone" }],
  ];
}

async function ownerRows(scope: Scope): Promise<readonly (readonly ButtonSpec[])[]> {
  if (!mayActAs(scope, "owner")) return [];
  const value = (await wantsHealthAlerts(scope)) ? "off" : "on";
  return [
    [{ label: sentence(scope.locale, "button_health_alerts", { value }), kind: "health_alerts", value }],
  ];
}

function adminRows(scope: Scope): readonly (readonly ButtonSpec[])[] {
  return mayActAs(scope, "admin")
    ? [[{ label: sentence(scope.locale, "button_voice", { team: scope.team }), kind: "voice" }]]
    : [];
}

async function zonesToChoose(
  ctx: Ctx,
  scope: Scope,
  text: string,
  zones: readonly string[],
): Promise<OutgoingMessage> {
  const choices = zones.map((zone): ButtonSpec[] => [{ label: zone, kind: "set_time_zone", value: zone }]);
  return screen(ctx, scope, text, [...choices, [backButton(scope)]]);
}

async function unknownPlace(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const again: ButtonSpec = { label: sentence(scope.locale, "button_time_zone"), kind: "time_zone" };
  return screen(ctx, scope, sentence(scope.locale, "time_zone_unknown"), [[again], [backButton(scope)]]);
}

/** Leads back to /settings. */
export function backButton(scope: Scope): ButtonSpec {
  return { label: sentence(scope.locale, "button_back"), kind: "settings" };
}
