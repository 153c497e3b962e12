import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchProgram } from "../sim/program.ts";
import { quantile, type BenchResult } from "./figures.ts";

const WARM_STARTS = 5;

/** From spawning the program without any settings to its banner: the first start in a folder, and later ones. */
export async function start(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-bench-"));
  chmodSync(folder, 0o755);
  try {
    const cold = await startOnce(folder);
    const warm: number[] = [];
    for (let round = 0; round < WARM_STARTS; round += 1) warm.push(await startOnce(folder));
    return {
      figures: [
        { what: "cold start (new data folder)", value: cold, unit: "ms" },
        { what: "warm start p50", value: quantile(warm, 0.5), unit: "ms", goal: { atMost: 2_000 } },
      ],
      notes: ["The demo: embedded Postgres, the simulators, bot, worker and HTTP server in one process."],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOnce(folder: string): Promise<number> {
  const startedAt = performance.now();
  const program = launchProgram({ DATA_DIR: folder });
  await program.ready;
  const tookMs = performance.now() - startedAt;
  await program.end("SIGINT");
  return tookMs;
}
