import { acceptInvite, INVITE_PREFIX } from "../../core/accounts/invites.ts";
import { claimFirstTeam } from "../../core/accounts/teams.ts";
import { keyboardOf } from "../../core/buttons.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import type { Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { argumentOf } from "../addressing.ts";
import { conclude, saying } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { help } from "./table.ts";

/** /start: the owner link, an invite, or a welcome back. */
export async function start(ctx: Ctx, visit: Visit): Promise<void> {
  const parameter = argumentOf(ctx.message);
  if (visit.place.kind !== "private" || parameter === "") return help(ctx, visit);
  if (parameter.startsWith(INVITE_PREFIX)) return conclude(ctx, visit, () => join(ctx, visit, parameter));
  return conclude(ctx, visit, () => claim(ctx, visit, parameter));
}

async function claim(ctx: Ctx, visit: Visit, code: string): Promise<OutgoingMessage[]> {
  const { app } = ctx.front;
  const { from, locale, correlationId } = visit;
  const teamName = sentence(locale, "default_team_name", { name: from.name });
  const { orgId, userId } = await claimFirstTeam(app, { code, person: from, teamName, correlationId });
  const actor = { type: "user", userId, accountId: "", role: "owner", name: from.name } as const;
  const scope: Scope = {
    app,
    orgId,
    team: teamName,
    actor,
    correlationId,
    locale,
    timeZone: "UTC",
    log: app.log,
  };
  const keyboard = await keyboardOf(scope, visit.place.chatId, [
    { label: sentence(locale, "button_keep_name", { team: teamName }), kind: "keep_name", userId },
    { label: sentence(locale, "button_rename_team"), kind: "rename_team", userId },
  ]);
  return [{ ...saying(ctx, visit, "owner_welcome", { name: from.name, team: teamName }), keyboard }];
}

async function join(ctx: Ctx, visit: Visit, parameter: string): Promise<OutgoingMessage[]> {
  const { from, correlationId } = visit;
  const result = await acceptInvite(ctx.front.app, { parameter, person: from, correlationId });
  return [
    saying(ctx, visit, result.joined ? "joined" : "already_member", {
      name: from.name,
      team: result.team,
      role: result.role,
    }),
  ];
}
