import { buttonKind, type ButtonKind } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import type { Scope } from "../../core/scope.ts";
import type { Ctx, Visit } from "../context.ts";
import { STOP_PREFIX } from "../presenter.ts";
import { answerKept } from "../kept.ts";
import { auditSettings, keepAudit, reportAudit } from "./audit-settings.ts";
import { checkAudit, chooseActor, chooseKind, sendAudit, showAudit } from "./audit.ts";
import { endEvery, endOne } from "./account.ts";
import { retryByButton, stopById } from "./chat.ts";
import { askSecret, disconnect, keepUnconnected, showConnections, sureToDisconnect } from "./connect.ts";
import { forgetAll, forgetNothing } from "./forget.ts";
import { askTimeZone, chooseAlerts, chooseLanguage, chooseTimeZone, settings } from "./settings.ts";
import { invites, revoke } from "./invites.ts";
import { askHandOver, askRemove, handOver, member, members, remove, setRole } from "./members.ts";
import { askErase, erase, myData, sendMine } from "./mydata.ts";
import { askInstructions, chooseTeamLanguage, removeInstructions, voice } from "./voice.ts";
import { askName, keepName } from "./team.ts";
import { askLeave, askNewTeam, choose, leave, teams } from "./teams.ts";

/** What a press does. `long`: it is answered first, because what it starts takes its time. */
type Press = {
  readonly long: boolean;
  readonly run: (ctx: Ctx, visit: Visit, scope: Scope, buttonId: string) => Promise<void>;
};

/** Everything that a button may do. */
export const PRESSES: Readonly<Record<ButtonKind, Press>> = {
  retry: { long: true, run: retryByButton },
  continue: { long: true, run: retryByButton },
  answer_kept: { long: false, run: answerKept },
  new_chat: { long: true, run: retryByButton },
  forget: { long: true, run: forgetAll },
  forget_not: { long: false, run: forgetNothing },
  keep_name: { long: false, run: keepName },
  rename_team: { long: false, run: askName },
  settings: { long: false, run: settings },
  set_language: { long: false, run: chooseLanguage },
  health_alerts: { long: false, run: chooseAlerts },
  voice: { long: false, run: voice },
  ask_instructions: { long: false, run: askInstructions },
  remove_instructions: { long: false, run: removeInstructions },
  set_team_language: { long: false, run: chooseTeamLanguage },
  time_zone: { long: false, run: askTimeZone },
  set_time_zone: { long: false, run: chooseTimeZone },
  end_session: { long: false, run: endOne },
  end_sessions: { long: false, run: endEvery },
  teams: { long: false, run: teams },
  choose_team: { long: true, run: choose },
  new_team: { long: false, run: askNewTeam },
  leave_team: { long: false, run: askLeave },
  leave_team_sure: { long: false, run: leave },
  members: { long: false, run: members },
  member: { long: false, run: member },
  member_role: { long: false, run: setRole },
  hand_over: { long: false, run: askHandOver },
  hand_over_sure: { long: false, run: handOver },
  remove_member: { long: false, run: askRemove },
  remove_member_sure: { long: false, run: remove },
  connect: { long: false, run: askSecret },
  connect_not: { long: false, run: keepUnconnected },
  connections: { long: false, run: showConnections },
  disconnect: { long: false, run: sureToDisconnect },
  disconnect_sure: { long: false, run: disconnect },
  invites: { long: false, run: invites },
  mydata: { long: false, run: myData },
  mydata_send: { long: true, run: sendMine },
  mydata_erase: { long: false, run: askErase },
  mydata_erase_sure: { long: true, run: erase },
  audit: { long: false, run: showAudit },
  audit_kinds: { long: false, run: chooseKind },
  audit_actors: { long: false, run: chooseActor },
  audit_export: { long: true, run: sendAudit },
  audit_settings: { long: false, run: auditSettings },
  audit_keep: { long: false, run: keepAudit },
  audit_report: { long: false, run: reportAudit },
  audit_verify: { long: true, run: checkAudit },
  revoke_invite: { long: false, run: revoke },
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A press on an inline button. It is answered as soon as it is known to be
 * ours, before the work that it starts; a refusal is answered with its reason.
 */
export async function press(ctx: Ctx): Promise<void> {
  const { visit } = ctx;
  const data = ctx.callbackQuery?.data ?? "";
  if (visit === null || visit.scope === null) throw new AppError("button_gone");
  const { scope } = visit;
  ctx.note.what = "button";
  if (data.startsWith(STOP_PREFIX)) {
    const turnId = data.slice(STOP_PREFIX.length);
    if (!UUID.test(turnId)) throw new AppError("button_gone");
    ctx.note.what = "button stop";
    await stopById(ctx, visit, scope, turnId);
    return acknowledge(ctx);
  }
  const kind = await buttonKind(scope, data, visit.place.chatId);
  ctx.note.what = `button ${kind}`;
  const { long, run } = PRESSES[kind];
  if (long) acknowledge(ctx);
  await run(ctx, visit, scope, data);
  if (!long) acknowledge(ctx);
}

// Best effort, and not waited for: what was asked for is done all the same, and other commands wait behind it.
function acknowledge(ctx: Ctx): void {
  ctx.answered = true;
  ctx.answerCallbackQuery().catch((err: unknown) => ctx.front.app.log.debug({ err }, "no callback answer"));
}
