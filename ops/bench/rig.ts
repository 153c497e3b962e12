import { fileURLToPath } from "node:url";
import { createSql, type Sql } from "../../db/client.ts";
import { createTestDatabase } from "../../db/test-db.ts";
import type { ClaudeScript } from "../sim/claude/script.ts";
import { createClaudeSim, type ClaudeSim } from "../sim/claude/server.ts";
import { createTelegramSim, type TelegramSim } from "../sim/telegram/server.ts";
import type { OurBotSettings } from "./our-bot.ts";
import { cpuMsOf, postgresProcesses, type Cpu } from "./processes.ts";

const TOKEN = "7000000003:SIMULATED_TELEGRAM_TOKEN_for_the_benches";
const OWNER_CODE = "owner-code-of-the-benches";
const FIRST_PERSON = 10_000;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS_MAX = 30_000;

export type BotKind = "ours" | "bare";

/** One bot in a process of its own, on simulators in this one. */
export type Rig = {
  readonly kind: BotKind;
  readonly telegram: TelegramSim;
  readonly claude: ClaudeSim;
  readonly sql: Sql;
  /** The bot's process. */
  readonly pid: number;
  /** Where ours serves HTTP; empty for the bare bot. */
  readonly adminUrl: string;
  /** Members of one team, whose private chats have the same ids. */
  readonly people: readonly number[];
  /** Processor time so far, of the bot and of the whole Postgres server. */
  cpu(): Promise<Cpu>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Telegram's rate limits are off in the simulator; `chatBudgets` says which of our own are kept. */
export async function openRig(options: {
  kind: BotKind;
  people: number;
  script: ClaudeScript;
  chatBudgets?: OurBotSettings["chatBudgets"];
}): Promise<Rig> {
  const database = await createTestDatabase();
  const sql = createSql(database.adminUrl, { max: 2 });
  const claude = await createClaudeSim({ script: options.script });
  const telegram = await createTelegramSim({
    statePath: ":memory:",
    token: TOKEN,
    botUsername: "blockbot_bench_bot",
    rateLimits: false,
    clock: () => performance.timeOrigin + performance.now(), // finer than a millisecond
  });
  const people = Array.from({ length: options.people }, (_, index) => FIRST_PERSON + index);
  for (const id of people) telegram.addPerson({ id, firstName: `Person ${id}`, languageCode: "en" });
  await enlist(sql, people);
  const args: readonly string[] =
    options.kind === "bare"
      ? ["ops/bench/bare-bot.ts", TOKEN, telegram.url, claude.url]
      : [
          "ops/bench/our-bot.ts",
          JSON.stringify({
            token: TOKEN,
            telegramUrl: telegram.url,
            claudeUrl: claude.url,
            databaseUrl: database.databaseUrl,
            ownerCode: OWNER_CODE,
            chatBudgets: options.chatBudgets ?? "raised",
          } satisfies OurBotSettings),
        ];
  const bot = await startBot(args);
  return {
    kind: options.kind,
    telegram,
    claude,
    sql,
    pid: bot.pid,
    adminUrl: bot.adminUrl,
    people,
    cpu: async () => ({ botMs: cpuMsOf([bot.pid]), postgresMs: cpuMsOf(await postgresProcesses(sql)) }),
    async [Symbol.asyncDispose]() {
      bot.kill();
      await Promise.all([telegram.stop(), claude.stop(), sql.end({ timeout: 1 })]);
      await database.drop();
      const violations = [...telegram.violations, ...claude.violations];
      if (options.kind === "ours" && violations.length > 0)
        throw new Error(`calls that the real services would refuse: ${violations[0]?.description}`);
    },
  };
}

async function startBot(
  args: readonly string[],
): Promise<{ pid: number; adminUrl: string; kill: () => void }> {
  const child = Bun.spawn([process.execPath, "--no-env-file", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: "/usr/bin:/bin", BUN_CONFIG_MAX_HTTP_REQUESTS: "4000" },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
  let said = "";
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString();
    if (said.includes("\n")) break;
  }
  clearTimeout(timer);
  const [, adminUrl = ""] = /^ready ?(\S*)/m.exec(said) ?? [];
  if (!said.startsWith("ready")) throw new Error(`the bot did not get ready: ${said}`);
  return { pid: child.pid, adminUrl, kill: () => child.kill("SIGKILL") };
}

// By hand: asked for in chats, so many invites would take longer than the bench.
async function enlist(sql: Sql, people: readonly number[]): Promise<void> {
  const [team] = await sql`INSERT INTO app.organizations (name) VALUES ('Bench') RETURNING id`;
  const orgId = String(team?.["id"]);
  await sql`WITH added AS (
    INSERT INTO auth.accounts (telegram_user_id, display_name, current_org_id)
    SELECT id, 'Person ' || id, ${orgId} FROM unnest(${[...people]}::bigint[]) id RETURNING id, telegram_user_id)
    INSERT INTO app.users (org_id, account_id, role, display_name)
    SELECT ${orgId}, id, CASE WHEN telegram_user_id = ${people[0] ?? 0} THEN 'owner' ELSE 'member' END, 'Person' FROM added`;
}
