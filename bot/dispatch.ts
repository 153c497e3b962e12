import type { Update } from "grammy/types";
import { alertOperator } from "../core/alerts.ts";
import { LeaseLostError } from "../core/pipeline/lease.ts";
import { beginUpdates, readyInLane, type UpdateRow } from "../core/pipeline/updates.ts";
import { createBot, type Arrival } from "./bot.ts";
import type { Front } from "./context.ts";

/**
 * The runner's sink. A control update is handled at once, beside everything
 * else; any other only wakes its lane, whose queue is its undone rows. Nothing
 * here waits for an answer, so polling never does.
 */
export function createDispatch(front: Front, settings: { token: string; apiRoot: string }) {
  const { app, lease, lanes } = front;
  const arrivals = new WeakMap<object, Arrival>();
  const bot = createBot(front, settings, arrivals);
  const inHand = new Map<number, Promise<boolean>>();

  function take(row: UpdateRow): void {
    if (row.control) void handle(row);
    else lanes.wake(row.lane);
  }

  /** Handles the oldest waiting update of a lane. False when none waits, or when it has to wait for better times. */
  async function step(lane: string): Promise<boolean> {
    const rows = await readyInLane(app, lease, lane);
    const [oldest] = rows;
    return oldest === undefined ? false : (await handle(oldest)) && rows.length > 1;
  }

  function handle(row: UpdateRow): Promise<boolean> {
    const known = inHand.get(row.updateId);
    if (known !== undefined) return known;
    const work = run(row).finally(() => inHand.delete(row.updateId));
    inHand.set(row.updateId, work);
    return work;
  }

  async function run(row: UpdateRow): Promise<boolean> {
    try {
      const { begun, parked } = await beginUpdates(app, lease, [row.updateId]);
      for (const updateId of parked) await reportParked(updateId);
      if (begun.length === 0) return true;
      // safe: stored as Telegram sent it; whatever a handler needs of it is checked by the gate
      const update = row.payload as unknown as Update;
      const arrival: Arrival = { updateIds: begun, ended: false };
      arrivals.set(update, arrival);
      await bot.handleUpdate(update);
      return arrival.ended;
    } catch (err) {
      if (!(err instanceof LeaseLostError))
        app.log.error({ err, updateId: row.updateId }, "an update could not be handled");
      return false;
    }
  }

  async function reportParked(updateId: number): Promise<void> {
    app.log.error({ updateId }, "an update was begun three times without an end and is parked");
    await alertOperator(app, lease.botId, {
      kind: "parked",
      key: String(updateId),
      params: { id: String(updateId) },
    });
  }

  return {
    take,
    step,
    /** Resolves when every update in hand has been handled. */
    async settled(): Promise<void> {
      await Promise.all(inHand.values());
    },
  };
}

export type Dispatch = ReturnType<typeof createDispatch>;
