import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { createSql, type Sql } from "../db/client.ts";
import { createTestDatabase } from "../db/test-db.ts";
import { createApp, type App, type AppSettings } from "./app.ts";
import { systemClock } from "./clock.ts";
import { loadConfig } from "./config.ts";
import { AppError, type ErrorCode } from "./errors.ts";
import { createLog } from "./log.ts";
import { takeLease, type Lease } from "./pipeline/lease.ts";
import { newCorrelationId, type Role, type Scope } from "./scope.ts";
import { parseMasterKeys } from "./vault/cipher.ts";

const BOT_ID = 4711;
const TEST_KEYS = parseMasterKeys(createHash("sha256").update("the key of every test").digest("base64"));

/** An app on a database of its own, and the superuser's way around its walls. For tests only. */
export type TestApp = {
  readonly app: App;
  readonly admin: Sql;
  readonly urls: { readonly databaseUrl: string; readonly migrateUrl: string; readonly adminUrl: string };
  /** Moves the app's clock; Postgres keeps its own. */
  pass(ms: number): void;
  /** One more process on the same database; the caller closes it. */
  another(settings?: Partial<AppSettings>): App;
  /** A new team with its owner, who speaks English. */
  team(telegramUserId: number, name?: string): Promise<Scope>;
  /** One more person of the same team, as the scope of what they ask. */
  member(team: Scope, telegramUserId: number, role: Role): Promise<Scope>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** What an app of a test is made with, as a rule: no Redis, no Claude, the production limits. */
export function testSettings(databaseUrl: string): AppSettings {
  const { limits, budgets, oauthClients } = loadConfig({});
  return {
    version: "0.0.0",
    logLevel: "silent",
    databaseUrl,
    redisUrl: null,
    masterKeys: TEST_KEYS,
    claude: { apiKey: null, baseUrl: "http://127.0.0.1:1", model: "claude-sonnet-5-5" },
    disk: { folder: tmpdir(), freeBytesMin: 0 },
    mail: null,
    publicUrl: "https://bot.example.test",
    jwtSecrets: ["ZEn2bDHHj7qEWWnqmIFKvVtFhUuZ2xr8Cw4l1MDqjX0="],
    operatorChatIds: [],
    teamCreation: "first-team-owners",
    limitRules: limits,
    budgetRules: budgets,
    prices: [],
    oauthClients,
    seeds: [],
  };
}

/** Logs nothing, asks no Claude, and has a master key that never changes. */
export async function createTestApp(settings: Partial<AppSettings> = {}): Promise<TestApp> {
  const database = await createTestDatabase();
  const admin = createSql(database.adminUrl, { max: 2 });
  let passedMs = 0;
  const clock = { ...systemClock, now: () => Date.now() + passedMs };
  const another = (others: Partial<AppSettings> = {}) =>
    createApp(
      { ...testSettings(database.databaseUrl), ...settings, ...others },
      { clock, log: createLog({ level: "silent" }) },
    );
  const app = another();

  async function member(orgId: string, team: string, who: { id: number; role: Role }): Promise<Scope> {
    const name = `Person ${who.id}`;
    const [account] =
      await admin`INSERT INTO auth.accounts (telegram_user_id, display_name, current_org_id) VALUES (${who.id}, ${name}, ${orgId})
      ON CONFLICT (telegram_user_id) DO UPDATE SET display_name = excluded.display_name RETURNING id`;
    const accountId = String(account?.["id"]);
    const [user] =
      await admin`INSERT INTO app.users (org_id, account_id, role, display_name) VALUES (${orgId}, ${accountId}, ${who.role}, ${name}) RETURNING id`;
    return {
      app,
      orgId,
      team,
      actor: { type: "user", userId: String(user?.["id"]), accountId, role: who.role, name },
      correlationId: newCorrelationId(),
      locale: "en",
      timeZone: "UTC",
      log: app.log,
    };
  }

  return {
    app,
    admin,
    urls: database,
    pass(ms) {
      passedMs += ms;
    },
    another,
    async team(telegramUserId, name = `Team of ${telegramUserId}`) {
      const [org] = await admin`INSERT INTO app.organizations (name) VALUES (${name}) RETURNING id`;
      // Its log is as one of which all rows are past their time.
      await admin`INSERT INTO app.audit_heads VALUES (${String(org?.["id"])}, 0, '\\x00')`;
      return member(String(org?.["id"]), name, { id: telegramUserId, role: "owner" });
    },
    member: (team, telegramUserId, role) => member(team.orgId, team.team, { id: telegramUserId, role }),
    async [Symbol.asyncDispose]() {
      await app.close();
      await admin.end();
      await database.drop();
    },
  };
}

/** Takes the bot's lease, from whoever of this process holds it. */
export async function leaseOf(app: App): Promise<Lease> {
  const lease = await takeLease(app, { id: BOT_ID, username: "block_bot" });
  if ("heldBy" in lease) throw new Error(`the lease is held by ${lease.heldBy}`);
  return lease;
}

/** The code that `work` is refused with; fails when it is not refused, or for a reason that no person reads. */
export async function refusalOf(work: Promise<unknown>): Promise<ErrorCode> {
  const err = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (err instanceof AppError) return err.code;
  throw new Error("it was not refused", { cause: err });
}
