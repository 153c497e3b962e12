/**
 * Lets work through one piece at a time per lane, in order, where each piece
 * says by `passed` when the next may begin, which may be long before it ends.
 */
export function createTurnstile() {
  const tails = new Map<string, Promise<void>>();

  return function enter<T>(lane: string, work: (passed: () => void) => Promise<T>): Promise<T> {
    const passed = Promise.withResolvers<void>();
    const before = tails.get(lane) ?? Promise.resolve();
    tails.set(lane, passed.promise);
    return before
      .then(() => work(passed.resolve))
      .finally(() => {
        passed.resolve();
        if (tails.get(lane) === passed.promise) tails.delete(lane);
      });
  };
}
