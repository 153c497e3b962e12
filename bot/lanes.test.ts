import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createLanes, type RunningTurn } from "./lanes.ts";

const LANES_MANY = 10_000;

const turn = (turnId: string): RunningTurn => ({
  turnId,
  askerId: "ann",
  controller: new AbortController(),
});

const settle = () => Bun.sleep(1);

function start(step: (lane: string) => Promise<boolean> = async () => false) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    level: "debug",
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { lanes: createLanes({ step, log }), lines };
}

test("in a lane one thing runs after the other, in order; lanes run side by side", async () => {
  const { lanes } = start();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lanes.enter("a", async () => {
    seen.push("a1 begins");
    await gate.promise;
    seen.push("a1 ends");
  });
  const second = lanes.enter("a", async () => void seen.push("a2"));
  await lanes.enter("b", async () => void seen.push("b1"));
  expect(seen).toEqual(["a1 begins", "b1"]);
  gate.resolve();
  await Promise.all([first, second]);
  expect(seen).toEqual(["a1 begins", "b1", "a1 ends", "a2"]);
});

test("what fails tells who entered it, and the lane goes on", async () => {
  const { lanes } = start();
  const failing = lanes.enter("a", async () => {
    throw new Error("broken");
  });
  const next = lanes.enter("a", async () => undefined);
  expect(failing).rejects.toThrow("broken");
  await next;
});

test("any number of wakes while a step waits are one step, and one that comes during a step is not lost", async () => {
  let steps = 0;
  let gate = Promise.withResolvers<void>();
  const { lanes } = start(async () => {
    steps += 1;
    await gate.promise;
    return false;
  });
  for (let i = 0; i < 100; i += 1) lanes.wake("a");
  await settle();
  expect(steps).toBe(1);
  for (let i = 0; i < 100; i += 1) lanes.wake("a");
  const running = gate;
  gate = Promise.withResolvers<void>();
  gate.resolve();
  running.resolve();
  await settle();
  expect(steps).toBe(2);
});

test("a step is repeated as long as it says that more may wait, and a failed one is logged and wakes again", async () => {
  let left = 5;
  const { lanes, lines } = start(async () => {
    left -= 1;
    if (left === 2) throw new Error("the database is away");
    return left > 0;
  });
  lanes.wake("a");
  await settle();
  expect(left).toBe(2);
  expect(lines.filter(({ msg }) => msg === "a lane's step failed")).toHaveLength(1);
  lanes.wake("a");
  await settle();
  expect(left).toBe(0);
});

test("preempting stops the running turn and goes before what waits as rows", async () => {
  const seen: string[] = [];
  const asked = turn("one");
  let waiting = ["first question", "second question"];
  const { lanes } = start(async (lane) => {
    const question = waiting.shift();
    if (question === undefined) return false;
    await lanes.whileRunning(lane, asked, async () => {
      seen.push(`${question} begins`);
      await new Promise<void>((resolve) =>
        asked.controller.signal.addEventListener("abort", () => resolve()),
      );
      seen.push(`${question} ends: ${asked.controller.signal.reason}`);
    });
    return waiting.length > 0;
  });
  lanes.wake("a");
  await settle();
  expect(lanes.turnIn("a")).toBe(asked);
  expect(lanes.turnIn("b")).toBeNull();

  lanes.wake("a"); // the second question waits in the queue already
  await lanes.preempt("a", async () => {
    seen.push("new");
    waiting = [];
  });
  expect(seen).toEqual(["first question begins", "first question ends: stop", "new"]);
  await settle();
  expect(lanes.turnIn("a")).toBeNull();
  waiting = ["third question"];
  lanes.wake("a");
  await settle();
  expect(seen.at(-1)).toBe("third question begins"); // the lane lives on
});

test("a turn that only begins while something preempts its lane is stopped at once; the preempting one's own is not", async () => {
  const { lanes } = start();
  const late = turn("late");
  const own = turn("own");
  const adopting = Promise.withResolvers<void>();
  const asking = lanes.enter("a", async () => {
    await adopting.promise; // its row is being written: nobody can see the turn yet
    await lanes.whileRunning("a", late, async () => undefined);
  });
  await settle();
  const preempting = lanes.preempt("a", () => lanes.whileRunning("a", own, async () => undefined));
  adopting.resolve();
  await Promise.all([asking, preempting]);
  expect([late.controller.signal.aborted, own.controller.signal.aborted]).toEqual([true, false]);
});

test("what waits behind a preempting piece of work that fails is not forgotten", async () => {
  const seen: string[] = [];
  const { lanes } = start(async () => {
    seen.push("step");
    return false;
  });
  const gate = Promise.withResolvers<void>();
  const running = lanes.enter("a", () => gate.promise);
  lanes.wake("a"); // comes before the preempting work, and lets it pass
  const preempting = lanes.preempt("a", async () => {
    seen.push("preempting");
    throw new Error("broken");
  });
  gate.resolve();
  await running;
  expect(preempting).rejects.toThrow("broken");
  await settle();
  expect(seen).toEqual(["preempting", "step"]);
});

test("idle lanes are forgotten, so that endless chats do not grow the process", async () => {
  const { lanes } = start();
  const use = async (name: string): Promise<void> => {
    lanes.wake(name);
    const work = lanes.enter(name, () => lanes.whileRunning(name, turn(name), async () => undefined));
    await Promise.all([work, lanes.preempt(name, async () => undefined)]);
  };
  await use("warm");
  await settle();
  Bun.gc(true);
  const before = heapStats().objectCount;
  for (let i = 0; i < LANES_MANY; i += 1) await use(`lane ${i}`);
  await settle();
  Bun.gc(true);
  // A lane that stays is its name, a record and a promise at the least.
  expect(heapStats().objectCount - before).toBeLessThan(LANES_MANY / 2);
});

test("draining waits for what runs and begins nothing else; what is still being answered can be found", async () => {
  const { lanes } = start();
  const gate = Promise.withResolvers<void>();
  const running = turn("one");
  const seen: string[] = [];
  const first = lanes.enter("a", () =>
    lanes.whileRunning("a", running, async () => {
      await gate.promise;
      seen.push("one");
    }),
  );
  const second = lanes.enter("a", async () => void seen.push("two"));
  await settle();
  let drained = false;
  const draining = lanes.drain().then(() => (drained = true));
  lanes.wake("b");
  await settle();
  expect(drained).toBe(false);
  expect(lanes.turns()).toEqual([running]);
  gate.resolve();
  await Promise.all([draining, first, second]);
  expect(lanes.turns()).toEqual([]);
  expect(seen).toEqual(["one"]);
});
