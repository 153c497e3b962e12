import { failureOf } from "../client.ts";
import type { Front } from "../context.ts";

const LOOK_MS = 3_000;

/**
 * Whether Telegram shows the bot everything that is said in a group: its
 * privacy mode is off, or it is an admin there. Asked anew each time, because
 * both can be changed without a word to us; when Telegram does not say, what it
 * said when we started counts.
 */
export async function hearsAll({ app, api, me }: Front, chatId: number): Promise<boolean> {
  try {
    // safe: grammY names a polyfill's type, and only listens for the abort
    const signal = AbortSignal.timeout(LOOK_MS) as unknown as Parameters<typeof api.getMe>[0];
    const [bot, self] = await Promise.all([api.getMe(signal), api.getChatMember(chatId, me.id, signal)]);
    return bot.can_read_all_group_messages || self.status === "administrator" || self.status === "creator";
  } catch (err) {
    app.log.debug({ failure: failureOf(err).kind }, "how the bot stands in a group is unknown");
    return me.can_read_all_group_messages;
  }
}
