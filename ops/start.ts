import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { createApp, type App } from "../core/app.ts";
import { loadConfig, type Config } from "../core/config.ts";
import { openInstance } from "../core/instance.ts";
import { createLog } from "../core/log.ts";
import { parseMasterKeys } from "../core/vault/cipher.ts";
import { takeSeeds } from "../core/vault/seeds.ts";
import packageFile from "../package.json" with { type: "json" };
import { backupsOf, backUp, nameOfBackup, pruneBackups } from "./backup/files.ts";
import { bindAdmin } from "./admin/server.ts";
import { banner } from "./banner.ts";
import { dataFolderOf, openDatabase } from "./database.ts";
import { explain } from "./failure.ts";
import { localSecrets } from "./local-secrets.ts";
import { ROLES, startProduct, type ProcessRole } from "./product.ts";

// npm and the terminal both pass Ctrl-C on: a second signal counts only after this.
const SIGNAL_ECHO_MS = 1_000;
const BANNER_PATIENCE_MS = 3_000;

type Closer = () => Promise<void>;

await main();

async function main(): Promise<void> {
  endWhenNobodyCatches();
  const closers: Closer[] = [];
  let closing: Promise<void> | null = null;
  const closeAll: Closer = () => (closing ??= closeInReverse(closers));
  try {
    const config = loadConfig(process.env);
    const roles = rolesOf(process.argv.slice(2));
    // Signals are listened for before anything is started.
    const starting = Promise.resolve().then(() => start(config, roles, closers));
    const stopping = stopOnSignal(starting, closeAll);
    const started = await starting;
    if (!stopping()) await announce(started);
    await started.gaveUp;
    if (started.gaveUp !== null && !stopping())
      throw new Error("Polling has stalled twice in a row. Let a supervisor start this again.");
  } catch (err) {
    process.stderr.write(`${explain(err)}\n`);
    await end(closeAll, 1);
  }
}

/** Brings up everything, and puts into `closers` how to end each part that stands. */
async function start(config: Config, roles: readonly ProcessRole[], closers: Closer[]) {
  const door = roles.includes("admin") ? bindAdmin(config.admin) : null;
  if (door !== null) closers.push(door.stop);
  const simulated = config.telegram === null;
  const folder = dataFolderOf(config);
  const secrets = config.production ? null : localSecrets(folder);
  const database = await openDatabase(config, folder);
  closers.push(database.close);
  const demo = simulated ? await openDemo(config, folder) : null;
  if (demo !== null) closers.push(demo.stop);
  const telegram = config.telegram ?? demo?.telegram;
  if (telegram === undefined) throw new Error("there is neither a real nor a simulated Telegram");

  const practice = demo?.claudeUrl ?? null;
  const app = createApp({
    version: packageFile.version,
    logLevel: config.logLevel,
    databaseUrl: database.url,
    redisUrl: config.redisUrl,
    masterKeys: config.masterKeys ?? parseMasterKeys(secrets?.masterKey ?? ""),
    claude:
      practice === null
        ? config.claude
        : { ...config.claude, apiKey: "practice-model-needs-no-key", baseUrl: practice },
    disk: { folder },
    mail: config.mail ?? demo?.mail ?? null,
    publicUrl: config.publicUrl ?? door?.url ?? `http://127.0.0.1:${config.admin.port}`,
    jwtSecrets: config.jwtSecrets ?? [secrets?.jwtSecret ?? ""],
    operatorChatIds: config.operatorChatIds,
    teamCreation: config.teamCreation,
    limitRules: config.limits,
    budgetRules: config.budgets,
    prices: config.prices,
    oauthClients: config.oauthClients,
    seeds: config.seeds,
  });
  closers.push(app.close);
  const ownerCode = await open(app, config);
  await takeSeeds(app);
  const product = await startProduct(app, {
    roles,
    bot: telegram,
    door,
    admin: { ...config.admin, corsOrigins: config.corsOrigins },
    backUp: nightlyBackup(config, folder),
  });
  closers.push(product.stop);
  return {
    app,
    config,
    roles,
    ownerCode,
    pageUrl: demo?.pageUrl ?? null,
    practice: practice !== null,
    folder,
    ...product,
  };
}

