import { finishTurn } from "../core/chat/turns.ts";
import { interruptedTurns, reopenTurn, type InterruptedTurn } from "../core/chat/interrupted.ts";
import { openMessages } from "../core/pipeline/outbox.ts";
import { sentence } from "../core/text/text.ts";
import { runTurn } from "./ask.ts";
import type { Front } from "./context.ts";

/**
 * Takes up what a dead process left running: each question is asked once more,
 * in the open and in the same messages. One that has had its second attempt
 * ends as failed, with what was shown of it left standing. Returns how many.
 */
export async function resumeTurns(front: Front): Promise<number> {
  const found = await interruptedTurns(front.app, front.lease);
  for (const interrupted of found) {
    void front.lanes
      .enter(interrupted.lane, () => resume(front, interrupted))
      .catch((err: unknown) =>
        interrupted.scope.log.error({ err, turnId: interrupted.turnId }, "a turn could not be taken up"),
      );
  }
  return found.length;
}

async function resume(front: Front, { scope, turnId }: InterruptedTurn): Promise<void> {
  const reopened = await reopenTurn(scope, front.lease, turnId);
  if (reopened === null) return;
  const { turn, exhausted } = reopened;
  const opened = await openMessages(front.app, turn.id);
  if (!exhausted) {
    const outcome = await runTurn(front, scope, turn, opened);
    scope.log.info({ turnId, attempt: turn.attempt, outcome }, "an interrupted turn was taken up");
    return;
  }
  const { place } = turn;
  const spot = {
    orgId: scope.orgId,
    botId: front.lease.botId,
    chatId: place.chatId,
    threadId: place.threadId,
  };
  const message = { text: sentence(scope.locale, "gave_up_after_restarts", { code: scope.correlationId }) };
  await finishTurn(
    scope,
    turn,
    { status: "failed", text: "", usage: null, kind: "our_bug", retryAfterSeconds: null },
    [
      {
        // The end of an answer, not a notice: when its fate is unknown it is said once more.
        item: { ...spot, kind: "final", message, key: `turn:${turn.id}:gave-up` },
        buttons: [{ label: sentence(scope.locale, "button_retry"), kind: "retry", turnId: turn.id }],
      },
    ],
  );
  for (const { messageId } of opened) await front.sender.strip(place.chatId, messageId);
}
