import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { tableOf, type Bench, type BenchResult } from "./bench/figures.ts";
import { startScratchServer } from "./postgres/scratch.ts";

/** Every bench by its name. One that is not `inAll` runs only when it is named, because it takes long. */
const BENCHES: Record<string, { load: () => Promise<Bench>; inAll: boolean }> = {
  turn: { load: async () => (await import("./bench/turn.ts")).turn, inAll: true },
  throughput: { load: async () => (await import("./bench/throughput.ts")).throughput, inAll: true },
  streams: { load: async () => (await import("./bench/streams.ts")).streams, inAll: true },
  memory: { load: async () => (await import("./bench/memory.ts")).memory, inAll: true },
  start: { load: async () => (await import("./bench/start.ts")).start, inAll: true },
  "first-text": { load: async () => (await import("./bench/first-text.ts")).firstText, inAll: true },
  budget: { load: async () => (await import("./bench/budget.ts")).budget, inAll: true },
  http: { load: async () => (await import("./bench/http.ts")).http, inAll: true },
  "sign-in": { load: async () => (await import("./bench/sign-in.ts")).signInBench, inAll: true },
  limits: { load: async () => (await import("./bench/limits.ts")).limits, inAll: true },
  render: { load: async () => (await import("./bench/render.ts")).render, inAll: true },
  loss: { load: async () => (await import("./bench/loss.ts")).loss, inAll: false },
  tenancy: { load: async () => (await import("./bench/tenancy.ts")).tenancy, inAll: true },
  growth: { load: async () => (await import("./bench/growth.ts")).growth, inAll: false },
  rls: { load: async () => (await import("./bench/rls.ts")).rls, inAll: true },
  audit: { load: async () => (await import("./bench/audit.ts")).audit, inAll: true },
  vault: { load: async () => (await import("./bench/vault.ts")).vault, inAll: true },
};
const RESULTS = fileURLToPath(new URL("../data/bench", import.meta.url));
const INSIDE = "--inside";

/** `npm run bench [-- NAME …]`: each bench in a process of its own, on one Postgres with fsync on, as in production. */
async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => BENCHES[name] === undefined);
  if (unknown.length > 0) {
    process.stderr.write(
      `There is no bench ${unknown.join(", ")}. There are: ${Object.keys(BENCHES).join(", ")}.\n`,
    );
    return 1;
  }
  const chosen =
    names.length > 0 ? names : Object.keys(BENCHES).filter((name) => BENCHES[name]?.inAll === true);
  mkdirSync(RESULTS, { recursive: true });
  const server = await startScratchServer(process.env, { durable: true });
  process.once("SIGINT", () => void server.stop().then(() => process.exit(130)));
  try {
    process.stdout.write(`${machine()}\n`);
    let failed = 0;
    for (const name of chosen) {
      process.stdout.write(`\n## ${name}\n\n`);
      const run = Bun.spawn([process.execPath, "--no-env-file", "ops/bench.ts", INSIDE, name], {
        env: server.environment,
        stdio: ["ignore", "inherit", "inherit"],
      });
      if ((await run.exited) !== 0) failed += 1;
    }
    process.stdout.write(`\nNumbers: ${RESULTS}\n`);
    return failed === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
}

async function runInside(name: string): Promise<void> {
  const bench = await BENCHES[name]?.load();
  if (bench === undefined) throw new Error(`there is no bench ${name}`);
  const result: BenchResult = await bench();
  process.stdout.write(`${tableOf(result)}\n`);
  const record = { name, at: new Date().toISOString(), machine: machine(), ...result };
  writeFileSync(`${RESULTS}/${name}.json`, `${JSON.stringify(record, null, 2)}\n`);
}

function machine(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model ?? "unknown processor"}, Bun ${Bun.version}`;
}

const [first, ...others] = process.argv.slice(2);
if (first === INSIDE) {
  await runInside(others[0] ?? "");
  process.exit(0); // what a bench left open ends with it
}
process.exitCode = await main(first === undefined ? [] : [first, ...others]);
