import { createApp, type App, type AppSettings } from "../../core/app.ts";
import type { DatabaseBounds } from "../../bot/database-watch.ts";
import type { MonitorBounds } from "../../core/claude/monitor.ts";
import type { PartBounds } from "../../core/part-outages.ts";
import { loadConfig, type TeamCreation } from "../../core/config.ts";
import { createLog } from "../../core/log.ts";
import { openInstance } from "../../core/instance.ts";
import { parseMasterKeys } from "../../core/vault/cipher.ts";
import { testSettings } from "../../core/test-app.ts";
import { createTestDatabase } from "../../db/test-db.ts";
import { ROLES, startProduct, type ProcessRole } from "../product.ts";
import { bindAdmin, type AdminDoor } from "../admin/server.ts";
import { createClaudeSim, type ClaudeSim } from "./claude/server.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { createMailSim, type MailSim } from "./mail.ts";
import { createTelegramSim, type TelegramSim } from "./telegram/server.ts";
import type { SimMessage } from "./telegram/message.ts";

/** The cast of every scenario. */
export const ALICE = 1001;
export const BOB = 1002;
export const STRANGER = 1003;
export const GROUP = -1_001_000_000_001;
export const FORUM = -1_001_000_000_002;

// Long enough for every backoff on the way; a test that needs it all has failed.
const PATIENCE_MS = 20_000;
const POLL_MS = 20;
/** The bot token of every world. */
export const TOKEN = "7000000001:SIMULATED_TELEGRAM_TOKEN_for_scenarios";
const OWNER_CODE = "owner-code-of-this-world";
// Any 32 bytes that are not a pattern.
const ROOMY = { LIMIT_PERSON_PER_MINUTE: "1000", LIMIT_TEAM_PER_MINUTE: "10000" };
const MASTER_KEY = "5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";

const ANY_PACE = { burst: 1_000, refillMs: 1 };
const UNBOUNDED = { private: ANY_PACE, groupSend: ANY_PACE, groupEdit: ANY_PACE };

