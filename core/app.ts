import { createTokens, type Tokens } from "./accounts/tokens.ts";
import { createDatabase, type Database } from "../db/client.ts";
import type { BudgetRules } from "./budget-rules.ts";
import type { BreakerBounds } from "./claude/breaker.ts";
import { createClaude, type Claude } from "./claude/client.ts";
import type { ClaudeCallLine } from "./claude/call-line.ts";
import { createClaudeHealth, type ClaudeHealth } from "./claude/health.ts";
import { createPrices, type Cost, type Price, type Prices } from "./claude/pricing.ts";
import type { WatchdogBounds } from "./claude/watchdog.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { TeamCreation } from "./config.ts";
import type { DiskSettings } from "./disk.ts";
import { createJobs, type Jobs } from "./jobs.ts";
import type { LimitRules } from "./limit-rules.ts";
import { createLimits, type Limits } from "./limits.ts";
import { createLog, type Log } from "./log.ts";
import { createMail, type Mail, type MailSettings } from "./mail.ts";
import { createVault, type MasterKey, type Vault } from "./vault/cipher.ts";
import type { OAuthClients, Seed } from "./vault/connection-keys.ts";
import { createTokenEndpoint, type OAuthClient, type TokenEndpoint } from "./vault/token-endpoint.ts";

/** What one running program needs to know. Programs in ops make it from their configuration. */
export type AppSettings = {
  readonly version: string;
  readonly logLevel: string;
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  readonly masterKeys: readonly MasterKey[];
  readonly claude: {
    readonly apiKey: string | null;
    readonly baseUrl: string;
    readonly model: string;
    /** Other limits than the usual ones, for tests. */
    readonly bounds?: Partial<WatchdogBounds>;
    readonly breaker?: Partial<BreakerBounds>;
  };
  /** Where this instance keeps files; and what must stay free there, other than usual for tests. */
  readonly disk: DiskSettings;
  /** `null`: nothing can be mailed. */
  readonly mail: MailSettings | null;
  /** The origin under which people reach the admin server. */
  readonly publicUrl: string;
  readonly oauthClients: OAuthClients;
  /** Secrets of the environment that belong into the first team's vault. */
  readonly seeds: readonly Seed[];
  /** The first signs access tokens, all of them are accepted. */
  readonly jwtSecrets: readonly string[];
  readonly operatorChatIds: readonly number[];
  readonly teamCreation: TeamCreation;
  readonly limitRules: LimitRules;
  readonly budgetRules: BudgetRules;
  /** Prices beside the published ones. */
  readonly prices: readonly Price[];
};

/** What lives as long as the process. Made once, read-only. */
export type App = {
  readonly version: string;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly database: Database;
  readonly vault: Vault;
  readonly seeds: readonly Seed[];
  readonly oauth: { readonly claude: TokenEndpoint | null; readonly google: TokenEndpoint | null };
  readonly claude: Claude;
  readonly claudeHealth: ClaudeHealth;
  readonly limits: Limits;
  readonly limitRules: LimitRules;
  readonly budgetRules: BudgetRules;
  readonly prices: Prices;
  readonly jobs: Jobs;
  readonly disk: DiskSettings;
  readonly mail: Mail;
  readonly publicUrl: string;
  readonly tokens: Tokens;
  /** Telegram ids that get operator alerts; empty means the owners of the first team. */
  readonly operatorChatIds: readonly number[];
  readonly teamCreation: TeamCreation;
  /** Closes Redis, the job engine's pool and Postgres, in that order. */
  close(): Promise<void>;
};

/**
 * Builds everything that the rest takes in slices. Opens no connection by
 * itself: pools connect on first use.
 */
export function createApp(settings: AppSettings, given: { clock?: Clock; log?: Log } = {}): App {
  const clock = given.clock ?? systemClock;
  const log = given.log ?? createLog({ level: settings.logLevel });
  const database = createDatabase(settings.databaseUrl);
  const claudeHealth = createClaudeHealth(clock, settings.claude.breaker);
  const endpointOf = (client: OAuthClient | null) =>
    client === null ? null : createTokenEndpoint(client, clock);
  const limits = createLimits({ redisUrl: settings.redisUrl, clock, log });
  const prices = createPrices(settings.prices);
  const jobs = createJobs({ databaseUrl: settings.databaseUrl, log });
  return {
    version: settings.version,
    startedAt: clock.now(),
    clock,
    log,
    database,
    vault: createVault(settings.masterKeys),
    seeds: settings.seeds,
    oauth: {
      claude: endpointOf(settings.oauthClients.claude),
      google: endpointOf(settings.oauthClients.google),
    },
    claude: createClaude({
      ...settings.claude,
      oauth: oauthName(settings),
      health: claudeHealth,
      clock: () => clock.now(),
      log: (line) => log.info({ ...line, cost: costOf(line, prices, clock.now()) }, "claude call"),
    }),
    claudeHealth,
    limits,
    limitRules: settings.limitRules,
    budgetRules: settings.budgetRules,
    prices,
    jobs,
    disk: settings.disk,
    mail: createMail(settings.mail),
    publicUrl: settings.publicUrl,
    tokens: createTokens({ secrets: settings.jwtSecrets, issuer: settings.publicUrl, clock }),
    operatorChatIds: settings.operatorChatIds,
    teamCreation: settings.teamCreation,
    async close() {
      await limits.close();
      await jobs.stop();
      await database.close();
    },
  };
}

// A key of the environment comes first: whoever sets both wants the key.
function oauthName({ claude, oauthClients }: AppSettings): string | null {
  const client = oauthClients.claude;
  return client === null || claude.apiKey !== null ? null : `${client.tokenUrl} ${client.clientId}`;
}

function costOf({ modelServed, usage }: ClaudeCallLine, prices: Prices, at: number): Cost | null {
  return modelServed === null || usage === null ? null : prices.costOf(modelServed, usage, at);
}
