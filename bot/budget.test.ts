import { expect, test } from "bun:test";
import fc from "fast-check";
import { createBudget, TELEGRAM_ALLOWANCES } from "./budget.ts";

const ANN = 11;
const GROUP = -1001;
const CHATS_MAX = 20_000;
const WINDOW_MS = 60_000;
// Fractions of a millisecond that adding and dividing lose.
const ROUNDING_MS = 0.001;

function start() {
  let now = 1_800_000_000_000;
  const budget = createBudget({ now: () => now, sleep: async () => undefined }, TELEGRAM_ALLOWANCES);
  return { budget, pass: (ms: number) => void (now += ms), now: () => now };
}

type Step =
  | { do: "pass"; ms: number }
  | { do: "pause"; seconds: number }
  | { do: "book" | "try"; kind: "send" | "edit" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(5_000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("pause" as const), seconds: fc.nat(60) }) },
    {
      weight: 9,
      arbitrary: fc.record({
        do: fc.constantFrom("book" as const, "try" as const),
        kind: fc.constantFrom("send" as const, "edit" as const),
      }),
    },
  ),
  { minLength: 20, maxLength: 200 },
);

/** When each call goes, by the clock. Nothing that is booked goes in a pause that had begun. */
function play(chatId: number, taken: readonly Step[]): { at: number; kind: "send" | "edit" }[] {
  const { budget, pass, now } = start();
  const calls: { at: number; kind: "send" | "edit" }[] = [];
  for (const step of taken) {
    if (step.do === "pass") pass(step.ms);
    else if (step.do === "pause") budget.pause(chatId, step.seconds);
    else if (step.do === "book") {
      const delayMs = budget.delayMs(chatId, step.kind);
      expect(delayMs).toBeGreaterThanOrEqual(budget.pauseMs(chatId));
      calls.push({ at: now() + delayMs, kind: step.kind });
    } else if (budget.tryTake(chatId, step.kind)) {
      expect(budget.pauseMs(chatId)).toBe(0);
      calls.push({ at: now(), kind: step.kind });
    }
  }
  return calls.sort((a, b) => a.at - b.at);
}

function expectNoWindowFuller(times: readonly number[], windowMs: number, most: number): void {
  for (let i = 0; i + most < times.length; i += 1)
    expect((times[i + most] ?? 0) - (times[i] ?? 0)).toBeGreaterThan(windowMs - ROUNDING_MS);
}

test("a person gets one message or edit a second after the burst, in any window", () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const times = play(ANN, taken).map(({ at }) => at);
      const { burst, refillMs } = TELEGRAM_ALLOWANCES.private;
      expect([burst, refillMs]).toEqual([3, 1_000]);
      for (const seconds of [0, 1, 10, 60]) expectNoWindowFuller(times, seconds * refillMs, burst + seconds);
    }),
  );
});

test("a group gets at most twenty sends and twenty edits in any minute", () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const calls = play(GROUP, taken);
      for (const kind of ["send", "edit"] as const) {
        const times = calls.filter((call) => call.kind === kind).map(({ at }) => at);
        expectNoWindowFuller(times, WINDOW_MS, 20);
      }
    }),
  );
});

test("in a group sends and edits are counted apart, with a person together", () => {
  const { budget } = start();
  const taken = (chatId: number) =>
    (["send", "edit"] as const).map(
      (kind) => Array.from({ length: 9 }, () => budget.tryTake(chatId, kind)).filter(Boolean).length,
    );
  expect(taken(GROUP)).toEqual([4, 4]);
  expect(taken(ANN)).toEqual([3, 0]);
  expect(taken(ANN + 1)).toEqual([3, 0]); // one chat's calls cost no other
});

test("a call waits for its turn; a refused frame books nothing", () => {
  const { budget, pass } = start();
  expect([1, 2, 3, 4, 5].map(() => budget.delayMs(ANN, "send"))).toEqual([0, 0, 0, 1_000, 2_000]);
  for (let i = 0; i < 50; i += 1) expect(budget.tryTake(ANN, "edit")).toBe(false);
  pass(3_000);
  expect([1, 2].map(() => budget.tryTake(ANN, "edit"))).toEqual([true, false]);
});

test("in a pause nothing goes, and what was booked in it does not come all at once afterwards", () => {
  const { budget, pass } = start();
  budget.pause(ANN, 30);
  expect([budget.pauseMs(ANN), budget.pauseMs(GROUP)]).toEqual([30_000, 0]);
  expect(budget.tryTake(ANN, "edit")).toBe(false);
  expect([1, 2, 3, 4, 5].map(() => budget.delayMs(ANN, "send"))).toEqual([
    30_000, 30_000, 30_000, 31_000, 32_000,
  ]);
  pass(10_000);
  budget.pause(ANN, 1); // a shorter one takes nothing off a longer one
  expect(budget.pauseMs(ANN)).toBe(20_000);
  pass(20_000);
  expect([budget.pauseMs(ANN), budget.delayMs(ANN, "send")]).toEqual([0, 3_000]);
});

test("a clock that is set back silences nobody", () => {
  const { budget, pass } = start();
  budget.delayMs(ANN, "send");
  pass(-3_600_000);
  expect([1, 2, 3].map(() => budget.delayMs(ANN, "send"))).toEqual([0, 0, 1_000]);
});

test("endless chats do not grow the process: the one that was silent longest is forgotten first", () => {
  const { budget } = start();
  for (let i = 0; i < 3; i += 1) budget.delayMs(ANN, "send");
  for (let i = 0; i < 3; i += 1) budget.delayMs(ANN + 1, "send");
  budget.pause(ANN, 30);
  budget.pause(ANN + 1, 30);
  expect(budget.delayMs(ANN, "send")).toBe(30_000); // spoke last
  budget.pause(ANN, 30);
  for (let id = 1_000; id < 1_000 + CHATS_MAX - 1; id += 1) {
    budget.delayMs(id, "send");
    budget.pause(id, 30);
  }
  expect([budget.pauseMs(ANN + 1), budget.delayMs(ANN + 1, "send")]).toEqual([0, 0]); // its debt too
  expect(budget.pauseMs(ANN)).toBe(30_000);
});
