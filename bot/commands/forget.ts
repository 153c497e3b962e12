import { keyboardOf, takePress } from "../../core/buttons.ts";
import { forgetPlace, requireForgetting } from "../../core/chat/forget.ts";
import { AppError } from "../../core/errors.ts";
import type { Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { conclude, saying, stripPressed } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";

/** /forget: asks whether everything that was said here shall be deleted. */
export async function forget(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  requireForgetting(scope, visit.place);
  if (scope.actor.type !== "user") throw new AppError("not_member");
  const { userId } = scope.actor;
  await conclude(ctx, visit, async () => {
    const keyboard = await keyboardOf(scope, visit.place.chatId, [
      { label: sentence(visit.locale, "button_forget"), kind: "forget", userId },
      { label: sentence(visit.locale, "button_forget_not"), kind: "forget_not", userId },
    ]);
    const question = saying(ctx, visit, "forget_ask", { team: scope.team, place: visit.place.kind });
    return [{ ...question, keyboard }];
  });
}

/** Yes: stops what runs, drops what waits, and deletes everything that was said here. */
export async function forgetAll(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  const { lanes, lease } = ctx.front;
  await lanes.preempt(visit.place.lane, () =>
    conclude(ctx, visit, async () => {
      await takePress(scope, buttonId, visit.place.chatId);
      const { dropped } = await forgetPlace(scope, lease, visit.place, ctx.updateIds[0] ?? 0);
      return [saying(ctx, visit, "forgotten", { dropped })];
    }),
  );
  stripPressed(ctx, visit);
}

/** No. */
export async function forgetNothing(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    return [saying(ctx, visit, "forgotten_not")];
  });
  stripPressed(ctx, visit);
}
