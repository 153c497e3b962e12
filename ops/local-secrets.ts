import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** The name of the file in the data folder. */
export const SECRETS_FILE = "secrets.json";
const KEY_BYTES = 32;
const PASSWORD_BYTES = 24;

const schema = z.object({
  masterKey: z.string(),
  jwtSecret: z.string(),
  passwords: z.object({ app: z.string(), migrate: z.string(), backup: z.string() }),
});

export type LocalSecrets = z.infer<typeof schema>;

/**
 * The secrets of an instance that was given none: made once, kept in the data
 * folder with mode 0600. Throws when the file is there but cannot be read.
 */
export function localSecrets(folder: string): LocalSecrets {
  makeFolder(folder);
  const path = join(folder, SECRETS_FILE);
  if (!existsSync(path)) writeOnce(path, newSecrets());
  return readSecrets(path);
}

function newSecrets(): LocalSecrets {
  return {
    masterKey: randomBytes(KEY_BYTES).toString("base64"),
    jwtSecret: randomBytes(KEY_BYTES).toString("base64"),
    passwords: { app: password(), migrate: password(), backup: password() },
  };
}

// A link appears whole or not at all, and never in the place of another: two first starts at once agree on one file.
function writeOnce(path: string, secrets: LocalSecrets): void {
  const draft = `${path}.${crypto.randomUUID()}`;
  writeFileSync(draft, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  try {
    linkSync(draft, path);
  } catch (err) {
    if (codeOf(err) !== "EEXIST") throw err;
  } finally {
    rmSync(draft);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (err) {
    throw new Error(
      `Cannot make the folder ${folder} (${codeOf(err)}). Set DATA_DIR to a folder that this user can write.`,
      { cause: err },
    );
  }
}

function readSecrets(path: string): LocalSecrets {
  const read = schema.safeParse(parsed(readFileSync(path, "utf8")));
  if (!read.success)
    throw new Error(
      `${path} is damaged. Put its backup back; without its key the stored credentials cannot be opened.`,
    );
  return read.data;
}

// Undefined for what is not JSON: the parser's own error would quote what it read, and that is secret.
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(err: unknown): string {
  return err instanceof Error && "code" in err ? String(err.code) : "unknown error";
}

function password(): string {
  return randomBytes(PASSWORD_BYTES).toString("base64url");
}
