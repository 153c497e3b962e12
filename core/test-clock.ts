const STARTED_AT = 1_800_000_000_000;

/** A clock that stands still until `pass`; for one sleeper whose work in between may be real. */
export function createStoppedClock() {
  let now = STARTED_AT;
  let sleeper: { at: number; wake: () => void } | null = null;
  let asleep = Promise.withResolvers<void>();
  return {
    now: () => now,
    sleep(ms: number, signal?: AbortSignal): Promise<void> {
      if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          sleeper = null;
          asleep = Promise.withResolvers<void>();
          resolve();
        };
        sleeper = { at: now + ms, wake };
        signal?.addEventListener("abort", wake, { once: true });
        asleep.resolve();
      });
    },
    /** Wakes the sleeper whenever it is due, and waits until it sleeps again. */
    async pass(ms: number): Promise<void> {
      const until = now + ms;
      const due = async () => {
        await asleep.promise;
        return sleeper !== null && sleeper.at <= until ? sleeper : null;
      };
      for (let next = await due(); next !== null; next = await due()) {
        now = next.at;
        next.wake();
      }
      now = until;
    },
  };
}
