import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, loadConfig, type Config } from "../core/config.ts";
import { parseMasterKeys } from "../core/vault/cipher.ts";
import { dataFolderOf, openDatabase } from "./database.ts";
import { databaseFindings } from "./doctor/database.ts";
import { linesOf, type Finding } from "./doctor/finding.ts";
import { machineFindings } from "./doctor/machine.ts";
import { serviceFindings } from "./doctor/services.ts";
import { explain } from "./failure.ts";
import { SECRETS_FILE } from "./local-secrets.ts";
import { operatorApp } from "./operator.ts";

const KEY_BYTES = 32;
// Where SETUP.md puts the settings of a service that has no .env.
const SERVICE_FILE = "/etc/blockbot/env";
// Nothing is there to connect to, and nothing tries.
const NO_DATABASE = "postgres://nobody@127.0.0.1:1/none";

/** `npm run doctor`: looks at everything that BlockBot needs, beside the running program or without it. Exits 1 when something is wrong. */
async function main(): Promise<void> {
  const findings = await examine(process.env);
  const wrong = findings.filter(({ state }) => state === "wrong").length;
  const verdict =
    wrong === 0 ? "Nothing is wrong." : `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong.`;
  process.stdout.write(`${[...findings.map(linesOf), "", verdict].join("\n")}\n`);
  process.exitCode = wrong === 0 ? 0 : 1;
}

async function examine(env: Record<string, string | undefined>): Promise<Finding[]> {
  const configuration = { part: "Configuration" };
  try {
    const config = loadConfig(env);
    const kind = config.production ? "production" : config.telegram === null ? "the demo" : "a real bot";
    return [{ ...configuration, state: "ok", text: `complete, for ${kind}` }, ...(await examineAll(config))];
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err;
    return err.problems.map((text) => ({ ...configuration, state: "wrong", text }));
  }
}

async function examineAll(config: Config): Promise<Finding[]> {
  const folder = dataFolderOf(config);
  const secretsFile = join(folder, SECRETS_FILE);
  const isStarted = existsSync(secretsFile);
  const database = await openedDatabase(config, folder, isStarted);
  // Keys that are not there yet are the first start's to make.
  const hasKeys = config.masterKeys !== null || isStarted;
  const app = operatorApp(hasKeys ? config : { ...config, ...throwawayKeys() }, {
    folder,
    databaseUrl: database.url ?? NO_DATABASE,
    redisUrl: config.redisUrl,
  });
  try {
    const kind = config.telegram === null ? "demo" : "real";
    const found = database.url === null ? [] : await databaseFindings(app, { kind, hasKeys });
    const hasDatabase = found.length > 1;
    return [
      ...database.findings,
      ...found,
      ...(await serviceFindings(app, config, hasDatabase)),
      ...(await machineFindings(app, config, {
        secretFiles: [".env", SERVICE_FILE, secretsFile],
        hasDatabase,
      })),
    ];
  } finally {
    await app.close();
    await database.close();
  }
}

type Opened = { url: string | null; findings: Finding[]; close: () => Promise<void> };

// A database of one's own is looked at as it is; the embedded one is brought up as a start would.
async function openedDatabase(config: Config, folder: string, isStarted: boolean): Promise<Opened> {
  const part = "Postgres";
  const close = async (): Promise<void> => undefined;
  if (config.database !== null) return { url: config.database.url, findings: [], close };
  if (!isStarted) {
    const text = "embedded, not made yet: npm start makes it";
    return { url: null, findings: [{ part, state: "off", text }], close };
  }
  try {
    return { ...(await openDatabase(config, folder)), findings: [] };
  } catch (err) {
    return { url: null, findings: [{ part, state: "wrong", text: explain(err) }], close };
  }
}

function throwawayKeys(): Pick<Config, "masterKeys" | "jwtSecrets"> {
  const key = randomBytes(KEY_BYTES).toString("base64");
  return { masterKeys: parseMasterKeys(key), jwtSecrets: [key] };
}

await main();
