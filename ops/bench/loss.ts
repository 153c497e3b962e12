import { createTestDatabase } from "../../db/test-db.ts";
import { lossLine, measureLoss, type LossReport } from "../sim/loss.ts";
import type { BenchResult, Figure } from "./figures.ts";

const SEEDS = [1, 2, 3, 4];
const LOAD = { chats: 100, questionsPerChat: 5, kills: 15 };
const RESTART_WAIT_MS_MAX = 10_000;

/** Many people ask while the real program is killed again and again; what stands in their chats at the end. */
export async function loss(): Promise<BenchResult> {
  const reports: LossReport[] = [];
  for (const seed of SEEDS) {
    await using database = await createTestDatabase();
    const report = await measureLoss(database, { ...LOAD, seed });
    process.stderr.write(`${lossLine(report)}\n\n`); // a sign of life: each takes a minute or more
    reports.push(report);
  }
  const sum = (count: (report: LossReport) => number): number =>
    reports.reduce((total, report) => total + count(report), 0);
  const none = (what: string, count: (report: LossReport) => number): Figure => ({
    what,
    value: sum(count),
    unit: "",
    goal: { atMost: 0 },
  });
  const longest = (wait: (report: LossReport) => number): number => Math.max(...reports.map(wait));
  return {
    figures: [
      { what: "questions", value: sum(({ plan }) => plan.chats * plan.questionsPerChat), unit: "" },
      { what: "kills", value: sum(({ plan }) => plan.kills), unit: "" },
      { what: "answered", value: sum(({ answered }) => answered), unit: "" },
      none("lost", ({ lost }) => lost.length),
      none("answered twice without a label", ({ repeatsUnlabelled }) => repeatsUnlabelled.length),
      none("answers that differ from what Claude sent", ({ damaged }) => damaged.length),
      none("left undone by the program", ({ owed }) => owed),
      { what: "labelled as a possible repeat", value: sum((report) => report.repeatsLabelled), unit: "" },
      { what: "of these, really repeats", value: sum(repeats), unit: "" },
      { what: "first frames left standing", value: sum(({ orphans }) => orphans), unit: "" },
      { what: "asked again with Retry, as told", value: sum(({ retries }) => retries), unit: "" },
      { what: "sent again, as told", value: sum(({ putAside }) => putAside), unit: "" },
      { what: "longest wait", value: longest((report) => report.longestWaitMs), unit: "ms" },
      {
        what: "longest wait after a restart",
        value: longest((report) => report.longestAfterRestartMs),
        unit: "ms",
        goal: { atMost: RESTART_WAIT_MS_MAX },
      },
    ],
    notes: [
      `${LOAD.chats} chats, each asks ${LOAD.questionsPerChat} times, ${LOAD.kills} SIGKILLs per seed; every second person waits for an answer before the next question.`,
      ...reports.flatMap((report) => report.traces),
    ],
  };
}

function repeats({ repeatsLabelled, labelledOnce }: LossReport): number {
  return repeatsLabelled - labelledOnce;
}
