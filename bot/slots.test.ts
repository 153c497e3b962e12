import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSlots } from "./slots.ts";

test("never more than the given number work at once, and the rest begin in their order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.record({ steps: fc.nat(4), fails: fc.boolean() }), { maxLength: 30 }),
      async (count, works) => {
        const withSlot = createSlots(count);
        const begun: number[] = [];
        let running = 0;
        let most = 0;
        const results = await Promise.allSettled(
          works.map(({ steps, fails }, index) =>
            withSlot(async () => {
              begun.push(index);
              running += 1;
              most = Math.max(most, running);
              for (let step = 0; step < steps; step += 1) await Promise.resolve();
              running -= 1;
              if (fails) throw new Error(`work ${index}`);
            }),
          ),
        );
        expect(most).toBeLessThanOrEqual(count);
        expect(begun).toEqual(works.map((_, index) => index));
        // A failure reaches whoever asked for that work, and gives its slot back.
        expect(results.map(({ status }) => status === "rejected")).toEqual(works.map(({ fails }) => fails));
      },
    ),
  );
});

test("a slot that is given back late lets exactly one of those who wait begin", async () => {
  const withSlot = createSlots(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const all = gates.map((gate, index) =>
    withSlot(async () => {
      begun.push(index);
      await gate.promise;
    }),
  );
  await Bun.sleep(0);
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve();
  await all[1];
  await Bun.sleep(0);
  expect(begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

test("work that is stopped while it waits is begun at once, takes no slot and gives none back", async () => {
  const withSlot = createSlots(1);
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const stop = new AbortController();
  const all = gates.map((gate, index) =>
    withSlot(
      async () => {
        begun.push(index);
        await gate.promise;
      },
      index === 1 ? stop.signal : undefined,
    ),
  );
  await Bun.sleep(0);
  expect(begun).toEqual([0]);
  stop.abort();
  await Bun.sleep(0);
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve();
  await all[1];
  await Bun.sleep(0);
  expect(begun).toEqual([0, 1]);
  gates[0]?.resolve();
  gates[2]?.resolve();
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2]);
  await withSlot(async () => void begun.push(3), AbortSignal.abort());
  expect(begun).toEqual([0, 1, 2, 3]);
});
