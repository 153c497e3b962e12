import { setInstructions, setTeamLanguage, voiceOf } from "../../core/accounts/voice.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { INSTRUCTIONS_CHARS_MAX } from "../../core/claude/prompt.ts";
import { awaitInput, clearInput } from "../../core/inputs.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import type { Scope } from "../../core/scope.ts";
import { LANGUAGES, sentence } from "../../core/text/text.ts";
import { conclude } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";
import { backButton } from "./settings.ts";

/** In /settings, for admins: how Claude answers this team. */
export async function voice(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await clearInput(scope, visit.place.chatId);
    return [await overview(ctx, scope)];
  });
}

/** The next message becomes the team's instructions. */
export async function askInstructions(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await awaitInput(scope, visit.place.chatId, "team_instructions");
    const text = sentence(scope.locale, "instructions_ask", { max: INSTRUCTIONS_CHARS_MAX });
    return [await screen(ctx, scope, text, [[backTo(scope)]])];
  });
}

/** The message that follows `askInstructions`. One that is too long changes nothing and is asked for again. */
export async function takeInstructions(ctx: Ctx, visit: Visit, scope: Scope, text: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await setInstructions(scope, text);
    await clearInput(scope, visit.place.chatId);
    return [await overview(ctx, scope)];
  });
}

/** The button that takes the instructions away. */
export async function removeInstructions(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  buttonId: string,
): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await setInstructions(scope, null);
    return [await overview(ctx, scope)];
  });
}

/** A press on one of the languages, or on the one of the question. */
export async function chooseTeamLanguage(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  buttonId: string,
): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    await setTeamLanguage(scope, LANGUAGES.find((language) => language === value) ?? null);
    return [await overview(ctx, scope)];
  });
}

async function overview(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const { instructions, language } = await voiceOf(scope);
  const text = sentence(scope.locale, "voice", {
    team: scope.team,
    language:
      language === null ? sentence(scope.locale, "voice_any_language") : sentence(language, "language_name"),
    instructions: instructions ?? sentence(scope.locale, "voice_no_instructions"),
  });
  const change: ButtonSpec = {
    label: sentence(
      scope.locale,
      instructions === null ? "button_write_instructions" : "button_change_instructions",
    ),
    kind: "ask_instructions",
  };
  const remove: ButtonSpec = {
    label: sentence(scope.locale, "button_remove_instructions"),
    kind: "remove_instructions",
  };
  return screen(ctx, scope, text, [
    LANGUAGES.map((each) => ({
      label: sentence(each, "language_name"),
      kind: "set_team_language",
      value: each,
    })),
    language === null
      ? []
      : [{ label: sentence(scope.locale, "button_any_language"), kind: "set_team_language", value: "" }],
    instructions === null ? [change] : [change, remove],
    [backButton(scope)],
  ]);
}

function backTo(scope: Scope): ButtonSpec {
  return { label: sentence(scope.locale, "button_back"), kind: "voice" };
}
