/** At most `count` pieces of work at once; the rest wait in their order. Work whose `signal` aborts waits no longer: it is run, and ends by that signal. */
export function createSlots(count: number) {
  const waiting: (() => void)[] = [];
  let free = count;

  async function slot(signal?: AbortSignal): Promise<boolean> {
    if (free > 0) {
      free -= 1;
      return true;
    }
    if (signal?.aborted === true) return false;
    return new Promise((resolve) => {
      const enter = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve(true);
      };
      const leave = (): void => {
        waiting.splice(waiting.indexOf(enter), 1);
        resolve(false);
      };
      waiting.push(enter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  return async function withSlot(work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    const isTaken = await slot(signal);
    try {
      await work();
    } finally {
      const next = isTaken ? waiting.shift() : () => undefined;
      if (next === undefined) free += 1;
      else next();
    }
  };
}

export type Slots = ReturnType<typeof createSlots>;
