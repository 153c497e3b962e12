import { keyboardOf, type ButtonSpec } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import type { Scope } from "../../core/scope.ts";
import type { Ctx } from "../context.ts";

/**
 * One view of a command that is used by buttons, for the person who asks alone:
 * a press changes the message that it stands under, a command is answered by a new one.
 */
export async function screen(
  ctx: Ctx,
  scope: Scope,
  text: string,
  rows: readonly (readonly ButtonSpec[])[],
): Promise<OutgoingMessage> {
  if (scope.actor.type !== "user") throw new AppError("not_member");
  const { userId } = scope.actor;
  const mine = rows
    .filter((row) => row.length > 0)
    .map((row) => row.map((button): ButtonSpec => ({ ...button, userId })));
  const keyboard = await keyboardOf(scope, ctx.chat?.id ?? 0, mine);
  const messageId = ctx.callbackQuery?.message?.message_id;
  return messageId === undefined ? { text, keyboard } : { text, keyboard, messageId };
}
