import { createHash } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { packagedBinaries, run, runnableBinaries, type SystemUser } from "./binaries.ts";

/** Where one data folder's server lives and as whom it runs. */
export type Home = {
  /** Ours: password, port, log and locks. Real path. */
  readonly folder: string;
  /** The server's own: the database files. Absent until `initdb` made them. */
  readonly cluster: string;
  /** Has `bin/postgres`, `bin/initdb`, `lib` and `share`. */
  readonly binaries: string;
  /** Undefined: the user we are. */
  readonly runAs: SystemUser | undefined;
};

const SYSTEM_FOLDER = "/var/lib/blockbot";
const SYSTEM_USERS = ["postgres", "nobody"];
const ALL_ACCESS = constants.R_OK | constants.W_OK | constants.X_OK;

/**
 * Decides where the server of `dataDir` lives, and makes that folder. As root
 * it runs as a system user, or as the owner of the database that is there;
 * what that user cannot reach lives under /var/lib/blockbot. Throws an error
 * that names the fix.
 */
export function findHome(options: { dataDir: string; binaries?: string }): Home {
  makeFolder(options.dataDir, 0o755);
  const dataDir = realpathSync(options.dataDir);
  const packaged = options.binaries ?? packagedBinaries();
  return process.getuid?.() === 0 ? homeOfRoot(dataDir, packaged) : homeOfUser(dataDir, packaged);
}

/** Makes a user the owner of a folder and of all in it. */
export function giveTo(user: SystemUser, folder: string): void {
  const done = run(["chown", "-hR", `${user.uid}:${user.gid}`, folder], undefined);
  if (!done.ok) throw new Error(`Cannot give ${folder} to user ${user.uid}: ${done.output}`);
}

/** After a start as root in somebody's folder: what we made there is theirs, so that they can start without root again. */
export function leaveToOwner(folder: string): void {
  const { uid, gid } = lstatSync(folder);
  if (uid === process.getuid?.()) return;
  for (const name of readdirSync(folder)) {
    if (name !== "cluster") lchownSync(join(folder, name), uid, gid);
  }
}

function homeOfUser(dataDir: string, packaged: string): Home {
  const folder = join(dataDir, "postgres");
  const cluster = join(folder, "cluster");
  const ofRoot = join(systemFolder(dataDir), "cluster");
  if (!existsSync(cluster) && existsSync(ofRoot)) {
    throw new Error(
      `The database of ${dataDir} lives in ${ofRoot}, because root made it. Start as root, or choose another DATA_DIR.`,
    );
  }
  makeFolder(folder, 0o700);
  try {
    accessSync(folder, ALL_ACCESS);
    if (existsSync(cluster)) accessSync(cluster, ALL_ACCESS);
  } catch (err) {
    throw new Error(
      `${folder} belongs to another user, probably because root started this once. Start as that user, or run: sudo chown -R "$(id -un)" ${folder}`,
      { cause: err },
    );
  }
  return { folder, cluster, binaries: runnableBinaries(packaged, () => folder, undefined), runAs: undefined };
}

function homeOfRoot(dataDir: string, packaged: string): Home {
  const near = join(dataDir, "postgres");
  const far = systemFolder(dataDir);
  const existing = [near, far].find((folder) => existsSync(join(folder, "cluster")));
  const runAs = ownerOf(existing) ?? systemUser();
  const reachable = run(["/bin/sh", "-c", 'cd "$1"', "sh", dataDir], runAs).ok;
  if (existing === near && !reachable) {
    throw new Error(
      `The database in ${near} runs as user ${runAs.uid}, who cannot enter ${dataDir}. Let others pass through every folder above it (chmod o+x).`,
    );
  }
  const folder = existing ?? (reachable ? near : far);
  if (folder === far) makeSystemFolder();
  makeFolder(folder, 0o711);
  // What the server's user could write here, it could replace by a link for root to follow: it may only pass through.
  chmodSync(folder, 0o711);
  if (folder === far) writeFileSync(join(far, "data-dir"), `${dataDir}\n`); // tells an operator whose database this is
  const cluster = join(folder, "cluster");
  if (existing !== undefined && lstatSync(cluster).uid === 0) giveTo(runAs, cluster);
  return { folder, cluster, binaries: runnableBinaries(packaged, makeSystemFolder, runAs), runAs };
}

function systemFolder(dataDir: string): string {
  return join(SYSTEM_FOLDER, createHash("sha256").update(dataDir).digest("hex").slice(0, 16));
}

function makeSystemFolder(): string {
  makeFolder(SYSTEM_FOLDER, 0o755);
  const found = lstatSync(SYSTEM_FOLDER);
  if (!found.isDirectory() || found.uid !== 0) {
    throw new Error(
      `${SYSTEM_FOLDER} must be a folder that belongs to root. Run: chown root ${SYSTEM_FOLDER}`,
    );
  }
  return SYSTEM_FOLDER;
}

function makeFolder(folder: string, mode: number): void {
  if (existsSync(folder)) return;
  try {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode);
  } catch (err) {
    throw new Error(
      `Cannot make the folder ${folder}: ${String(err)}. Set DATA_DIR to a folder that this user can write.`,
      { cause: err },
    );
  }
}

function ownerOf(folder: string | undefined): SystemUser | undefined {
  if (folder === undefined) return undefined;
  const { uid, gid } = lstatSync(join(folder, "cluster"));
  return uid === 0 ? undefined : { uid, gid };
}

function systemUser(): SystemUser {
  for (const name of SYSTEM_USERS) {
    const uid = run(["id", "-u", name], undefined);
    const gid = run(["id", "-g", name], undefined);
    if (uid.ok && gid.ok) return { uid: Number(uid.output), gid: Number(gid.output) };
  }
  throw new Error(
    "Postgres refuses to run as root, and there is no user postgres or nobody to run it. Run: useradd --system postgres",
  );
}