export type World = {
  readonly app: App;
  readonly telegram: TelegramSim;
  readonly claude: ClaudeSim;
  readonly mail: MailSim;
  readonly adminUrl: string;
  readonly ownerCode: string;
  /** Every log line so far, parsed. */
  readonly log: readonly Record<string, unknown>[];
  readonly databaseUrl: string;
  readonly adminDatabaseUrl: string;
  /** Alice opens the owner link and keeps the suggested name. */
  claimTeam(): Promise<void>;
  /** What the bot has written in a chat, oldest first. */
  heard(chat: number, thread?: number): SimMessage[];
  /** Waits for a message of the bot that contains `part`, with no Stop button under it any more. */
  hears(chat: number, part: string, thread?: number): Promise<SimMessage>;
  /** Presses the button with this label under the newest message of the bot that has it. */
  press(from: number, label: string, chat?: number): string;
  /** Stops the bot side cleanly, as Ctrl-C does, and starts it again on the same state, with these settings changed. */
  restart(changed?: WorldSettings): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

type WorldDatabase = {
  readonly databaseUrl: string;
  readonly adminUrl: string;
  drop(): Promise<void>;
};

export type WorldSettings = {
  redisUrl?: string;
  /** Keys of the environment that set a limit, a budget or a price; without them the bot's limits are out of the way. */
  limits?: Record<string, string>;
  teamCreation?: TeamCreation;
  /** What the environment says about connections. */
  connections?: Partial<Pick<AppSettings, "oauthClients" | "seeds">>;
  /** False where nothing is said about pace: neither Telegram nor our own budget holds a message back. */
  rateLimits?: boolean;
  /** Another key, address or patience with Claude than usual. */
  claude?: Partial<AppSettings["claude"]>;
  monitor?: Partial<MonitorBounds>;
  parts?: Partial<PartBounds>;
  postgres?: Partial<DatabaseBounds>;
  /** Other than one on the server of the test run. */
  database?: WorldDatabase;
  roles?: readonly ProcessRole[];
  corsOrigins?: readonly string[];
};

/**
 * The whole product on real Postgres and on the simulators, each world with a
 * database of its own. Its end checks that the simulators had no call to
 * refuse for its shape.
 */
export async function startWorld(
  script: ClaudeScript = () => ({ text: "Hello from Claude." }),
  settings: WorldSettings = {},
): Promise<World> {
  const database = settings.database ?? (await createTestDatabase());
  const claude = await createClaudeSim({ script });
  const telegram = await createTelegramSim({
    statePath: ":memory:",
    token: TOKEN,
    botUsername: "blockbot_demo_bot",
    rateLimits: settings.rateLimits ?? true,
  });
  populate(telegram);
  const mail = await createMailSim({ statePath: ":memory:" });
  const log: Record<string, unknown>[] = [];
  const surroundings = { databaseUrl: database.databaseUrl, claude, telegram, mail, log };
  let port = 0;
  const boot = async (changed: WorldSettings = {}) => {
    const door = bindAdmin({ host: "127.0.0.1", port });
    port = Number(new URL(door.url).port); // what was mailed before a restart leads to the same place after it
    return bootProduct({ ...surroundings, settings: { ...settings, ...changed } }, door);
  };
  let running = await boot();
  return {
    ...chatOf(telegram),
    get app() {
      return running.app;
    },
    get adminUrl() {
      return running.adminUrl;
    },
    telegram,
    claude,
    mail,
    ownerCode: OWNER_CODE,
    log,
    databaseUrl: database.databaseUrl,
    adminDatabaseUrl: database.adminUrl,
    async restart(changed) {
      await running.stop();
      running = await boot(changed);
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      const violations = [telegram, claude, mail].flatMap((sim) =>
        sim.violations.map(({ description }) => description),
      );
      await telegram.stop();
      await claude.stop();
      await mail.stop();
      await database.drop();
      if (violations.length > 0)
        throw new Error(`calls that the real services would refuse: ${violations.join("; ")}`);
    },
  };
}

type Surroundings = {
  databaseUrl: string;
  claude: ClaudeSim;
  telegram: TelegramSim;
  mail: MailSim;
  log: Record<string, unknown>[];
  settings: WorldSettings;
};

async function bootProduct(surroundings: Surroundings, door: AdminDoor) {
  const { databaseUrl, claude, telegram, mail, log, settings } = surroundings;
  const config = loadConfig({ ...ROOMY, ...settings.limits });
  const app = createApp(
    {
      ...testSettings(databaseUrl),
      redisUrl: settings.redisUrl ?? null,
      masterKeys: parseMasterKeys(MASTER_KEY),
      claude: {
        apiKey: "a-key-for-the-simulator",
        baseUrl: claude.url,
        model: "claude-sonnet-5-5",
        ...settings.claude,
      },
      mail: { apiKey: "re_simulated", baseUrl: mail.url, from: "BlockBot <hello@blockbot.example>" },
      publicUrl: door.url,
      ...settings.connections,
      teamCreation: settings.teamCreation ?? "first-team-owners",
      limitRules: config.limits,
      budgetRules: config.budgets,
      prices: config.prices,
    },
    { log: createLog({ level: "trace", destination: { write: (line) => void log.push(JSON.parse(line)) } }) },
  );
  await openInstance(app, "demo", OWNER_CODE);
  const roles = settings.roles ?? ROLES;
  const product = await startProduct(app, {
    backUp: null,
    roles,
    bot: {
      token: TOKEN,
      apiRoot: telegram.url,
      ...(settings.rateLimits === false ? { allowances: UNBOUNDED } : {}),
      ...(settings.monitor === undefined ? {} : { monitor: settings.monitor }),
      ...(settings.parts === undefined ? {} : { parts: settings.parts }),
      ...(settings.postgres === undefined ? {} : { database: settings.postgres }),
    },
    door: roles.includes("admin") ? door : null,
    admin: { healthToken: null, trustedProxies: [], corsOrigins: settings.corsOrigins ?? [] },
  });
  await product.polling;
  return {
    app,
    adminUrl: product.adminUrl ?? "",
    async stop(): Promise<void> {
      await product.stop();
      await door.stop();
      await app.close();
    },
  };
}

function chatOf(telegram: TelegramSim): Pick<World, "heard" | "hears" | "press" | "claimTeam"> {
  const heard = (chat: number, thread?: number) =>
    telegram.messages(chat, thread).filter((message) => message.fromBot);
  const hears = (chat: number, part: string, thread?: number) =>
    telegram.waitFor(
      () => heard(chat, thread).find((message) => message.text.includes(part) && !hasButton(message, "Stop")),
      PATIENCE_MS,
    );
  return {
    heard,
    hears,
    press(from, label, chat = from) {
      const message = heard(chat).findLast((candidate) => hasButton(candidate, label));
      const data = message?.buttons.flat().find((button) => button.text === label)?.data;
      if (message === undefined || data === undefined)
        throw new Error(`no message in ${chat} has a button ${label}`);
      return telegram.press({ from, chat, messageId: message.messageId, data });
    },
    async claimTeam() {
      telegram.say({ from: ALICE, text: `/start ${OWNER_CODE}` });
      await hears(ALICE, "You are the owner");
    },
  };
}

/** Waits for something that the simulators do not announce, such as a log line. */
export async function until(holds: () => boolean): Promise<void> {
  for (const startedAt = performance.now(); !holds(); await Bun.sleep(POLL_MS)) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`still not so: ${holds.toString()}`);
  }
}

/** Whether a button of this label stands under a message. */
export function hasButton(message: SimMessage, label: string): boolean {
  return message.buttons.flat().some((button) => button.text === label);
}

function populate(telegram: TelegramSim): void {
  telegram.addPerson({ id: ALICE, firstName: "Alice", username: "alice", languageCode: "en" });
  telegram.addPerson({ id: BOB, firstName: "Bob", username: "bob", languageCode: "en" });
  telegram.addPerson({ id: STRANGER, firstName: "Sam", username: "sam", languageCode: "en" });
  telegram.addGroup({ id: GROUP, title: "Team room", members: [ALICE, BOB, STRANGER], botIsMember: true });
  telegram.addGroup({
    id: FORUM,
    title: "Project hub",
    members: [ALICE, BOB],
    forum: true,
    topics: ["Design", "Website"],
    botIsMember: true,
  });
}
