import {
  chmodSync,
  chownSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** The keys of an `.env` file that have a value. Without the file, none. */
export function readEnvFile(path: string): Record<string, string> {
  if (!existsSync(path)) return {};
  const lines = readFileSync(path, "utf8").matchAll(/^([A-Z][A-Z0-9_]*)=(.+)$/gm);
  return Object.fromEntries([...lines].map(([, key = "", value = ""]) => [key, value.trim()]));
}

/**
 * Gives keys that have no value yet theirs, and leaves every other line as it
 * is. A new file begins as the `.env.example` beside it. The file appears whole
 * or not at all, with mode 0600, and belongs to whom its folder belongs.
 */
export function addToEnvFile(path: string, values: Readonly<Record<string, string>>): void {
  const example = join(dirname(path), ".env.example");
  const [known] = [path, example].filter(existsSync);
  let text = known === undefined ? "" : readFileSync(known, "utf8");
  for (const [key, value] of Object.entries(values)) {
    const free = new RegExp(`^(?:${key}=[ \\t]*|# ${key}=.*)$`, "m");
    const line = `${key}=${value}`;
    // A function, because a value may hold what `replace` takes for a pattern.
    text = free.test(text) ? text.replace(free, () => line) : `${text.replace(/\n*$/, "\n")}${line}\n`;
  }
  write(path, text.replace(/^\n+/, ""));
}

function write(path: string, text: string): void {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    chmodSync(draft, 0o600); // whatever the umask is
    const { uid, gid } = statSync(dirname(path));
    if (process.getuid?.() === 0) chownSync(draft, uid, gid);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}
