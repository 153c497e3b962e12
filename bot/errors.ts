import { BotError } from "grammy";
import { AppError } from "../core/errors.ts";
import { isPassing } from "../core/pipeline/updates.ts";
import { LeaseLostError } from "../core/pipeline/lease.ts";
import { sentence } from "../core/text/text.ts";
import { conclude, messageOf } from "./conclude.ts";
import type { Ctx } from "./context.ts";

/**
 * The edge of the bot: what a handler threw becomes a sentence for the person,
 * or a reference and a log line. Returns false when the update could not be
 * ended, or only came at a bad time, and is to be tried again. What was adopted
 * before the failure keeps its promise without it.
 */
export async function endWithError(
  ctx: Ctx,
  thrown: unknown,
  { isAdopted, mayWait }: { isAdopted: boolean; mayWait: boolean },
): Promise<boolean> {
  const err = thrown instanceof BotError ? thrown.error : thrown;
  if (err instanceof LeaseLostError) return false;
  const { app } = ctx.front;
  const refused = err instanceof AppError;
  const code = ctx.visit?.correlationId ?? "-";
  if (!refused)
    app.log.error({ err, correlationId: code, updateId: ctx.update.update_id }, "a handler failed");
  ctx.note.outcome = refused ? `refused: ${err.code}` : "error";
  if (isAdopted) return true;
  if (mayWait && isPassing(err)) return false;
  try {
    const { visit } = ctx;
    const text =
      visit === null
        ? null
        : refused
          ? sentence(visit.locale, err.code, err.params)
          : sentence(visit.locale, "unexpected", { code });
    const isPress = ctx.callbackQuery !== undefined && !ctx.answered;
    await conclude(ctx, visit, async () =>
      visit === null || text === null || isPress ? [] : [messageOf(ctx, visit, text)],
    );
    if (text !== null && isPress) {
      ctx
        .answerCallbackQuery({ text, show_alert: true })
        .catch((failed: unknown) => app.log.debug({ err: failed }, "no callback answer"));
    }
    return true;
  } catch (failed) {
    app.log.error({ err: failed, correlationId: code }, "an update could not be ended");
    return false;
  }
}
