import { explain } from "../failure.ts";

/** What was found about one part. `off`: it is not used here, and need not be. `fix` says what to do about what is wrong. */
export type Finding = {
  readonly part: string;
  readonly state: "ok" | "wrong" | "off";
  readonly text: string;
  readonly fix?: string;
};

const MARKS = { ok: "✓", wrong: "✗", off: "–" } as const;
const PART_CHARS = 14;

/** One line of the report, and under what is wrong one more with the fix. */
export function linesOf({ part, state, text, fix }: Finding): string {
  const line = `${MARKS[state]} ${part.padEnd(PART_CHARS)} ${text}`;
  return fix === undefined ? line : `${line}\n${" ".repeat(PART_CHARS + 3)}${fix}`;
}

/** What `look` finds; when it throws, that this part could not be looked at, and why. */
export async function lookAt(part: string, look: () => Promise<Omit<Finding, "part">>): Promise<Finding> {
  try {
    return { part, ...(await look()) };
  } catch (err) {
    return { part, state: "wrong", text: explain(err) };
  }
}

/** As one says it: "1 job", "2 jobs". */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
