/** `method` is a method's name, or "*" for any. */
export type Fault = { method: string; times: number } & FaultEffect;

type FaultEffect =
  | { kind: "error"; errorCode: number; description: string; retryAfter?: number; migrateToChatId?: number }
  | { kind: "reset_before" }
  | { kind: "reset_after" }
  | { kind: "delay"; ms: number }
  | { kind: "hang" }
  | { kind: "truncate" };

/** Faults that were asked for; each applies to the next `times` calls of its method, oldest fault first. */
export function createFaults() {
  let faults: Fault[] = [];
  return {
    add(fault: Fault): void {
      faults.push({ ...fault });
    },
    clear(): void {
      faults = [];
    },
    /** The fault for this call, counted down. */
    take(method: string): Fault | null {
      const name = method.toLowerCase();
      const found = faults.find((fault) => fault.method === "*" || fault.method.toLowerCase() === name);
      if (!found) return null;
      found.times -= 1;
      faults = faults.filter(({ times }) => times > 0);
      return found;
    },
  };
}
