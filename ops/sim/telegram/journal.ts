import type { Params } from "./validation.ts";

export type Call = {
  method: string;
  params: Record<string, unknown>;
  errorCode: number | null;
  description: string | null;
  at: number;
};
export type Violation = { method: string; description: string; params: Record<string, unknown> };

const ENTRIES_MAX = 10_000;

/** What the bot called and which of it was wrong: the latest 10 000 of each. */
export function createJournal() {
  const calls: Call[] = [];
  const violations: Violation[] = [];
  return {
    calls,
    violations,
    called(call: Call): void {
      append(calls, call);
    },
    violated(method: string, description: string, params: Params): void {
      append(violations, { method, description, params: { ...params } });
    },
  };
}

function append<Entry>(entries: Entry[], entry: Entry): void {
  entries.push(entry);
  if (entries.length > ENTRIES_MAX) entries.shift();
}
