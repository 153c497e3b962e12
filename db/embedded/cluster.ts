import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { SERVER_ENVIRONMENT } from "./binaries.ts";
import { startFailure } from "./failure.ts";
import { giveTo, type Home } from "./home.ts";

export const SUPERUSER = "postgres";

/** The superuser's password, made and on disk before the database that needs it. Throws when only the database is there. */
export function superuserPassword(home: Home): string {
  const file = join(home.folder, "superuser-password");
  if (existsSync(file)) return readFileSync(file, "utf8");
  if (existsSync(home.cluster)) {
    throw new Error(
      `${file} is missing, so nobody can sign in to the database beside it. Put it back from a backup, or move ${home.folder} away to begin with an empty database.`,
    );
  }
  const password = randomBytes(24).toString("base64url");
  const descriptor = openSync(`${file}.new`, "w", 0o600);
  writeFileSync(descriptor, password);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(`${file}.new`, file);
  return password;
}

/** Makes the database unless it is there; true when it did. Made aside and renamed, so that `cluster` is never half a database. */
export function createCluster(home: Home, password: string, durable: boolean): boolean {
  for (const name of readdirSync(home.folder)) {
    // Left by a start that was killed.
    if (name.startsWith("cluster.")) rmSync(join(home.folder, name), { recursive: true, force: true });
  }
  if (existsSync(home.cluster)) return false;
  const draft = mkdtempSync(join(home.folder, "cluster."));
  try {
    const passwordFile = join(draft, "password");
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (home.runAs !== undefined) giveTo(home.runAs, draft);
    const args = [
      "-D",
      join(draft, "data"),
      "-U",
      SUPERUSER,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
    ];
    args.push("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8");
    args.push("--data-checksums", "--no-instructions", ...(durable ? [] : ["--no-sync"]));
    const made = spawnSync(join(home.binaries, "bin/initdb"), args, {
      ...home.runAs,
      cwd: "/",
      env: SERVER_ENVIRONMENT,
      encoding: "utf8",
    });
    if (made.status !== 0)
      throw startFailure("initdb could not make the database", made.error?.message ?? made.stderr);
    renameSync(join(draft, "data"), home.cluster);
    return true;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
