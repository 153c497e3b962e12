import { finishTurn } from "../core/chat/turns.ts";
import { interruptedTurns, reopenTurn, type InterruptedTurn } from "../core/chat/interrupted.ts";
import { openMessages } from "../core/pipeline/outbox.ts";
import { isUndone, suspects, type UpdateRow } from "../core/pipeline/updates.ts";
import { sentence } from "../core/text/text.ts";
import { runTurn } from "./ask.ts";
import type { Front } from "./context.ts";

/** How long an update that may have ended processes before us is alone in hand. */
const ALONE_MS_MAX = 2_000;
const LOOK_MS = 10;

/**
 * Takes up turns that nobody runs: what a dead process left, or a failure of
 * our own. Each question is asked once more, in the open and in the same
 * messages. One that has had its second attempt ends as failed, with what was
 * shown of it left standing.
 */
export function createRecovery(front: Front) {
  const waiting = new Set<string>();

  async function take(interrupted: InterruptedTurn): Promise<void> {
    const { turnId, lane, scope } = interrupted;
    waiting.add(turnId);
    try {
      await front.lanes.enter(lane, () => resume(front, interrupted));
    } catch (err) {
      scope.log.error({ err, turnId }, "a turn could not be taken up");
    } finally {
      waiting.delete(turnId);
    }
  }

  return {
    /** Returns how many turns it takes up. One that is being begun or run right now is left alone by its lane's order. */
    async resumeTurns(): Promise<number> {
      const running = await interruptedTurns(front.app, front.lease);
      const found = running.filter(
        ({ turnId, lane }) => !waiting.has(turnId) && front.lanes.turnIn(lane)?.turnId !== turnId,
      );
      for (const interrupted of found) void take(interrupted);
      return found.length;
    },
  };
}

export type Recovery = ReturnType<typeof createRecovery>;

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
    locale: scope.locale,
    correlationId: scope.correlationId,
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

/** Handles what earlier tenures may have died of, one at a time. Meant for the start, when nothing else is in hand. Returns how many. */
export async function takeSuspects({ app, lease }: Front, take: (row: UpdateRow) => void): Promise<number> {
  const found = await suspects(app, lease);
  for (const row of found) {
    take(row);
    for (let ms = 0; ms < ALONE_MS_MAX && (await isUndone(app, lease, row.updateId)); ms += LOOK_MS)
      await app.clock.sleep(LOOK_MS);
  }
  return found.length;
}
