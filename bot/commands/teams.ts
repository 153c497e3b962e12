import { removeMember } from "../../core/accounts/members.ts";
import { chooseTeam, createTeam, listTeams, mayCreateTeam } from "../../core/accounts/teams.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import { awaitInput, clearInput } from "../../core/inputs.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import { forgetWaiting } from "../../core/pipeline/updates.ts";
import { mayActAs, type Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { conclude, saying } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";

/** /team, and the button that leads back to it: which team this chat speaks to, and the others. */
export async function teams(ctx: Ctx, visit: Visit, scope: Scope, buttonId?: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    if (buttonId !== undefined) await takePress(scope, buttonId, visit.place.chatId);
    return [await overview(ctx, scope)];
  });
}

/** A press on one of the other teams: this chat speaks to that one from now on. */
export async function choose(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await switching(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    const { name } = await chooseTeam(scope, value ?? "");
    return screen(
      ctx,
      scope,
      sentence(scope.locale, "team_chosen", { team: name, dropped: await drop(ctx, visit) }),
      [],
    );
  });
}

/** The button of a new team: the next message becomes its name. */
export async function askNewTeam(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    if (!(await mayCreateTeam(scope))) throw new AppError("team_creation_closed");
    await awaitInput(scope, visit.place.chatId, "new_team_name");
    return [saying(ctx, visit, "new_team_ask")];
  });
}

/** The message that follows `askNewTeam`. A bad name makes no team and is asked for again. */
export async function takeNewTeam(ctx: Ctx, visit: Visit, scope: Scope, text: string): Promise<void> {
  // In this lane nothing else runs or waits before this message: it came through it as a question does.
  await conclude(ctx, visit, async () => {
    const team = await createTeam(scope, text);
    await clearInput(scope, visit.place.chatId);
    return [saying(ctx, visit, "team_created", { team: team.name })];
  });
}

/** The button that leaves the team, before it is pressed once more. */
export async function askLeave(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    const text = sentence(scope.locale, "team_leave_ask", { team: scope.team });
    return [
      await screen(ctx, scope, text, [
        [
          { label: sentence(scope.locale, "button_leave_team"), kind: "leave_team_sure" },
          { label: sentence(scope.locale, "button_cancel"), kind: "teams" },
        ],
      ]),
    ];
  });
}

/** The second press: the person is in this team no more. */
export async function leave(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  if (scope.actor.type !== "user") throw new AppError("not_member");
  const { userId } = scope.actor;
  await switching(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    const dropped = await drop(ctx, visit);
    await removeMember(scope, userId);
    const next = (await listTeams(scope)).find(({ chosen }) => chosen);
    const text =
      next === undefined
        ? sentence(scope.locale, "team_left_last", { team: scope.team })
        : sentence(scope.locale, "team_left", { team: scope.team, next: next.name, dropped });
    return screen(ctx, scope, text, []);
  });
}

// The running answer and what waits belong to the team that was spoken to until now.
async function switching(ctx: Ctx, visit: Visit, work: () => Promise<OutgoingMessage>): Promise<void> {
  await ctx.front.lanes.preempt(visit.place.lane, () => conclude(ctx, visit, async () => [await work()]));
}

function drop(ctx: Ctx, visit: Visit): Promise<number> {
  const waiting = { lane: visit.place.lane, before: ctx.updateIds[0] ?? 0, from: visit.from.id };
  return forgetWaiting(ctx.front.app, ctx.front.lease, waiting);
}

async function overview(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const all = await listTeams(scope);
  const others = all.filter(({ id }) => id !== scope.orgId);
  const role = all.find(({ id }) => id === scope.orgId)?.role ?? "member";
  const lines = [
    sentence(scope.locale, "teams_here", { team: scope.team, role }),
    sentence(scope.locale, "teams_others", { count: others.length }),
  ];
  const choices = others.map((team): ButtonSpec[] => [
    { label: team.name, kind: "choose_team", value: team.id },
  ]);
  const button = (label: string, kind: ButtonSpec["kind"]): ButtonSpec => ({ label, kind });
  return screen(ctx, scope, lines.join("\n"), [
    ...choices,
    [
      ...((await mayCreateTeam(scope))
        ? [button(sentence(scope.locale, "button_new_team"), "new_team")]
        : []),
      ...(mayActAs(scope, "admin") ? [button(sentence(scope.locale, "button_rename"), "rename_team")] : []),
      button(sentence(scope.locale, "button_leave_team"), "leave_team"),
    ],
  ]);
}
