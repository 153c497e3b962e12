/** At most `count` pieces of work at once; the rest wait in their order. */
export function createSlots(count: number) {
  const waiting: (() => void)[] = [];
  let free = count;
  return async function withSlot(work: () => Promise<void>): Promise<void> {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
