import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createSql } from "./client.ts";
import { packagedBinaries } from "./embedded/binaries.ts";
import { isServerOf } from "./embedded/postmaster.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "./embedded.ts";

const SYSTEM_FOLDER = "/var/lib/blockbot";
const NOBODY = 65_534;
const MODULE = fileURLToPath(new URL("./embedded.ts", import.meta.url));
const isRoot = process.getuid?.() === 0;

test("a database is made once, keeps its data and its port, and asks everybody for a password", async () => {
  await using folder = temporaryFolder(0o755);
  mkdirSync(join(folder.path, "postgres/cluster.killed"), { recursive: true });
  const first = await startEmbeddedPostgres({ dataDir: folder.path });
  expect(readdirSync(first.folder)).not.toContain("cluster.killed");
  await run(first.adminUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
  expect(await run(first.adminUrl, "SHOW data_checksums")).toEqual([{ data_checksums: "on" }]);
  expect(await run(first.adminUrl, "SHOW fsync")).toEqual([{ fsync: "on" }]);
  expect(await run(first.adminUrl, "SHOW server_encoding")).toEqual([{ server_encoding: "UTF8" }]);
  const stranger = first.url({ user: "postgres", password: "guess" }, "postgres");
  await expect(run(stranger, "SELECT 1")).rejects.toThrow("password authentication failed");
  expect(statSync(join(first.folder, "superuser-password")).mode & 0o777).toBe(0o600);
  await Promise.all([first.stop(), first.stop()]);
  expect(isRunning(first)).toBe(false);

  const second = await startEmbeddedPostgres({ dataDir: folder.path });
  expect(second.port).toBe(first.port);
  expect(await run(second.adminUrl, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await second.stop();

  const squatter = createServer();
  await new Promise<void>((done) => squatter.listen(first.port, "127.0.0.1", done));
  const third = await startEmbeddedPostgres({ dataDir: folder.path });
  expect(third.port).not.toBe(first.port);
  expect(await run(third.adminUrl, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await third.stop();
  squatter.close();
});

test("after kill -9 of the program, the next start takes its server over with all committed data", async () => {
  await using folder = temporaryFolder(0o755);
  const program = await startProgram(folder.path);
  await run(program.adminUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
  await program.kill("SIGKILL");
  expect(isRunning(program)).toBe(true);

  const next = await startEmbeddedPostgres({ dataDir: folder.path, durable: false });
  expect(next.pid).toBe(program.pid);
  expect(await run(next.adminUrl, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  await next.stop();
  expect(isRunning(program)).toBe(false);
});

test("a pid file left by a crash stops neither the next start nor the program that has that pid by now", async () => {
  await using folder = temporaryFolder(0o755);
  const crashed = await startEmbeddedPostgres({ dataDir: folder.path, durable: false });
  const cluster = join(crashed.folder, "cluster");
  process.kill(crashed.pid, "SIGKILL");
  while (isRunning(crashed)) await Bun.sleep(5);
  await crashed.stop();

  const { uid, gid } = statSync(cluster);
  const bystander = spawn("sleep", ["60"], { uid, gid, stdio: "ignore" });
  const pidFile = join(cluster, "postmaster.pid");
  writeFileSync(pidFile, readFileSync(pidFile, "utf8").replace(/^\d+/, String(bystander.pid)));
  const next = await startEmbeddedPostgres({ dataDir: folder.path, durable: false });
  expect(next.pid).not.toBe(Number(bystander.pid));
  expect(await run(next.adminUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await next.stop();
  expect(bystander.exitCode).toBeNull();
  expect(bystander.signalCode).toBeNull();
  bystander.kill();
});

test("programs that start at once on one folder share its server, which ends with the last; another folder has its own", async () => {
  await using shared = temporaryFolder(0o755);
  await using other = temporaryFolder(0o755);
  const [mine, theirs, apart] = await Promise.all([
    startEmbeddedPostgres({ dataDir: shared.path, durable: false }),
    startProgram(shared.path),
    startEmbeddedPostgres({ dataDir: other.path, durable: false }),
  ]);
  const again = await startEmbeddedPostgres({ dataDir: shared.path, durable: false });
  expect(theirs.pid).toBe(mine.pid);
  expect(again.pid).toBe(mine.pid);
  expect(apart.pid).not.toBe(mine.pid);
  expect(apart.port).not.toBe(mine.port);

  await mine.stop();
  await again.stop();
  expect(await run(theirs.adminUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(await theirs.say("stop")).toBe("stopped");
  expect(isRunning(mine)).toBe(false);
  expect(await run(apart.adminUrl, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await apart.stop();
});

test("Ctrl-C on the program's process group leaves the server up until stop()", async () => {
  await using folder = temporaryFolder(0o755);
  const program = await startProgram(folder.path);
  expect(await program.interruptGroup()).toBe("interrupted");
  expect(await program.say("query")).toBe("answered");
  expect(await program.say("stop")).toBe("stopped");
  expect(isRunning(program)).toBe(false);
});

test("a start that cannot work says why and what to do", async () => {
  await using folder = temporaryFolder(0o755);
  const dataDir = folder.path;
  await expect(startEmbeddedPostgres({ dataDir, binaries: "/nowhere" })).rejects.toThrow("Run: npm ci");
  await expect(startEmbeddedPostgres({ dataDir: "/proc/nowhere" })).rejects.toThrow("Set DATA_DIR");

  const server = await startEmbeddedPostgres({ dataDir, durable: false });
  await server.stop();
  appendFileSync(join(server.folder, "cluster/postgresql.conf"), "nonsense = 1\n");
  await expect(startEmbeddedPostgres({ dataDir, durable: false })).rejects.toThrow(
    'unrecognized configuration parameter "nonsense"',
  );
  rmSync(join(server.folder, "superuser-password"));
  await expect(startEmbeddedPostgres({ dataDir, durable: false })).rejects.toThrow(
    "Put it back from a backup",
  );
});

test.skipIf(!isRoot)(
  "as root from a folder closed to others, binaries and data live under /var/lib/blockbot, one place a folder",
  async () => {
    const before = existsSync(SYSTEM_FOLDER) ? readdirSync(SYSTEM_FOLDER) : undefined;
    await using closed = temporaryFolder(0o700);
    await using closedToo = temporaryFolder(0o700);
    const binaries = join(closed.path, "native");
    cpSync(packagedBinaries(), binaries, { recursive: true, verbatimSymlinks: true });
    try {
      const first = await startEmbeddedPostgres({ dataDir: closed.path, binaries, durable: false });
      expect(first.folder).toStartWith(`${SYSTEM_FOLDER}/`);
      expect(statSync(join(first.folder, "cluster")).uid).not.toBe(0);
      expect(lstatSync(first.folder).uid).toBe(0);
      await run(first.adminUrl, "CREATE TABLE kept AS SELECT 42 AS answer");
      const other = await startEmbeddedPostgres({ dataDir: closedToo.path, binaries, durable: false });
      expect(other.folder).not.toBe(first.folder);
      await Promise.all([first.stop(), other.stop()]);

      chmodSync(closed.path, 0o755);
      const opened = await startEmbeddedPostgres({ dataDir: closed.path, binaries, durable: false });
      expect(await run(opened.adminUrl, "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
      await opened.stop();
    } finally {
      for (const name of readdirSync(SYSTEM_FOLDER)) {
        if (before?.includes(name) !== true) {
          const ours = name.startsWith("binaries-") || isOf([closed.path, closedToo.path], name);
          if (ours) rmSync(join(SYSTEM_FOLDER, name), { recursive: true });
        }
      }
      if (before === undefined && readdirSync(SYSTEM_FOLDER).length === 0)
        rmSync(SYSTEM_FOLDER, { recursive: true });
    }
  },
);

test.skipIf(!isRoot)(
  "an ordinary user keeps all in the data folder, and root then runs that database as its owner",
  async () => {
    await using folder = temporaryFolder(0o755);
    const dataDir = join(folder.path, "data");
    mkdirSync(dataDir);
    chownSync(dataDir, NOBODY, NOBODY);
    // As an install without scripts leaves them, in a place that the user cannot write.
    const binaries = join(folder.path, "native");
    cpSync(packagedBinaries(), binaries, {
      recursive: true,
      filter: (source) => !lstatSync(source).isSymbolicLink(),
    });
    const program = await startProgram(dataDir, { binaries, uid: NOBODY });
    const home = join(dataDir, "postgres");
    expect(readdirSync(home).filter((name) => name.startsWith("binaries-"))).toHaveLength(1);
    expect(readFileSync(`/proc/${program.pid}/status`, "utf8")).toMatch(/^Uid:\s65534\s65534/m);
    expect(await program.say("stop")).toBe("stopped");

    rmSync(join(home, "server.log")); // root makes it anew, and must not keep it
    const root = await startEmbeddedPostgres({ dataDir, durable: false });
    expect(root.folder).toBe(home);
    expect(readFileSync(`/proc/${root.pid}/status`, "utf8")).toMatch(/^Uid:\s65534\s65534/m);
    await root.stop();
    const again = await startProgram(dataDir, { binaries, uid: NOBODY });
    expect(await again.say("stop")).toBe("stopped");
  },
);

function temporaryFolder(mode: number): { path: string; [Symbol.asyncDispose](): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), "blockbot-embedded-"));
  chmodSync(path, mode);
  return {
    path,
    async [Symbol.asyncDispose]() {
      // A failed expectation leaves the server running: it must not outlive the test.
      if (existsSync(join(path, "postgres/cluster/postmaster.pid"))) {
        const left = await startEmbeddedPostgres({ dataDir: path, durable: false });
        await left.stop();
      }
      rmSync(path, { recursive: true, force: true });
    },
  };
}

// Not whether the pid exists: the process that inherits an orphan may be slow to bury it.
function isRunning(server: { pid: number; folder: string }): boolean {
  return isServerOf(join(server.folder, "cluster"), server.pid);
}

async function run(url: string, statement: string): Promise<unknown[]> {
  const sql = createSql(url, { max: 1 });
  try {
    return [...(await sql.unsafe(statement))];
  } finally {
    await sql.end();
  }
}

type Program = Pick<EmbeddedPostgres, "pid" | "adminUrl" | "folder"> & {
  say(word: "query" | "stop"): Promise<string>;
  interruptGroup(): Promise<string>;
  kill(signal: NodeJS.Signals): Promise<void>;
};

/** A program of its own process group that has started the folder's server, and does what it is told. */
async function startProgram(
  dataDir: string,
  options: { binaries?: string; uid?: number } = {},
): Promise<Program> {
  const { uid, binaries } = options;
  const source = `
    import { startEmbeddedPostgres } from ${JSON.stringify(MODULE)};
    import { createSql } from ${JSON.stringify(MODULE.replace(/embedded\.ts$/, "client.ts"))};
    const say = (line) => process.stdout.write(line + "\\n");
    process.on("SIGINT", () => say("interrupted"));
    const server = await startEmbeddedPostgres(${JSON.stringify({ dataDir, binaries, durable: false })});
    say(JSON.stringify({ pid: server.pid, adminUrl: server.adminUrl, folder: server.folder }));
    for await (const word of console) {
      if (word === "query") {
        const sql = createSql(server.adminUrl, { max: 1 });
        await sql\`SELECT 1\`;
        await sql.end();
        say("answered");
      } else {
        await server.stop();
        say("stopped");
        process.exit();
      }
    }`;
  const child = spawn(process.execPath, ["--no-env-file", "-e", source], {
    ...(uid === undefined ? {} : { uid, gid: uid }),
    cwd: "/",
    detached: true,
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const hear = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error("the program ended");
    return next.value;
  };
  const started: Pick<EmbeddedPostgres, "pid" | "adminUrl" | "folder"> = JSON.parse(await hear());
  return {
    ...started,
    say(word) {
      child.stdin.write(`${word}\n`);
      return hear();
    },
    interruptGroup() {
      process.kill(-Number(child.pid), "SIGINT");
      return hear();
    },
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

function isOf(dataDirs: string[], name: string): boolean {
  const note = join(SYSTEM_FOLDER, name, "data-dir");
  return existsSync(note) && dataDirs.includes(readFileSync(note, "utf8").trim());
}
