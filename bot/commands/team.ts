import { claimGroup, renameTeam } from "../../core/accounts/teams.ts";
import { takePress } from "../../core/buttons.ts";
import { awaitInput, clearInput } from "../../core/inputs.ts";
import type { Scope } from "../../core/scope.ts";
import { conclude, saying, stripPressed } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";

/** /claim: ties this group to the admin's team. */
export async function claim(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  await conclude(ctx, visit, async () => {
    const outcome = await claimGroup(scope, ctx.front.lease.botId, visit.place);
    const params = { team: scope.team, bot: ctx.front.me.username };
    return [saying(ctx, visit, outcome === "claimed" ? "group_claimed" : "group_already", params)];
  });
}

/** The button under the owner's welcome: the suggested name stays. */
export async function keepName(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    return [saying(ctx, visit, "team_named", { team: scope.team })];
  });
  stripPressed(ctx, visit);
}

/** The other button: the next message becomes the name. */
export async function askName(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await awaitInput(scope, visit.place.chatId, "team_name");
    return [saying(ctx, visit, "team_name_ask")];
  });
  stripPressed(ctx, visit);
}

/** The message that follows `askName`. A bad name changes nothing and is asked for again. */
export async function takeName(ctx: Ctx, visit: Visit, scope: Scope, text: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const team = await renameTeam(scope, text);
    await clearInput(scope, visit.place.chatId);
    return [saying(ctx, visit, "team_named", { team })];
  });
}
