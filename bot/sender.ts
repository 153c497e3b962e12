import type { Api } from "grammy";
import type { App } from "../core/app.ts";
import type { Lease } from "../core/pipeline/lease.ts";
import { enqueueSending, type OutboxItem, type OutgoingMessage } from "../core/pipeline/outbox.ts";
import type { Delivery } from "../core/pipeline/outcomes.ts";
import { createBudget, type Allowances } from "./budget.ts";
import { createCalls, unreachableBy, wasNotSent, type Spot } from "./calls.ts";
import { failureOf, type CallFailure } from "./client.ts";
import { createDelivery, logDelivery } from "./delivery.ts";

/** The one way to Telegram for everything that is shown: the outbox, and what may be dropped beside it. */
export function createSender(options: {
  app: App;
  api: Api;
  lease: Lease;
  allowances: Allowances;
  /** False when the lease may have passed to another process: then nothing is said. */
  isHeld: () => boolean;
}) {
  const { app, api, lease, isHeld } = options;
  const budget = createBudget(app.clock, options.allowances);
  const calls = createCalls(api);
  const { wake, flush, settle } = createDelivery({ app, lease, calls, budget, isHeld });

  /** Notes a pause that Telegram asks for, and says what kind of failure it was. */
  function note(chatId: number, err: unknown): string {
    const failure = failureOf(err);
    if (failure.kind === "retry_after") budget.pause(chatId, failure.seconds);
    return failure.kind;
  }

  return {
    wake,
    flush,

    /** Whether a message may be opened in this chat now. */
    mayOpen: (chatId: number): boolean => isHeld() && budget.hasRoom(chatId, "send"),

    /**
     * Sends a message that will be edited, through an outbox row, so that its
     * id survives us. "later" when nothing was sent because the chat's budget
     * is spent: it may be tried again under another key. Null when it was not
     * sent, or may have been; never throws for Telegram's failures.
     */
    async open(item: OutboxItem): Promise<number | "later" | null> {
      // Never waited for: an answer that is complete would wait for its first frame.
      if (!isHeld() || !budget.tryTake(item.chatId, "send")) return "later";
      const id = await enqueueSending(app, lease, item);
      if (id === null) return null;
      const startedAt = performance.now();
      const sent = await calls.send(item, item.message).catch((err: unknown) => failureOf(err));
      if (typeof sent !== "number" && sent.kind === "retry_after") budget.pause(item.chatId, sent.seconds);
      const { kind, turnId = null, correlationId = null } = item;
      const delivery = deliveryOf(sent);
      logDelivery(app.log, { id, kind, turnId, correlationId, attempts: 1 }, delivery, startedAt);
      await settle(id, delivery);
      if (typeof sent === "number") return sent;
      return wasNotSent(sent) ? "later" : null;
    },

    /** Shows progress in a message. Dropped, never queued, when the chat's budget is spent. True when it is shown. */
    async frame(chatId: number, messageId: number, message: OutgoingMessage): Promise<boolean> {
      if (!isHeld() || !budget.tryTake(chatId, "edit")) return false;
      try {
        await calls.edit(chatId, messageId, message);
        return true;
      } catch (err) {
        app.log.debug({ failure: note(chatId, err) }, "a frame was dropped");
        return false;
      }
    },

    /** The typing indicator: best effort. False when Telegram says that nobody will see it. */
    async typing(spot: Spot): Promise<boolean> {
      if (budget.pauseMs(spot.chatId) > 0 || !isHeld()) return true;
      try {
        await api.sendChatAction(
          spot.chatId,
          "typing",
          spot.threadId === 0 ? {} : { message_thread_id: spot.threadId },
        );
        return true;
      } catch (err) {
        const kind = note(spot.chatId, err);
        app.log.debug({ failure: kind }, "no typing indicator");
        return kind !== "gone" && kind !== "muted" && kind !== "revoked";
      }
    },

    /** Takes the buttons from under a message: best effort, for the press itself has been written down. */
    async strip(chatId: number, messageId: number): Promise<void> {
      await app.clock.sleep(budget.delayMs(chatId, "edit"));
      if (!isHeld()) return;
      await api
        .editMessageReplyMarkup(chatId, messageId)
        .catch((err: unknown) => app.log.debug({ failure: note(chatId, err) }, "buttons were not removed"));
    },
  };
}

export type Sender = ReturnType<typeof createSender>;

function deliveryOf(sent: number | CallFailure): Delivery {
  return typeof sent === "number"
    ? { state: "sent", messageId: sent }
    : { state: "failed", error: sent.kind, unreachable: unreachableBy(sent) };
}
