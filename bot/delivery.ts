import { leaveChat } from "../core/accounts/chats.ts";
import type { App } from "../core/app.ts";
import type { Log } from "../core/log.ts";
import type { Lease } from "../core/pipeline/lease.ts";
import { claimItem, DUE_MAX, dueItems, type OutboxItem, type OutboxRow } from "../core/pipeline/outbox.ts";
import { settleItem, type Delivery } from "../core/pipeline/outcomes.ts";
import { sentence } from "../core/text/text.ts";
import type { Budget } from "./budget.ts";
import { afterFailure, type Calls } from "./calls.ts";
import { failureOf } from "./client.ts";
import { plainPart } from "./render/answer.ts";

const DATABASE_RETRY_MS = 1_000;

/**
 * Delivers the outbox: in order within a chat, chats side by side. Each row is
 * claimed before its call and settled after it.
 */
export function createDelivery(options: {
  app: App;
  lease: Lease;
  calls: Calls;
  budget: Budget;
  /** False when the lease may have passed to another process: then nothing is sent. */
  isHeld: () => boolean;
}) {
  const { app, lease } = options;
  const busy = new Map<number, Promise<number>>();
  const unsettled = new Map<number, Delivery>();
  let pumping: Promise<void> | null = null;
  let again = false;
  let wakes = 0;

  /** Delivers what is due. Any number of calls while it runs are one more round. */
  function wake(): void {
    wakes += 1;
    again = true;
    pumping ??= pump().finally(() => {
      pumping = null;
    });
  }

  async function pump(): Promise<void> {
    while (again) {
      again = false;
      try {
        await settleLate();
        const known = wakes;
        const due = await dueItems(app, lease, [...busy.keys()]);
        for (const [chatId, items] of Map.groupBy(due, (item) => item.chatId)) {
          if (!busy.has(chatId)) begin(chatId, items, due.length < DUE_MAX ? known : -1);
        }
      } catch (err) {
        app.log.warn({ err }, "the outbox could not be read");
        return;
      }
    }
  }

  // The outcomes of calls at whose end the database was away: else an answer would wait for our next start.
  async function settleLate(): Promise<void> {
    for (const [id, delivery] of unsettled) {
      await settleItem(app, lease, id, delivery);
      unsettled.delete(id);
    }
  }

  // Never throws: what cannot be written now is written before the next row is claimed.
  async function settle(id: number, delivery: Delivery): Promise<void> {
    try {
      await settleItem(app, lease, id, delivery);
    } catch (err) {
      unsettled.set(id, delivery);
      app.log.warn({ err, outboxId: id }, "the outcome of a message could not be written yet");
    }
  }

  // Of a chat that was busy nothing was read. Whatever was written for it meanwhile has woken us.
  function begin(chatId: number, items: readonly Due[], known: number): void {
    const work = deliverInOrder({ ...options, settle }, chatId, items);
    busy.set(chatId, work);
    void work.then((settled) => {
      busy.delete(chatId);
      if (settled > 0 && wakes !== known) wake();
    });
  }

  return {
    wake,
    settle,
    /** Resolves when what is due now has been tried. */
    async flush(): Promise<void> {
      const isBusy = () => pumping !== null || busy.size > 0;
      for (wake(); isBusy();) {
        await pumping;
        await Promise.all(busy.values());
      }
    },
  };
}

type Due = Awaited<ReturnType<typeof dueItems>>[number];

type Means = {
  app: App;
  lease: Lease;
  calls: Calls;
  budget: Budget;
  isHeld: () => boolean;
  settle: (id: number, delivery: Delivery) => Promise<void>;
};

