import type { Place } from "../core/chat/conversations.ts";
import { acceptKept, beginAccepted, keptPlaces } from "../core/chat/kept.ts";
import type { Scope } from "../core/scope.ts";
import { runTurn } from "./ask.ts";
import { conclude } from "./conclude.ts";
import type { Ctx, Front, Visit } from "./context.ts";
import { laneName } from "./route.ts";

type Spot = Pick<Place, "chatId" | "threadId" | "lane">;

/** The button of the offer after an outage: what was kept in this place is answered, in the order in which it was asked. */
export async function answerKept(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  const { front } = ctx;
  await conclude(ctx, visit, async () => {
    await acceptKept(scope, front.lease, visit.place, buttonId);
    return [];
  });
  const pressed = ctx.callbackQuery?.message?.message_id;
  if (pressed !== undefined) void front.sender.strip(visit.place.chatId, pressed);
  answerNext(front, visit.place, "nothing");
}

/** Goes on with what was accepted before this process began. Returns in how many places. */
export async function resumeKept(front: Front): Promise<number> {
  const places = await keptPlaces(front.app, front.lease, "accepted");
  for (const { chatId, threadId } of places)
    answerNext(front, { chatId, threadId, lane: laneName(front.lease.botId, chatId, threadId) }, "nothing");
  return places.length;
}

// One at a time, each behind what came into the lane meanwhile: a new question does not wait for all the old ones.
function answerNext(front: Front, spot: Spot, after: "nothing" | "another"): void {
  front.lanes
    .enter(spot.lane, async () => {
      const next = await beginAccepted(front.app, front.lease, spot, after);
      if (next === null) return;
      const outcome = await runTurn(front, next.scope, next.turn);
      next.scope.log.info({ turnId: next.turn.id, outcome }, "a kept question was answered");
      answerNext(front, spot, "another");
    })
    .catch((err: unknown) => front.app.log.error({ err }, "kept questions could not be answered"));
}
