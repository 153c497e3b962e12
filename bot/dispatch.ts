import type { Message, Update } from "grammy/types";
import { alertOperator } from "../core/alerts.ts";
import { LeaseLostError } from "../core/pipeline/lease.ts";
import { beginUpdates, readyInLane, type UpdateRow } from "../core/pipeline/updates.ts";
import { addressedTo } from "./addressing.ts";
import { burstOf } from "./bursts.ts";
import { createBot, type Arrival } from "./bot.ts";
import type { Front } from "./context.ts";
import { createTurnstile } from "./turnstile.ts";

type Through = (work: (adopted: () => void) => Promise<boolean>) => Promise<boolean>;

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
  const inTurn = createTurnstile();

  function take(row: UpdateRow): void {
    // In a lane, control updates begin in their order, each as soon as the one before it has been adopted.
    if (row.control) void handle([row], (work) => inTurn(row.lane, work));
    else lanes.wake(row.lane);
  }

  /** Handles what is oldest in a lane, with what belongs to it. False when nothing waits, or when it has to wait for better times. */
  async function step(lane: string): Promise<boolean> {
    const { rows, now } = await readyInLane(app, lease, lane);
    if (rows.length === 0) return false;
    const burst = burstOf(rows, now, isForUs);
    if (burst.waitMs > 0) {
      await app.clock.sleep(burst.waitMs);
      return true;
    }
    return (await handle(burst.rows)) && rows.length > burst.rows.length;
  }

  const isForUs = (message: Message): boolean =>
    message.chat?.type === "private" || addressedTo(message, front.me);

  function handle(
    rows: readonly UpdateRow[],
    through: Through = (work) => work(() => undefined),
  ): Promise<boolean> {
    const first = rows[0]?.updateId ?? 0;
    const known = inHand.get(first);
    if (known !== undefined) return known;
    const work = through((adopted) => run(rows, adopted)).finally(() => inHand.delete(first));
    inHand.set(first, work);
    return work;
  }

  async function run(rows: readonly UpdateRow[], adopted: () => void): Promise<boolean> {
    try {
      const { begun, parked } = await beginUpdates(
        app,
        lease,
        rows.map((row) => row.updateId),
      );
      for (const updateId of parked) await reportParked(front, updateId);
      // safe: stored as Telegram sent it; whatever a handler needs of it is checked by the gate
      const [update, ...rest] = rows
        .filter((row) => begun.includes(row.updateId))
        .map((row) => row.payload as unknown as Update);
      if (update === undefined) return true;
      const arrival: Arrival = {
        updateIds: begun,
        rest: rest.flatMap(({ message }) => message ?? []),
        adopted,
        ended: false,
      };
      arrivals.set(update, arrival);
      await bot.handleUpdate(update);
      return arrival.ended;
    } catch (err) {
      if (!(err instanceof LeaseLostError))
        app.log.error({ err, updateId: rows[0]?.updateId }, "an update could not be handled");
      return false;
    }
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

async function reportParked({ app, lease }: Front, updateId: number): Promise<void> {
  app.log.error({ updateId }, "an update was begun three times without an end and is parked");
  await alertOperator(app, lease.botId, {
    kind: "parked",
    key: String(updateId),
    params: { id: String(updateId) },
  });
}