// Resolves to how many rows it settled: none means that somebody else has the bot, or that all must wait.
async function deliverInOrder(means: Means, chatId: number, items: readonly Due[]): Promise<number> {
  const { app, lease, budget } = means;
  let settled = 0;
  for (const { id, edits } of items) {
    // Before the claim: what waits for its chat's budget is known not to have been sent, should we die meanwhile.
    await app.clock.sleep(budget.delayMs(chatId, edits ? "edit" : "send"));
    if (!means.isHeld()) break;
    const row = await claimItem(app, lease, id).catch(() => undefined);
    // Whether the claim was committed is unknown, but nothing was sent.
    if (row === undefined)
      await means.settle(id, {
        state: "queued",
        afterMs: DATABASE_RETRY_MS,
        error: "database",
        maybeSent: false,
      });
    if (row === undefined) break;
    if (row === null) continue;
    const startedAt = performance.now();
    const delivery = await deliver(means, row);
    logDelivery(app.log, row, delivery, startedAt);
    await means.settle(id, delivery);
    if (delivery.state === "queued") break; // what comes after it waits for it
    settled += 1;
    if (delivery.state === "failed" && delivery.unreachable === "gone") await leave(means, chatId);
  }
  return settled;
}

/** The one line of an attempt to deliver a row, which began at `startedAt` (`performance.now`). */
export function logDelivery(
  log: Log,
  row: Pick<OutboxItem, "kind"> & {
    id: number;
    attempts: number;
    turnId: string | null;
    correlationId: string | null;
  },
  delivery: Delivery,
  startedAt: number,
): void {
  const { id: outboxId, kind, turnId, attempts: attempt, correlationId } = row;
  const ms = Math.round(performance.now() - startedAt);
  const line = { outboxId, kind, correlationId, turnId, attempt, outcome: delivery.state, ms };
  if (delivery.state === "sent") log.info(line, "delivery");
  else if (delivery.state === "queued") log.info({ ...line, error: delivery.error }, "delivery");
  else log.warn({ ...line, error: delivery.error }, "a message was given up");
}

// Also what comes after it in the queue goes: nothing is tried there before somebody is back.
async function leave({ app, lease }: Means, chatId: number): Promise<void> {
  await leaveChat(app, lease.botId, chatId).catch((err: unknown) =>
    app.log.warn({ err }, "a chat that is gone could not be left yet"),
  );
}

async function deliver(means: Means, row: OutboxRow): Promise<Delivery> {
  const { budget, calls } = means;
  const { target } = row;
  const call = target === null ? "send" : row.kind === "delete" ? "delete" : "edit";
  try {
    if (target === null) return await send(means, row);
    if (call === "delete") await calls.remove(row.chatId, target);
    else await calls.edit(row.chatId, target, row.message);
    return { state: "sent", messageId: target };
  } catch (err) {
    const failure = failureOf(err);
    if (failure.kind === "retry_after") budget.pause(row.chatId, failure.seconds);
    // The person has deleted the message that was to become the answer.
    if (failure.kind === "no_message" && row.kind === "final")
      return send(means, row).catch((late: unknown) => afterFailure(row, "send", failureOf(late)));
    if (failure.kind === "migrated" && call !== "delete")
      return send(means, { ...row, chatId: failure.chatId }).catch((late: unknown) =>
        afterFailure(row, "send", failureOf(late)),
      );
    // Our own limit is Telegram's, so this is beyond our understanding; a file loses nothing.
    if (failure.kind === "too_long" && call !== "delete")
      return send(means, asFile(row)).catch((late: unknown) => afterFailure(row, "send", failureOf(late)));
    return afterFailure(row, call, failure);
  }
}

function asFile(row: OutboxRow): OutboxRow {
  return { ...row, message: { text: "", file: { name: "answer.txt", content: row.message.text } } };
}

async function send({ calls }: Means, row: OutboxRow): Promise<Delivery> {
  if (row.maybeSent === 0) return { state: "sent", messageId: await calls.send(row, row.message) };
  const label = sentence(row.locale, "repeat_label");
  const [labelled, overflow] = plainPart(`${row.message.text}\n\n${label}`);
  const fits = labelled !== undefined && overflow === undefined && row.message.file === undefined;
  // Where the label does not fit, it stands in a message of its own before the repeat.
  if (!fits) await calls.send(row, { text: label });
  return {
    state: "sent",
    messageId: await calls.send(row, fits ? { ...row.message, text: labelled.text } : row.message),
  };
}
