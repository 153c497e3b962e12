import { inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import type { Lease } from "./lease.ts";
import { enqueue, type OutgoingMessage } from "./outbox.ts";
import { markDone } from "./updates.ts";

/** Where replies go and which updates they end. */
export type Occasion = {
  readonly orgId: string | null;
  readonly lease: Lease;
  readonly chatId: number;
  readonly threadId: number;
  readonly updateIds: readonly number[];
  /** The language of the replies. */
  readonly locale: string | null;
  readonly correlationId: string | null;
};

/**
 * Runs a command: its change, its replies and the end of its updates are one
 * transaction, so that a crash leaves either all of it or nothing. Verbs that
 * `work` calls join that transaction; it must not wait for the network.
 */
export async function adoptUpdates(
  app: App,
  occasion: Occasion,
  work: () => Promise<readonly OutgoingMessage[]>,
): Promise<void> {
  const { orgId, lease, chatId, threadId, updateIds, locale, correlationId } = occasion;
  await inSystem(app, async (tx) => {
    const replies = await work();
    const items = replies.map((message, index) => ({
      botId: lease.botId,
      chatId,
      threadId,
      kind: message.messageId === undefined ? ("notice" as const) : ("edit" as const),
      message,
      key: `update:${lease.botId}:${updateIds[0]}:${index}`,
      ...(orgId === null ? {} : { orgId }),
      ...(locale === null ? {} : { locale }),
      ...(correlationId === null ? {} : { correlationId }),
    }));
    await enqueue(tx, items);
    await markDone(tx, lease, updateIds);
  });
}
