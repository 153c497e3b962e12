const WARM_UP_SHARE = 0.1;

/** How often `work` was done in a second, so many at once, after a tenth of the rounds to warm up. */
export async function perSecond(
  rounds: number,
  atOnce: number,
  work: () => PromiseLike<unknown>,
): Promise<number> {
  await all(Math.ceil(rounds * WARM_UP_SHARE), atOnce, work);
  const startedAt = performance.now();
  await all(rounds, atOnce, work);
  return (rounds / (performance.now() - startedAt)) * 1_000;
}

async function all(rounds: number, atOnce: number, work: () => PromiseLike<unknown>): Promise<void> {
  let left = rounds;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}