// Only the demo loads the simulators.
async function openDemo({ demoPort, claude, oauthClients }: Config, folder: string) {
  const { startDemo } = await import("./demo.ts");
  return startDemo({
    folder,
    port: demoPort,
    practiceClaude: claude.apiKey === null && oauthClients.claude === null,
  });
}

/** What the worker does at night, or null without a passphrase or a login that may read everything. */
function nightlyBackup({ backupPassphrase: passphrase, database }: Config, folder: string) {
  const url = database?.backupUrl ?? null;
  if (passphrase === null || url === null) return null;
  return async (): Promise<void> => {
    const backups = backupsOf(folder);
    mkdirSync(backups, { recursive: true });
    await backUp(nameOfBackup(backups, new Date()), { url, passphrase, version: packageFile.version });
    pruneBackups(backups);
  };
}

function open(app: App, config: Config): Promise<string | null> {
  return openInstance(app, config.telegram === null ? "demo" : "real", config.setupCode);
}

async function announce(started: Awaited<ReturnType<typeof start>>): Promise<void> {
  const { app, config, pageUrl } = started;
  // With Telegram away the banner must not wait: the link follows in the log when the name is known.
  const known =
    started.polling === null
      ? null
      : await Promise.race([started.polling, app.clock.sleep(BANNER_PATIENCE_MS).then(() => null)]);
  process.stdout.write(banner({ ...started, botUsername: known?.username ?? null }));
  const bot = await started.polling;
  if (bot === null || known !== null) return;
  // Read again: much may have happened before this process got the bot.
  const ownerCode = await open(app, config).catch((err: unknown) => {
    app.log.warn({ err }, "whether the bot has an owner could not be read");
    return null;
  });
  if (ownerCode === null) return;
  const ownerLink = `${pageUrl === null ? `https://t.me/${bot.username}` : `${pageUrl}/`}?start=${ownerCode}`;
  app.log.info({ ownerLink }, "whoever opens this link first owns the bot");
}

/** By itself Bun prints such an error as it is, also when an address with the token in it is named, and outside the log. */
function endWhenNobodyCatches(): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (err: unknown) => {
      createLog({ level: "fatal" }).fatal({ err }, "an error that nobody caught ends the program");
      process.exit(1);
    });
}

/** A signal during the start lets it come to its end first, so that nothing half-started is left behind. */
function stopOnSignal(starting: Promise<unknown>, closeAll: Closer): () => boolean {
  let askedAt: number | null = null;
  const onSignal = (): void => {
    if (askedAt !== null) {
      if (Date.now() - askedAt > SIGNAL_ECHO_MS) process.exit(130);
      return;
    }
    askedAt = Date.now();
    process.stdout.write("\nFinishing running answers, then stopping. Ctrl-C again stops at once.\n");
    starting.then(
      () => end(closeAll, 0),
      () => undefined, // `main` hears of it too, and ends
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return () => askedAt !== null;
}

async function end(closeAll: Closer, code: number): Promise<never> {
  try {
    await closeAll();
  } catch (err) {
    process.stderr.write(`${explain(err)}\n`);
    process.exit(1);
  }
  process.exit(code);
}

async function closeInReverse(closers: Closer[]): Promise<void> {
  const failures: unknown[] = [];
  // One that fails must not keep the others from being closed, the database server least of all.
  for (const close of closers.toReversed()) await close().catch((err: unknown) => failures.push(err));
  if (failures.length > 0) throw failures[0];
}

function rolesOf(args: string[]): readonly ProcessRole[] {
  const { values } = parseArgs({ args, options: { role: { type: "string", multiple: true } } });
  const chosen = values.role ?? [];
  const unknown = chosen.find((role) => !ROLES.some((known) => known === role));
  if (unknown !== undefined)
    throw new Error(`--role ${unknown} is not known. Use ${ROLES.join(", ")}, or none for all of them.`);
  return chosen.length === 0 ? ROLES : ROLES.filter((role) => chosen.includes(role));
}
