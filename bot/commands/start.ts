import { acceptInvite, INVITE_PREFIX } from "../../core/accounts/invites.ts";
import { claimFirstTeam } from "../../core/accounts/teams.ts";
import { keyboardOf } from "../../core/buttons.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import type { Scope } from "../../core/scope.ts";
import { forgetWaiting } from "../../core/pipeline/updates.ts";
import { sentence } from "../../core/text/text.ts";
import { takeSeeds } from "../../core/vault/seeds.ts";
import { argumentOf } from "../addressing.ts";
import { conclude, saying } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { help } from "./table.ts";

/** /start: the owner link, an invite, or a welcome back. */
export async function start(ctx: Ctx, visit: Visit): Promise<void> {
  const parameter = argumentOf(ctx.message);
  if (visit.place.kind !== "private" || parameter === "") return help(ctx, visit);
  if (parameter.startsWith(INVITE_PREFIX)) return join(ctx, visit, parameter);
  return conclude(ctx, visit, () => claim(ctx, visit, parameter));
}

async function claim(ctx: Ctx, visit: Visit, code: string): Promise<OutgoingMessage[]> {
  const { app } = ctx.front;
  const { from, locale, correlationId } = visit;
  const teamName = sentence(locale, "default_team_name", { name: from.name });
  const { orgId, actor } = await claimFirstTeam(app, { code, person: from, teamName, correlationId });
  const { userId } = actor;
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
  await takeSeeds(app);
  return [{ ...saying(ctx, visit, "owner_welcome", { name: from.name, team: teamName }), keyboard }];
}

// Whoever joins speaks to that team from now on: what is being answered here and what waits was meant for another.
async function join(ctx: Ctx, visit: Visit, parameter: string): Promise<void> {
  const { app, lease, lanes } = ctx.front;
  const { from, place, correlationId } = visit;
  let joined = false;
  await conclude(ctx, visit, async () => {
    const result = await acceptInvite(app, { parameter, person: from, correlationId });
    ({ joined } = result);
    const { team, role } = result;
    if (!joined) return [saying(ctx, visit, "already_member", { team })];
    const dropped = await forgetWaiting(app, lease, {
      lane: place.lane,
      before: ctx.updateIds[0] ?? 0,
      from: from.id,
    });
    return [saying(ctx, visit, "joined", { name: from.name, team, role, dropped })];
  });
  if (joined) lanes.turnIn(place.lane)?.controller.abort("stop");
}
