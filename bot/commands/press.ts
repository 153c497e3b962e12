import { buttonKind } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import type { Ctx } from "../context.ts";
import { STOP_PREFIX } from "../presenter.ts";
import { retryByButton, startNew, stopById } from "./chat.ts";
import { askName, keepName } from "./team.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A press on an inline button. It is answered as soon as it is known to be
 * ours, before the work that it starts; a refusal is answered with its reason.
 */
export async function press(ctx: Ctx): Promise<void> {
  const { visit } = ctx;
  const data = ctx.callbackQuery?.data ?? "";
  if (visit === null || visit.scope === null) throw new AppError("button_gone");
  const { scope } = visit;
  ctx.note.what = "button";
  if (data.startsWith(STOP_PREFIX)) {
    const turnId = data.slice(STOP_PREFIX.length);
    if (!UUID.test(turnId)) throw new AppError("button_gone");
    ctx.note.what = "button stop";
    await stopById(ctx, visit, scope, turnId);
    acknowledge(ctx);
    return;
  }
  const kind = await buttonKind(scope, data, visit.place.chatId);
  ctx.note.what = `button ${kind}`;
  switch (kind) {
    case "retry":
    case "continue":
      acknowledge(ctx);
      return retryByButton(ctx, visit, scope, data);
    case "new_chat":
      acknowledge(ctx);
      return startNew(ctx, visit, scope, data);
    case "keep_name":
      await keepName(ctx, visit, scope, data);
      acknowledge(ctx);
      return;
    case "rename_team":
      await askName(ctx, visit, scope, data);
      acknowledge(ctx);
      return;
  }
}

// Best effort, and not waited for: what was asked for is done all the same, and other commands wait behind it.
function acknowledge(ctx: Ctx): void {
  ctx.answerCallbackQuery().catch((err: unknown) => ctx.front.app.log.debug({ err }, "no callback answer"));
}
