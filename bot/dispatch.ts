import type { Message, Update } from "grammy/types";
import { LeaseLostError } from "../core/pipeline/lease.ts";
import { beginUpdates, readyInLane, type UpdateRow } from "../core/pipeline/updates.ts";
import { addressedTo } from "./addressing.ts";
import { burstOf } from "./bursts.ts";
import { createBot, type Arrival } from "./bot.ts";
import type { Front } from "./context.ts";
import { noticesOfParked } from "./parked.ts";
import { createSlots } from "./slots.ts";
import { createTurnstile } from "./turnstile.ts";

/** How many updates may be in hand and not yet adopted, of lanes and of control: what dies with us counts against them. */
const IN_HAND_MAX = 16;
/** How often an update that fails is left for better times, before the person hears of it. */
const WAITS_MAX = 5;

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
  const failures = new Map<number, number>();
  const inTurn = createTurnstile();
  // Apart, because a command may wait for what is in hand in its lane, and nothing there waits for a command.
  const controlSlot = createSlots(IN_HAND_MAX);
  const laneSlot = createSlots(IN_HAND_MAX);

  function take(row: UpdateRow): void {
    // In a lane, control updates begin in their order, each as soon as the one before it has been adopted.
    if (row.control)
      void handle([row], (work) =>
        inTurn(row.lane, (passed) => controlSlot((free) => work(() => (passed(), free())))),
      );
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
    return (await handle(burst.rows, laneSlot)) && rows.length > burst.rows.length;
  }

  const isForUs = (message: Message): boolean =>
    message.chat?.type === "private" || addressedTo(message, front.me);

  function handle(rows: readonly UpdateRow[], through: Through): Promise<boolean> {
    const first = rows[0]?.updateId ?? 0;
    const known = inHand.get(first);
    if (known !== undefined) return known;
    const work = through((adopted) => run(rows, adopted)).finally(() => inHand.delete(first));
    inHand.set(first, work);
    return work;
  }

  async function run(rows: readonly UpdateRow[], adopted: () => void): Promise<boolean> {
    try {
      const ids = rows.map((row) => row.updateId);
      const begun = await beginUpdates(app, lease, ids, (row) => noticesOfParked(front, row));
      // safe: stored as Telegram sent it; whatever a handler needs of it is checked by the gate
      const [update, ...rest] = rows
        .filter((row) => begun.includes(row.updateId))
        .map((row) => row.payload as unknown as Update);
      if (update === undefined) return true;
      const failed = failures.get(update.update_id) ?? 0;
      const messages = rest.flatMap(({ message }) => message ?? []);
      const arrival = arrivalOf(begun, messages, { adopted, mayWait: failed < WAITS_MAX });
      arrivals.set(update, arrival);
      await bot.handleUpdate(update);
      if (arrival.ended) failures.delete(update.update_id);
      else failures.set(update.update_id, failed + 1);
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

function arrivalOf(
  updateIds: readonly number[],
  rest: readonly Message[],
  more: Pick<Arrival, "adopted" | "mayWait">,
): Arrival {
  return { updateIds, rest, ...more, isAdopted: false, ended: false };
}
