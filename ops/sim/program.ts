import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS_MAX = 60_000;
const LAST_LINE = "Ctrl-C ends everything cleanly";

export type Program = {
  readonly pid: number;
  /** Everything it has printed so far, on both streams. */
  output(): string;
  /** The address after a word of the banner, such as `chat page:` or `Health`. */
  link(after: string): string;
  /** The one-time owner link, or null when the bot has an owner. */
  ownerLink(): string | null;
  /** Resolves when its banner stands, or when it has ended before that. */
  readonly ready: Promise<void>;
  /** Sends a signal to its whole process group, as a terminal does, and resolves with the exit code (null for a signal's death). */
  end(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): Promise<number | null>;
  /** Resolves with the exit code when it ends by itself, after the last of its output. */
  readonly exited: Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** The real program, ready or ended; see `launchProgram`. */
export async function startProgram(
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<Program> {
  const program = launchProgram(env, args);
  await program.ready;
  return program;
}

/**
 * Spawns the real program in a process group of its own, with this environment
 * and nothing of ours, on free ports unless told.
 */
export function launchProgram(env: Record<string, string>, args: readonly string[] = []): Program {
  return launch([process.execPath, "--no-env-file", "ops/start.ts", ...args], { cwd: ROOT, env });
}

/** `npm start` in a folder that has the program's files and an `.env`, as an operator does it; see `launchProgram`. */
export async function startWithNpm(cwd: string): Promise<Program> {
  const program = launch(["npm", "start"], { cwd, env: {} });
  await program.ready;
  return program;
}

function launch(
  [command = "", ...args]: readonly string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): Program {
  const child = spawn(command, args, {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "/",
      PORT: "0",
      DEMO_PORT: "0",
      BUN_CONFIG_MAX_HTTP_REQUESTS: "4000",
      ...env,
    },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  return {
    pid: child.pid ?? 0,
    output: () => printed,
    link: (after) => new RegExp(`${after}\\s+(http\\S+)`).exec(printed)?.[1] ?? "",
    ownerLink: () => /Whoever opens this link first does:\s+(http\S+)/.exec(printed)?.[1] ?? null,
    ready: until(() => printed.includes(LAST_LINE) || hasEnded(child)),
    exited,
    end: (signal) => endGroup(child, signal, exited),
    [Symbol.asyncDispose]: async () => void (await endGroup(child, "SIGINT", exited)),
  };
}

async function endGroup(
  child: ChildProcess,
  signal: "SIGINT" | "SIGTERM" | "SIGKILL",
  exited: Promise<number | null>,
): Promise<number | null> {
  if (!hasEnded(child) && child.pid !== undefined) process.kill(-child.pid, signal);
  return exited;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function until(holds: () => boolean): Promise<void> {
  for (
    const startedAt = performance.now();
    performance.now() - startedAt < START_MS_MAX;
    await Bun.sleep(20)
  ) {
    if (holds()) return;
  }
  throw new Error("the program did not get ready");
}
