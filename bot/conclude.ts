import { adoptUpdates } from "../core/pipeline/adopt.ts";
import type { OutgoingMessage } from "../core/pipeline/outbox.ts";
import { sentence } from "../core/text/text.ts";
import type { Ctx, Visit } from "./context.ts";

/**
 * Ends an update: what `work` changes, what it says and the end of the update
 * are one transaction. Without a visit nothing can be said, only ended.
 */
export async function conclude(
  ctx: Ctx,
  visit: Visit | null,
  work: () => Promise<readonly OutgoingMessage[]> = async () => [],
): Promise<void> {
  const { front } = ctx;
  const occasion = {
    orgId: visit?.scope?.orgId ?? null,
    lease: front.lease,
    chatId: visit?.place.chatId ?? 0,
    threadId: visit?.place.threadId ?? 0,
    updateIds: ctx.updateIds,
    locale: visit?.locale ?? null,
    correlationId: visit?.correlationId ?? null,
  };
  await adoptUpdates(front.app, occasion, work);
  ctx.adopted();
}

/** One of our sentences as a reply, in the person's language. */
export function saying(
  ctx: Ctx,
  visit: Visit,
  id: string,
  params: Record<string, string | number> = {},
): OutgoingMessage {
  return messageOf(ctx, visit, sentence(visit.locale, id, params));
}

/** A message of our own to where the update came from; in groups it answers the person's message. */
export function messageOf(ctx: Ctx, visit: Visit, text: string): OutgoingMessage {
  const said = ctx.message ?? ctx.editedMessage;
  const replyTo = visit.place.kind === "private" ? undefined : said?.message_id;
  return replyTo === undefined ? { text } : { text, replyTo };
}

/** Takes the buttons from under the message that was pressed: one of them has been chosen. */
export function stripPressed(ctx: Ctx, visit: Visit): void {
  const messageId = ctx.callbackQuery?.message?.message_id;
  if (messageId !== undefined) void ctx.front.sender.strip(visit.place.chatId, messageId);
}
