import { rmSync } from "node:fs";
import { createSql } from "./client.ts";
import { createCluster, SUPERUSER, superuserPassword } from "./embedded/cluster.ts";
import { findHome, leaveToOwner, type Home } from "./embedded/home.ts";
import { HOST, launchServer, START_MS_MAX } from "./embedded/launch.ts";
import { isUnused, lockFolder, useServer } from "./embedded/lock.ts";
import {
  isAlive,
  isServerOf,
  pidFile,
  readPostmaster,
  stopPostmaster,
  type Postmaster,
} from "./embedded/postmaster.ts";

export type EmbeddedPostgres = {
  /** A DSN for a role that exists; says nothing about whether it may sign in. */
  url(role: { user: string; password: string }, database: string): string;
  /** The superuser's DSN of database `postgres`. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  /** Where the data really are: below `dataDir`, or below /var/lib/blockbot as root from a closed folder. */
  readonly folder: string;
  /** Ends every session and the server, unless another process of ours still uses it. Once; later calls wait for the first. */
  stop(): Promise<void>;
};

type Log = (line: string) => void;
type Running = {
  readonly pid: number;
  readonly port: number;
  readonly adminUrl: string;
  readonly version: string;
};

const ANSWER_MS_MAX = 10_000;
const POLL_MS = 10;

/**
 * Starts the Postgres server of a data folder from npm's binaries, or adopts
 * the one that is already running there: an orphan of a killed process, or
 * another process's. It runs in a session of its own, so that Ctrl-C does not
 * reach it before `stop()`, and it outlives us when nobody calls that.
 * `durable: false` switches fsync off, for data that may be lost with the machine.
 * Throws an error that names the fix.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  binaries?: string;
  durable?: boolean;
  log?: Log;
}): Promise<EmbeddedPostgres> {
  const home = findHome(options);
  const log = options.log ?? (() => undefined);
  const lock = await lockFolder(home.folder);
  try {
    const use = useServer(home.folder);
    try {
      const server = await adoptOrStart(home, options.durable ?? true, log);
      return handle(home, server, () => use.release());
    } catch (err) {
      use.release();
      throw err;
    } finally {
      if (home.runAs !== undefined) leaveToOwner(home.folder);
    }
  } finally {
    lock.release();
  }
}

function handle(home: Home, server: Running, leave: () => void): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  return {
    url: (role, database) => dsn(role, server.port, database),
    adminUrl: server.adminUrl,
    port: server.port,
    pid: server.pid,
    version: server.version,
    folder: home.folder,
    stop: () => (stopped ??= stop(home, server, leave)),
  };
}

async function stop(home: Home, server: Running, leave: () => void): Promise<void> {
  const lock = await lockFolder(home.folder);
  try {
    leave();
    if (isUnused(home.folder)) await stopPostmaster(home.cluster, server.pid);
  } finally {
    lock.release();
  }
}

async function adoptOrStart(home: Home, durable: boolean, log: Log): Promise<Running> {
  const password = superuserPassword(home);
  if (createCluster(home, password, durable)) log(`Postgres: a new database was made in ${home.cluster}`);
  return (await adopt(home, password, log)) ?? (await start(home, password, durable));
}

async function adopt(home: Home, password: string, log: Log): Promise<Running | undefined> {
  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    const found = readPostmaster(home.cluster);
    if (found === undefined) return undefined;
    if (!isServerOf(home.cluster, found.pid)) {
      // Postgres itself clears the file of a dead server, but not when another program has that pid by now.
      if (isAlive(found.pid)) rmSync(pidFile(home.cluster), { force: true });
      return undefined;
    }
    if (found.status === "ready") {
      try {
        return await ask(home, found, password);
      } catch (err) {
        log(
          `Postgres: the server that runs in ${home.cluster} does not answer (${String(err)}) and is stopped`,
        );
      }
    }
    if (found.status === "ready" || Date.now() > deadline) {
      await stopPostmaster(home.cluster, found.pid);
      return undefined;
    }
    await Bun.sleep(POLL_MS);
  }
}

async function start(home: Home, password: string, durable: boolean): Promise<Running> {
  const started = await launchServer(home, durable);
  try {
    return await ask(home, started, password);
  } catch (err) {
    await stopPostmaster(home.cluster, started.pid);
    throw err;
  }
}

// Proves with our password that what listens there is the server of this very folder.
async function ask(home: Home, { pid, port }: Postmaster, password: string): Promise<Running> {
  const adminUrl = dsn({ user: SUPERUSER, password }, port, "postgres");
  const sql = createSql(adminUrl, { max: 1 });
  const late = AbortSignal.timeout(ANSWER_MS_MAX);
  try {
    const [row] = await Promise.race([
      sql`SELECT current_setting('data_directory') AS cluster, current_setting('server_version') AS version`,
      new Promise<never>((_, reject) =>
        late.addEventListener("abort", () => reject(new Error("no answer in time"))),
      ),
    ]);
    if (row?.["cluster"] !== home.cluster) throw new Error(`port ${port} is the server of another folder`);
    return { pid, port, adminUrl, version: String(row["version"]) };
  } finally {
    await sql.end({ timeout: 0 });
  }
}

function dsn(role: { user: string; password: string }, port: number, database: string): string {
  const [user, password, name] = [role.user, role.password, database].map(encodeURIComponent);
  return `postgres://${user}:${password}@${HOST}:${port}/${name}`;
}
