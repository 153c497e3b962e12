import { beginAgainByButton, beginLastAgain, type Again } from "../../core/chat/again.ts";
import { recordStop, startConversation, type Turn } from "../../core/chat/turns.ts";
import { takePress } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import { mayActAs, type Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { runTurn } from "../ask.ts";
import { conclude, messageOf, saying } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import type { RunningTurn } from "../lanes.ts";

/** /new, or the button that says so: stops what runs, drops what waits, forgets the conversation. */
export async function startNew(ctx: Ctx, visit: Visit, scope: Scope, buttonId?: string): Promise<void> {
  const { lanes, lease } = ctx.front;
  await lanes.preempt(visit.place.lane, () =>
    conclude(ctx, visit, async () => {
      if (buttonId !== undefined) await takePress(scope, buttonId, visit.place.chatId);
      const dropped = await startConversation(scope, lease, visit.place);
      return [saying(ctx, visit, "new_chat", { dropped })];
    }),
  );
}

/** /stop: the running answer of this chat ends with its next frame and keeps what it said. */
export async function stop(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  await stopTurn(ctx, visit, scope, ctx.front.lanes.turnIn(visit.place.lane));
}

/** The Stop button under a running answer. */
export async function stopById(ctx: Ctx, visit: Visit, scope: Scope, turnId: string): Promise<void> {
  await stopTurn(ctx, visit, scope, ctx.front.lanes.turnById(turnId));
}

async function stopTurn(ctx: Ctx, visit: Visit, scope: Scope, turn: RunningTurn | null): Promise<void> {
  if (turn === null) throw new AppError("nothing_to_stop");
  const own = scope.actor.type === "user" && scope.actor.userId === turn.askerId;
  if (!own && !mayActAs(scope, "admin")) throw new AppError("button_not_yours");
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

/** A Retry or Continue button. */
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
      messageId: null,
      replyTo,
    });
    ctx.adopted();
    if (turn === null) return;
    const pressed = ctx.callbackQuery?.message?.message_id;
    if (pressed !== undefined) void front.sender.strip(visit.place.chatId, pressed);
    ctx.note.outcome = await runTurn(front, scope, turn);
  });
}

/** /status: what works now, for any member. */
export async function status(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const { app, lanes } = ctx.front;
  const { state, sinceMs } = app.claudeHealth.report();
  const claude = app.claude.connected ? state : "not_connected";
  const lines = [
    sentence(visit.locale, `status_claude_${claude}`, {
      model: app.claude.model,
      minutes: Math.floor((sinceMs === null ? 0 : app.clock.now() - sinceMs) / 60_000),
    }),
    sentence(visit.locale, lanes.turnIn(visit.place.lane) === null ? "status_idle" : "status_answering"),
    sentence(visit.locale, "status_team", {
      team: scope.team,
      role: visit.person.member?.role ?? "member",
    }),
  ];
  await conclude(ctx, visit, async () => [messageOf(ctx, visit, lines.join("\n"))]);
}
