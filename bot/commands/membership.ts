import type { ChatMember } from "grammy/types";
import { leaveChat, returnToChat } from "../../core/accounts/chats.ts";
import { forgetWaiting } from "../../core/pipeline/updates.ts";
import { conclude, saying } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { chatLanes } from "../route.ts";

/**
 * The bot was brought into a chat, or out of it. Out: nothing more is owed to
 * that chat, and nothing goes on in it. In: a group that was ours is so again,
 * any other hears how it is claimed.
 */
export async function noteMembership(ctx: Ctx, visit: Visit): Promise<void> {
  const change = ctx.myChatMember;
  if (change === undefined) return conclude(ctx, null);
  const { app, lease, lanes } = ctx.front;
  const { place, scope } = visit;
  if (!isIn(change.new_chat_member)) {
    ctx.note.outcome = "left";
    for (const turn of lanes.turnsIn(chatLanes(lease.botId, place.chatId))) turn.controller.abort("stop");
    await leaveChat(app, lease.botId, place.chatId);
    // What waits in a group is dropped at the gate.
    if (place.kind === "private") await forgetWaiting(app, lease, waitingFor(ctx, visit));
    return conclude(ctx, null);
  }
  // More rights, or fewer.
  if (isIn(change.old_chat_member) || scope === null) return conclude(ctx, null);
  ctx.note.outcome = "joined";
  await conclude(ctx, visit, async () => {
    const isBack = await returnToChat(scope, lease.botId, place);
    if (place.kind === "private") return [];
    if (isBack)
      return [saying(ctx, visit, "group_claimed", { team: scope.team, bot: ctx.front.me.username })];
    // A supergroup says this too when it was a group a moment ago: there the message about who was added counts.
    return place.kind === "group" ? hello(ctx, visit) : [];
  });
}

/** The service message of a group: somebody added the bot. One of ours reads how it is woken there. */
export async function greet(ctx: Ctx): Promise<void> {
  const { visit } = ctx;
  const isNews = visit !== null && visit.scope !== null && visit.place.kind === "supergroup";
  await conclude(ctx, visit, async () => (isNews ? hello(ctx, visit) : []));
}

function hello(ctx: Ctx, visit: Visit) {
  return visit.person.claimed ? [] : [saying(ctx, visit, "group_hello", { bot: ctx.front.me.username })];
}

function waitingFor(ctx: Ctx, { place, from }: Visit) {
  return { lane: place.lane, before: ctx.updateIds[0] ?? 0, from: from.id };
}

function isIn(member: ChatMember): boolean {
  if (member.status === "restricted") return member.is_member;
  return member.status !== "left" && member.status !== "kicked";
}
