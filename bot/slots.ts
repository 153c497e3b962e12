/**
 * At most `count` pieces of work at once; the rest wait in their order. Work
 * may give its slot back before it ends, by calling `free`. Work whose `signal`
 * aborts waits no longer: it is run, and ends by that signal.
 */
export function createSlots(count: number) {
  const waiting: (() => void)[] = [];
  let left = count;

  async function slot(signal?: AbortSignal): Promise<boolean> {
    if (left > 0) {
      left -= 1;
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

  return async function withSlot<T>(
    work: (free: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    let isHeld = await slot(signal);
    const free = (): void => {
      if (!isHeld) return;
      isHeld = false;
      const next = waiting.shift();
      if (next === undefined) left += 1;
      else next();
    };
    try {
      return await work(free);
    } finally {
      free();
    }
  };
}

export type Slots = ReturnType<typeof createSlots>;
