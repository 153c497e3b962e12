import type { Clock } from "./clock.ts";

/**
 * At most `limit` hits on `key` within any `windowMs`. A key belongs to one
 * window length; keys that are charged together share a `{hash tag}`.
 */
export type Charge = { key: string; limit: number; windowMs: number };

/** A window at one moment: how long until one more hit fits, how many fit now, and when the oldest hit leaves. */
export type WindowState = { readonly waitMs: number; readonly remaining: number; readonly resetMs: number };

const KEYS_MAX = 50_000;
// More than the greatest limit that can be configured, so that no single key outgrows it.
const HITS_MAX = 250_000;

type LocalWindow = { readonly hits: number[]; endsAt: number };

/** The same windows in this process. When there are too many, those charged longest ago are forgotten first. */
export function createLocalWindows(clock: Clock) {
  const now = steadyTime(clock);
  const windows = new Map<string, LocalWindow>();
  let stored = 0;

  function forget(key: string): void {
    stored -= windows.get(key)?.hits.length ?? 0;
    windows.delete(key);
  }

  function forgetStale(at: number): void {
    for (const [key, { endsAt }] of windows) {
      if (endsAt > at && windows.size <= KEYS_MAX && stored <= HITS_MAX) return;
      forget(key);
    }
  }

  function stateOf(charge: Charge, at: number): WindowState {
    const hits = windows.get(charge.key)?.hits ?? [];
    const left = hits.findIndex((hit) => hit > at - charge.windowMs);
    stored -= hits.splice(0, left === -1 ? hits.length : left).length;
    const over = hits.length - charge.limit;
    const untilLeft = (hit: number | undefined): number => Math.ceil((hit ?? at) + charge.windowMs - at);
    return {
      waitMs: over < 0 ? 0 : untilLeft(hits[over]),
      remaining: Math.max(0, -over),
      resetMs: hits.length === 0 ? 0 : untilLeft(hits[0]),
    };
  }

  return {
    /** How each of these stands now, in their order. */
    look(charges: readonly Charge[]): WindowState[] {
      const at = now();
      return charges.map((charge) => stateOf(charge, at));
    },
    /** Charges without checking, dated `aheadMs` from now. */
    charge(charges: readonly Charge[], aheadMs: number): void {
      const at = now() + aheadMs;
      for (const { key, windowMs } of charges) {
        const hits = windows.get(key)?.hits ?? [];
        const hit = Math.max(at, hits.at(-1) ?? at); // sorted, whichever of the two dated the last one
        hits.push(hit);
        stored += 1;
        windows.delete(key); // the most recent stands last
        windows.set(key, { hits, endsAt: hit + windowMs });
      }
      forgetStale(at);
    },
  };
}

/** Milliseconds that never run backwards, so that setting the machine's clock back prolongs no wait. */
function steadyTime(clock: Clock): () => number {
  let last = clock.now();
  let behind = 0;
  return () => {
    const current = clock.now();
    behind += Math.max(0, last - current);
    last = current;
    return current + behind;
  };
}
