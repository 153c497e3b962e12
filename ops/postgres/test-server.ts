import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../../db/embedded.ts";
import { isAlive } from "../../db/embedded/postmaster.ts";
import { makeMigrated } from "./scratch.ts";

const DATABASE = "blockbot";

/** A Postgres server of its own with one database, which can be stopped, frozen, and started again at the same address. */
export async function startTestServer() {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-outage-"));
  chmodSync(folder, 0o755); // started as root, the server runs as a user who must get in
  const launch = () => startEmbeddedPostgres({ dataDir: folder, durable: false });
  let server = await launch();
  const password = await makeMigrated(server, DATABASE);
  // Each of its processes has a group of its own.
  function signal(name: "SIGSTOP" | "SIGCONT"): void {
    const file = `/proc/${server.pid}/task/${server.pid}/children`;
    const children = existsSync(file) ? readFileSync(file, "utf8").trim().split(" ") : [];
    for (const pid of [server.pid, ...children.map(Number)]) {
      if (isAlive(pid)) process.kill(pid, name);
    }
  }

  return {
    database: {
      databaseUrl: server.url({ user: "blockbot_app", password }, DATABASE),
      adminUrl: server.adminUrl.replace(/\/postgres$/, `/${DATABASE}`),
      drop: async () => undefined, // it goes with its server
    },
    /** Sessions are ended, and nothing listens there any more. */
    stop: () => server.stop(),
    async start(): Promise<void> {
      server = await launch();
    },
    /** Connections stay open and nothing is answered, until it is thawed. */
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    async [Symbol.asyncDispose](): Promise<void> {
      signal("SIGCONT");
      await server.stop();
      rmSync(server.folder, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
