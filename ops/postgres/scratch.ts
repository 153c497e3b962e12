import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateJobs } from "../../core/jobs.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../../db/embedded.ts";
import { migrate } from "../../db/migrate.ts";
import { prepareDatabase } from "./prepare.ts";

const TEMPLATE = "blockbot_template";
// More than Bun's default of 256: long polls of the simulated Telegram are held open on purpose.
const HTTP_REQUESTS_MAX = 4000;
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "CI"];

export type ScratchServer = {
  /** What a child process gets of ours, and where its databases come from; see `createTestDatabase` in db/test-db.ts. */
  readonly environment: Record<string, string>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
};

/**
 * A Postgres server for one run of tests or benches, with a migrated template
 * database. `durable` as in production, or without fsync. `env` is ours, of
 * which a few keys are passed on.
 */
export async function startScratchServer(
  env: Record<string, string | undefined>,
  { durable }: { durable: boolean },
): Promise<ScratchServer> {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-scratch-"));
  chmodSync(folder, 0o755); // started as root, the server runs as a user who must get in
  let server: EmbeddedPostgres | undefined;
  const stop = async (): Promise<void> => {
    await server?.stop();
    if (server !== undefined) rmSync(server.folder, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    server = await startEmbeddedPostgres({ dataDir: folder, durable });
    const address = await makeTemplate(server);
    return { environment: environmentOf(env, address), stop };
  } catch (err) {
    await stop();
    throw err;
  }
}

async function makeTemplate(server: EmbeddedPostgres): Promise<string> {
  await makeMigrated(server, TEMPLATE);
  const address = new URL(server.adminUrl);
  address.searchParams.set("template", TEMPLATE);
  return address.toString();
}

/** Makes a database with everything in it that a start expects, whose roles all have the superuser's password, and returns that. */
export async function makeMigrated(server: EmbeddedPostgres, database: string): Promise<string> {
  const password = decodeURIComponent(new URL(server.adminUrl).password);
  await prepareDatabase({
    adminUrl: server.adminUrl,
    database,
    passwords: { app: password, migrate: password, backup: password },
  });
  const migrateUrl = server.url({ user: "blockbot_migrate", password }, database);
  await migrate({ migrateUrl });
  await migrateJobs(migrateUrl);
  return password;
}

function environmentOf(env: Record<string, string | undefined>, address: string): Record<string, string> {
  const environment: Record<string, string> = {
    TEST_POSTGRES_URL: address,
    BUN_CONFIG_MAX_HTTP_REQUESTS: String(HTTP_REQUESTS_MAX),
  };
  for (const name of PASSED_ON) {
    const value = env[name];
    if (value !== undefined) environment[name] = value;
  }
  const redis = Bun.which("redis-server");
  if (redis !== null) environment["TEST_REDIS_SERVER"] = redis;
  return environment;
}
