import { cpSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUN_IMAGE = "localhost/stand-in-bun:check";
const NODE_IMAGE = "localhost/stand-in-node:check";
const IMAGE = "localhost/blockbot:check";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const PROGRAMS = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const TOOLS = ["buildah", "debootstrap", "node", "npm"];

/** The names of the programs that are needed and not there. */
export function missingTools(): string[] {
  return TOOLS.filter((tool) => Bun.which(tool) === null);
}

export type Image = {
  /** Runs a program in a new container of the image, as the image's user, and returns its output. Throws when it fails. */
  run(command: readonly string[], env?: Record<string, string>): Promise<string>;
  /** The words that start a program in a container that has been made. */
  readonly enter: (env: Record<string, string>) => readonly string[];
  /** Where the container's files are on this machine; they stay there, whatever runs in it. */
  readonly root: string;
  /** What containers have written outside /tmp since then, in ms; without what buildah itself puts there. */
  filesSince(at: number): Promise<readonly string[]>;
  /** The image's own files, without those of the base, in MB. */
  readonly ownMb: number;
  /** Everything that the image says of itself, as JSON. */
  readonly description: string;
};

/**
 * Builds the real Dockerfile, without a Docker engine and without a registry of
 * images: Debian's minimal system, with this machine's Bun and Node in it, takes
 * the place of the two base images. `folder` takes everything and is the
 * caller's to remove.
 */
export async function buildImage(folder: string): Promise<Image> {
  const buildah = (...args: string[]) => command(folder, ...buildahIn(folder), ...args);
  const system = join(folder, "system");
  await command(folder, "debootstrap", "--variant=minbase", "bookworm", system);
  mkdirSync(join(system, "etc/ssl/certs"), { recursive: true });
  cpSync(CERTIFICATES, join(system, CERTIFICATES));
  cpSync(realpathSync(process.execPath), join(system, "usr/local/bin/bun"));
  await commitBase(buildah, system, BUN_IMAGE);
  cpSync(realpathSync(Bun.which("node") ?? ""), join(system, "usr/local/bin/node"));
  const npm = dirname(dirname(realpathSync(Bun.which("npm") ?? "")));
  cpSync(npm, join(system, "usr/local/lib/npm"), { recursive: true });
  await command(folder, "ln", "-s", "../lib/npm/bin/npm-cli.js", join(system, "usr/local/bin/npm"));
  await commitBase(buildah, system, NODE_IMAGE);
  const bases = ["--build-arg", `BUN_IMAGE=${BUN_IMAGE}`, "--build-arg", `NODE_IMAGE=${NODE_IMAGE}`];
  await buildah("bud", "--pull-never", "--isolation", "chroot", "--tag", IMAGE, ...bases, ROOT);
  const container = (await buildah("from", "--pull-never", IMAGE)).trim();
  const root = (await buildah("mount", container)).trim();
  // The entry point is said again: `buildah run` leaves it out.
  const enter = (env: Record<string, string>): readonly string[] => {
    const settings = Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
    return [...buildahIn(folder), "run", "--isolation", "chroot", ...settings, container, "--", "bun"];
  };
  return {
    run: (words, env = {}) => command(folder, ...enter(env), ...words),
    enter,
    root,
    filesSince: async (at) => {
      const since = new Date(at).toISOString();
      const files = await command(folder, "find", root, "-xdev", "-type", "f", "-newermt", since);
      const own = /^\/(tmp\/|run\/|etc\/(hosts|resolv\.conf|hostname)$)/;
      return files
        .split("\n")
        .map((path) => path.slice(root.length))
        .filter((path) => path !== "" && !own.test(path));
    },
    ownMb: await megabytes(
      folder,
      ["app", "data"].map((name) => join(root, name)),
    ),
    description: await buildah("inspect", "--type", "image", IMAGE),
  };
}

// Everything that buildah keeps is below the folder. vfs works on any file system.
function buildahIn(folder: string): readonly string[] {
  const places = ["--root", join(folder, "storage"), "--runroot", join(folder, "run")];
  return ["buildah", ...places, "--storage-driver", "vfs"];
}

async function commitBase(
  buildah: (...args: string[]) => Promise<string>,
  system: string,
  name: string,
): Promise<void> {
  const base = (await buildah("from", "scratch")).trim();
  await buildah("copy", base, system, "/");
  await buildah("config", "--env", `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, "--env", `PATH=${PROGRAMS}`, base);
  await buildah("commit", "--rm", base, name);
}

async function command(folder: string, ...words: string[]): Promise<string> {
  const child = Bun.spawn(words, {
    env: { PATH: PROGRAMS, HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [said, complained, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0)
    throw new Error(
      `${words.slice(0, 3).join(" ")} ended with ${code}:\n${said.slice(-2_000)}${complained.slice(-4_000)}`,
    );
  return said;
}

async function megabytes(folder: string, paths: readonly string[]): Promise<number> {
  const lines = await command(folder, "du", "-sm", ...paths);
  return lines
    .trim()
    .split("\n")
    .reduce((sum, line) => sum + Number.parseInt(line, 10), 0);
}
