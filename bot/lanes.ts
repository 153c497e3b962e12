import type { Log } from "../core/log.ts";
import { createSlots } from "./slots.ts";

/** How many turns may run at once; the rest wait as rows in the database, which bounds memory. */
const TURNS_RUNNING_MAX = 1_000;

/** A turn that is being answered in a lane. */
export type RunningTurn = {
  readonly turnId: string;
  readonly askerId: string;
  readonly controller: AbortController;
};

type Lane = {
  tail: Promise<void>;
  queued: boolean;
  /** How many preempt the lane: until they have ended it takes nothing else. */
  held: number;
  /** How many of these have not begun. */
  impatient: number;
  turn: RunningTurn | null;
};

/**
 * One thing at a time per lane; different lanes run side by side. `step`
 * handles what is oldest in the lane and says whether more may wait there.
 */
export function createLanes(options: { step: (lane: string) => Promise<boolean>; log: Log }) {
  const lanes = new Map<string, Lane>();
  const withSlot = createSlots(TURNS_RUNNING_MAX);
  let closed = false;

  const laneOf = (name: string): Lane => {
    const lane = lanes.get(name) ?? emptyLane();
    lanes.set(name, lane);
    return lane;
  };

  /** Runs `work` when everything entered before it in this lane has ended. */
  function follow(name: string, work: () => Promise<void>): Promise<void> {
    const lane = laneOf(name);
    const run = lane.tail.then(() => (closed ? undefined : work()));
    const settled = run.catch(() => undefined); // whoever entered the work hears of its failure
    lane.tail = settled;
    void settled.then(() => {
      if (lane.tail === settled && !lane.queued && lane.held === 0) lanes.delete(name);
    });
    return run;
  }

  /** The same for work that takes one of the turns that may run at once. */
  function enter(name: string, work: () => Promise<void>): Promise<void> {
    return follow(name, () => withSlot(async () => (closed ? undefined : work())));
  }

  function wake(name: string): void {
    const lane = laneOf(name);
    if (lane.queued || closed) return;
    lane.queued = true;
    void enter(name, async () => {
      lane.queued = false;
      if (lane.held === 0 && (await options.step(name))) wake(name);
    }).catch((err: unknown) => options.log.error({ err, lane: name }, "a lane's step failed"));
  }

  return {
    enter,
    /** Something is ready in this lane. Any number of calls while it waits are one. */
    wake,
    /**
     * Marks the lane's turn while `work` runs, so that it can be found and
     * stopped; at once, when something that preempts it is waiting already.
     */
    async whileRunning(name: string, turn: RunningTurn, work: () => Promise<void>): Promise<void> {
      const lane = laneOf(name);
      lane.turn = turn;
      if (lane.impatient > 0) turn.controller.abort("stop");
      try {
        await work();
      } finally {
        lane.turn = null;
      }
    },
    turnIn: (name: string): RunningTurn | null => lanes.get(name)?.turn ?? null,
    /** Stops the lane's running turn, if any, and runs `work` before anything that waits in the lane. */
    async preempt(name: string, work: () => Promise<void>): Promise<void> {
      const lane = laneOf(name);
      lane.held += 1;
      lane.impatient += 1;
      lane.turn?.controller.abort("stop");
      try {
        await follow(name, () => {
          lane.impatient -= 1;
          return work();
        });
      } finally {
        lane.held -= 1;
        wake(name);
      }
    },
    /** Takes nothing new; resolves when what runs has ended. */
    async drain(): Promise<void> {
      closed = true;
      await Promise.all([...lanes.values()].map((lane) => lane.tail));
    },
    /** What is being answered now in the lanes whose names begin so. */
    turnsIn: (prefix: string): RunningTurn[] =>
      [...lanes].flatMap(([name, { turn }]) => (turn !== null && name.startsWith(prefix) ? [turn] : [])),
    /** The same for every lane. */
    turns: (): RunningTurn[] => [...lanes.values()].flatMap(({ turn }) => turn ?? []),
  };
}

function emptyLane(): Lane {
  return { tail: Promise.resolve(), queued: false, held: 0, impatient: 0, turn: null };
}

export type Lanes = ReturnType<typeof createLanes>;
