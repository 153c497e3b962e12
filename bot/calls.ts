import { InputFile, type Api } from "grammy";
import type { MessageEntity } from "grammy/types";
import type { OutboxRow, OutgoingMessage } from "../core/pipeline/outbox.ts";
import { SENDS_MAX, type Delivery } from "../core/pipeline/outcomes.ts";
import { failureOf, type CallFailure } from "./client.ts";

/** Where something is shown. `threadId` is 0 outside forum topics. */
export type Spot = { readonly chatId: number; readonly threadId: number };

const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
const ATTEMPTS_DOUBLED = 5;
// A message that Telegram cannot take for so long is given up, for it may be the message.
const SERVER_TROUBLE_MS_MAX = 30 * 60_000;
// Failures before anything was written: it did not arrive. Anything else may have.
const NOT_WRITTEN = new Set(["ECONNREFUSED", "ConnectionRefused", "ENOTFOUND", "EAI_AGAIN"]);

/**
 * The calls that show, change and remove messages, with the two repairs that
 * are always right: without entities when Telegram cannot read them, without
 * the topic when it is gone. Links never preview.
 */
export function createCalls(api: Api) {
  async function post(
    spot: Spot,
    message: OutgoingMessage,
    repaired: { thread: boolean; entities: boolean },
  ): Promise<number> {
    const thread = repaired.thread || spot.threadId === 0 ? {} : { message_thread_id: spot.threadId };
    const reply =
      message.replyTo === undefined
        ? {}
        : { reply_parameters: { message_id: message.replyTo, allow_sending_without_reply: true } };
    if (message.file !== undefined) {
      const file = new InputFile(new TextEncoder().encode(message.file.content), message.file.name);
      return (await api.sendDocument(spot.chatId, file, { ...thread, ...reply })).message_id;
    }
    const sent = await api.sendMessage(spot.chatId, message.text, {
      ...thread,
      ...reply,
      ...lookOf(message, repaired.entities),
    });
    return sent.message_id;
  }

  return {
    /** Returns the new message's id. Throws what grammY throws. */
    async send(spot: Spot, message: OutgoingMessage): Promise<number> {
      try {
        return await post(spot, message, { thread: false, entities: false });
      } catch (err) {
        const { kind } = failureOf(err);
        if (kind !== "no_thread" && kind !== "cannot_parse") throw err;
        return post(spot, message, { thread: kind === "no_thread", entities: kind === "cannot_parse" });
      }
    },

    /** An edit that changes nothing is a success. Throws what grammY throws. */
    async edit(chatId: number, messageId: number, message: OutgoingMessage): Promise<void> {
      try {
        await api.editMessageText(chatId, messageId, message.text, lookOf(message, false));
      } catch (err) {
        const { kind } = failureOf(err);
        if (kind === "cannot_parse")
          await api.editMessageText(chatId, messageId, message.text, lookOf(message, true));
        else if (kind !== "not_modified") throw err;
      }
    },

    async remove(chatId: number, messageId: number): Promise<void> {
      await api.deleteMessage(chatId, messageId);
    },
  };
}

export type Calls = ReturnType<typeof createCalls>;

/** Whether this failure means that Telegram did not take the message, so that sending it again repeats nothing. */
export function wasNotSent(failure: CallFailure): boolean {
  if (failure.kind === "unreachable") return NOT_WRITTEN.has(failure.code);
  return failure.kind === "retry_after" || failure.kind === "server" || failure.kind === "conflict";
}

/** What becomes of an outbox row after a failed call: tried again, as a repeat when it may have arrived, or given up. */
export function afterFailure(
  row: OutboxRow,
  call: "send" | "edit" | "delete",
  failure: CallFailure,
): Delivery {
  const backoffMs = Math.min(RETRY_MS * 2 ** Math.min(row.attempts, ATTEMPTS_DOUBLED), RETRY_MS_MAX);
  const retry = (afterMs: number, maybeSent = false): Delivery => ({
    state: "queued",
    afterMs,
    error: failure.kind,
    maybeSent,
  });
  const fail = (error: string): Delivery => ({ state: "failed", error, unreachable: unreachableBy(failure) });
  switch (failure.kind) {
    case "retry_after":
      return retry(failure.seconds * 1_000);
    case "server":
    case "revoked":
    case "conflict":
      return row.ageMs > SERVER_TROUBLE_MS_MAX ? fail(failure.kind) : retry(backoffMs);
    case "unreachable": {
      if (call !== "send" || NOT_WRITTEN.has(failure.code)) return retry(backoffMs);
      return row.maybeSent + 1 < SENDS_MAX ? retry(backoffMs, true) : fail("outcome unknown");
    }
    case "no_message":
    case "undeletable":
    case "not_modified":
      return { state: "sent", messageId: row.target };
    case "gone":
    case "rejected":
      return fail(`${failure.kind}: ${failure.reason}`);
    case "migrated":
    case "cannot_parse":
    case "no_thread":
    case "too_long":
    case "muted":
    case "not_telegram":
      return fail(failure.kind);
  }
}

/** Whether this failure means that nothing can be said there: nobody is there, or we may not write. */
export function unreachableBy({ kind }: CallFailure): "gone" | "muted" | null {
  return kind === "gone" || kind === "muted" ? kind : null;
}

function lookOf(message: OutgoingMessage, plain: boolean) {
  return {
    // safe: entities are only ever written by bot/render and the presenter
    entities: plain ? [] : [...((message.entities ?? []) as readonly MessageEntity[])],
    link_preview_options: { is_disabled: true },
    reply_markup: {
      inline_keyboard: (message.keyboard ?? []).map((row) =>
        row.map((button) => ({ text: button.text, callback_data: button.data })),
      ),
    },
  };
}
