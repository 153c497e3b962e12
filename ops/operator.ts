import { createApp, type App } from "../core/app.ts";
import { loadConfig, type Config } from "../core/config.ts";
import { openInstance } from "../core/instance.ts";
import { createLog } from "../core/log.ts";
import { newCorrelationId, type Scope } from "../core/scope.ts";
import { parseMasterKeys } from "../core/vault/cipher.ts";
import packageFile from "../package.json" with { type: "json" };
import { dataFolderOf, openDatabase } from "./database.ts";
import { explain } from "./failure.ts";
import { localSecrets } from "./local-secrets.ts";

/**
 * Runs a program of the operator beside the running product, on the same
 * database and keys. Says what went wrong and sets the exit code. What `work`
 * returns is printed; the log goes to the error stream.
 */
export async function runAsOperator(
  work: (app: App, config: Config) => Promise<string>,
  env: Record<string, string | undefined> = process.env,
): Promise<void> {
  try {
    process.stdout.write(`${await onInstance(loadConfig(env), work)}\n`);
  } catch (err) {
    process.stderr.write(`${explain(err)}\n`);
    process.exitCode = 1;
  }
}

/** The operator as somebody who acts for this team. */
export function operatorScope(app: App, team: { orgId: string; name: string }, program: string): Scope {
  const { orgId, name } = team;
  return {
    app,
    orgId,
    team: name,
    actor: { type: "operator", name: program },
    correlationId: newCorrelationId(),
    locale: "en",
    timeZone: "UTC",
    log: app.log.child({ orgId }),
  };
}

async function onInstance(
  config: Config,
  work: (app: App, config: Config) => Promise<string>,
): Promise<string> {
  const simulated = config.telegram === null;
  const folder = dataFolderOf(config);
  const database = await openDatabase(config, folder);
  try {
    const app = operatorApp(config, { folder, databaseUrl: database.url, redisUrl: null });
    try {
      await openInstance(app, simulated ? "demo" : "real", config.setupCode);
      return await work(app, config);
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}

/** An app for a program of the operator, with the keys of the installation; its log goes to the error stream. */
export function operatorApp(
  config: Config,
  at: { folder: string; databaseUrl: string; redisUrl: string | null },
): App {
  const isComplete = config.masterKeys !== null && config.jwtSecrets !== null;
  const secrets = isComplete || config.production ? null : localSecrets(at.folder);
  return createApp(
    {
      version: packageFile.version,
      logLevel: "warn",
      databaseUrl: at.databaseUrl,
      redisUrl: at.redisUrl,
      masterKeys: config.masterKeys ?? parseMasterKeys(secrets?.masterKey ?? ""),
      jwtSecrets: config.jwtSecrets ?? [secrets?.jwtSecret ?? ""],
      claude: config.claude,
      disk: { folder: at.folder },
      mail: config.mail,
      publicUrl: config.publicUrl ?? `http://127.0.0.1:${config.admin.port}`,
      operatorChatIds: config.operatorChatIds,
      teamCreation: config.teamCreation,
      limitRules: config.limits,
      budgetRules: config.budgets,
      prices: config.prices,
      oauthClients: config.oauthClients,
      seeds: config.seeds,
    },
    { log: createLog({ level: "warn", destination: process.stderr }) },
  );
}
