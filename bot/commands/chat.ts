import { beginAgainByButton, beginLastAgain, type Again } from "../../core/chat/again.ts";
import { dropQuestions, startConversation } from "../../core/chat/conversations.ts";
import { countKept, giveBackAccepted } from "../../core/chat/kept.ts";
import { recordStop, type Turn } from "../../core/chat/turns.ts";
import { claudeSentence } from "../../core/claude/status.ts";
import { isContinuedBelow } from "../../core/pipeline/outbox.ts";
import { AppError } from "../../core/errors.ts";
import { mayActAs, type Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { runTurn } from "../ask.ts";
import { conclude, messageOf, saying, stripPressed } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import type { RunningTurn } from "../lanes.ts";
import { hearsAll } from "./hearing.ts";

/** /new: stops what runs, drops what waits, forgets the conversation. */
export async function startNew(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const { lanes, lease } = ctx.front;
  await lanes.preempt(visit.place.lane, () =>
    conclude(ctx, visit, async () => {
      const dropped = await startConversation(scope, lease, visit.place, ctx.updateIds[0] ?? 0);
      return [saying(ctx, visit, "new_chat", { dropped })];
    }),
  );
}

/**
 * /stop: the running answer of this chat ends with its next frame and keeps what it said; what waits behind it is
 * answered. When nothing runs, the questions of whoever stops that still wait are dropped.
 */
export async function stop(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const { lanes, lease } = ctx.front;
  const turn = lanes.turnIn(visit.place.lane);
  if (turn !== null) {
    await giveBackAccepted(scope, lease, visit.place, null);
    return stopTurn(ctx, visit, scope, turn);
  }
  await conclude(ctx, visit, async () => {
    const waiting = { lane: visit.place.lane, before: ctx.updateIds[0] ?? 0, from: visit.from.id };
    const accepted = await giveBackAccepted(scope, lease, visit.place, null);
    if ((await dropQuestions(scope, lease, waiting)) + accepted === 0) throw new AppError("nothing_to_stop");
    return [saying(ctx, visit, "answer_stopped_early")];
  });
}

/**
 * The Stop button under a running answer. Under a message that the answer has
 * left for a later one it says so; under one that no answer belongs to, it only goes.
 */
export async function stopById(ctx: Ctx, visit: Visit, scope: Scope, turnId: string): Promise<void> {
  const { app, lanes } = ctx.front;
  const { chatId, lane } = visit.place;
  const messageId = ctx.callbackQuery?.message?.message_id;
  const isLeft = messageId !== undefined && (await isContinuedBelow(app, { turnId, chatId, messageId }));
  // Only this chat's turn: the data of a press is whatever a client sends.
  const turn = lanes.turnIn(lane);
  if (turn?.turnId === turnId && !isLeft) return stopTurn(ctx, visit, scope, turn);
  stripPressed(ctx, visit);
  throw new AppError(isLeft ? "continued_below" : "nothing_to_stop");
}

async function stopTurn(ctx: Ctx, visit: Visit, scope: Scope, turn: RunningTurn): Promise<void> {
  const own = scope.actor.type === "user" && scope.actor.userId === turn.askerId;
  if (!own && !mayActAs(scope, "admin")) throw new AppError("answer_not_yours");
  await conclude(ctx, visit, async () => {
    await recordStop(scope, turn.turnId);
    return [];
  });
  turn.controller.abort("stop");
}

/** /retry: the last question of this chat once more. */
export async function retry(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  await again(ctx, visit, scope, (question) => beginLastAgain(scope, question));
}

/** A Retry, Continue or New chat button. */
export async function retryByButton(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await again(ctx, visit, scope, (question) => beginAgainByButton(scope, buttonId, question));
}

async function again(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  begin: (question: Again) => Promise<Turn | null>,
): Promise<void> {
  const { front } = ctx;
  await front.lanes.preempt(visit.place.lane, async () => {
    const replyTo = visit.place.kind === "private" ? null : (ctx.message?.message_id ?? null);
    const turn = await begin({
      lease: front.lease,
      place: visit.place,
      updateIds: ctx.updateIds,
      asked: [],
      replyTo,
    });
    ctx.adopted();
    if (turn === null) return;
    stripPressed(ctx, visit);
    ctx.note.outcome = await runTurn(front, scope, turn);
  });
}

/** /status: what works now, for any member. */
export async function status(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const { lanes, lease } = ctx.front;
  const kept = await countKept(scope, lease, visit.place);
  const lines = [
    await claudeSentence(scope),
    ...(kept === 0 ? [] : [sentence(visit.locale, "status_kept", { count: kept })]),
    sentence(visit.locale, lanes.turnIn(visit.place.lane) === null ? "status_idle" : "status_answering"),
    sentence(visit.locale, "status_team", {
      team: scope.team,
      role: visit.person.member?.role ?? "member",
    }),
  ];
  if (visit.place.kind !== "private" && !(await hearsAll(ctx.front, visit.place.chatId)))
    lines.push("", sentence(visit.locale, "status_privacy", { bot: ctx.front.me.username }));
  await conclude(ctx, visit, async () => [messageOf(ctx, visit, lines.join("\n"))]);
}
