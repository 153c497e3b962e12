import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashOf } from "../../core/accounts/callers.ts";
import { createSql, type Sql } from "../../db/client.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { createClaudeSim, type ClaudeSim } from "./claude/server.ts";
import { launchProgram, type Program } from "./program.ts";
import type { SimMessage } from "./telegram/message.ts";
import { createTelegramSim, type TelegramSim } from "./telegram/server.ts";
import { hasButton } from "./world.ts";

const TOKEN = "7000000002:SIMULATED_TELEGRAM_TOKEN_that_outlives_us";
const OWNER_CODE = "owner-code-of-this-stage";
// Long enough for every backoff on the way; who needs it all has failed.
const PATIENCE_MS = 20_000;
const FIRST_PERSON = 2_000;
const INVITE_BYTES = 24;
const LAST_WORDS_CHARS = 2_000;

export type StageDatabase = { readonly databaseUrl: string; readonly adminUrl: string };

/**
 * The real program on a real database, with Telegram and Claude simulated in
 * this process, so that they outlive it and see what a person sees.
 */
export type Stage = {
  readonly telegram: TelegramSim;
  readonly claude: ClaudeSim;
  /** As the database's superuser. */
  readonly sql: Sql;
  /** What Claude has sent, by the answer's id; see `answerScript`. */
  readonly sent: ReadonlyMap<string, string>;
  /** Spawns the program, with these keys of the environment besides; the one before must have ended. Its `ready` says when it serves. */
  launch(more?: Record<string, string>): Program;
  /** The end of what the program that was launched last has printed. */
  lastWords(): string;
  /** Kills the program, as the kernel does when memory is short. */
  kill(): Promise<void>;
  /** As Ctrl-C does. Returns the exit code. */
  end(): Promise<number | null>;
  /** The first becomes the owner, the others join by invites. Returns their ids, which are their private chats too. */
  gather(people: number): Promise<number[]>;
  /** What the bot has written in a chat, oldest first. */
  heard(chat: number): SimMessage[];
  /** Waits for a message of the bot that contains `part` and is not being written any more. */
  hears(chat: number, part: string): Promise<SimMessage>;
  /** Claude's answers from now on: to every question that the last message names, at this pace. */
  answer(pace: Pace): void;
  [Symbol.asyncDispose](): Promise<void>;
};

/** How one answer comes: `words` long, in pieces with pauses; or a fault, for the first calls of a script. */
export type Pace = (call: number) => { words: number; chunkMs: number } | "no headers";

/** Ends with the program killed, when it still runs. Throws then when a call was wrong for the real services. */
export async function openStage(database: StageDatabase): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-stage-"));
  chmodSync(folder, 0o755);
  const sql = createSql(database.adminUrl, { max: 2 });
  const claude = await createClaudeSim({});
  const telegram = await createTelegramSim({
    statePath: ":memory:",
    token: TOKEN,
    botUsername: "blockbot_stage_bot",
  });
  const sent = new Map<string, string>();
  let program: Program | null = null;
  const heard = (chat: number) => telegram.messages(chat).filter((message) => message.fromBot);
  const hears = (chat: number, part: string) =>
    telegram.waitFor(
      () => heard(chat).find((message) => message.text.includes(part) && !hasButton(message, "Stop")),
      PATIENCE_MS,
    );
  return {
    telegram,
    claude,
    sql,
    sent,
    launch(more = {}) {
      const known = environment({ folder, databaseUrl: database.databaseUrl, telegram, claude });
      program = launchProgram({ ...known, ...more });
      return program;
    },
    lastWords: () => program?.output().slice(-LAST_WORDS_CHARS) ?? "",
    async kill() {
      await program?.end("SIGKILL");
    },
    end: async () => (program === null ? null : program.end("SIGINT")),
    gather: (people) => gather({ telegram, sql, hears }, people),
    heard,
    hears,
    answer: (pace) => claude.setScript(answerScript(pace, sent)),
    async [Symbol.asyncDispose]() {
      await program?.end("SIGKILL");
      const violations = [...telegram.violations, ...claude.violations].map(({ description }) => description);
      await Promise.all([telegram.stop(), claude.stop(), sql.end({ timeout: 1 })]);
      rmSync(folder, { recursive: true, force: true });
      if (violations.length > 0)
        throw new Error(`calls that the real services would refuse: ${violations.join("; ")}`);
    },
  };
}

type Surroundings = { folder: string; databaseUrl: string; telegram: TelegramSim; claude: ClaudeSim };

function environment({ folder, databaseUrl, telegram, claude }: Surroundings): Record<string, string> {
  return {
    DATA_DIR: folder,
    SETUP_CODE: OWNER_CODE,
    DATABASE_URL: databaseUrl,
    TELEGRAM_BOT_TOKEN: TOKEN,
    TELEGRAM_API_ROOT: telegram.url,
    ANTHROPIC_API_KEY: "a-key-for-the-simulator",
    ANTHROPIC_BASE_URL: claude.url,
    LIMIT_PERSON_PER_MINUTE: "10000",
    LIMIT_TEAM_PER_MINUTE: "100000",
  };
}

async function gather(
  { telegram, sql, hears }: Pick<Stage, "telegram" | "sql" | "hears">,
  people: number,
): Promise<number[]> {
  const [owner = FIRST_PERSON, ...others] = Array.from(
    { length: people },
    (_, index) => FIRST_PERSON + index,
  );
  for (const id of [owner, ...others])
    telegram.addPerson({ id, firstName: `Person ${id}`, username: `person_${id}`, languageCode: "en" });
  telegram.say({ from: owner, text: `/start ${OWNER_CODE}` });
  await hears(owner, "You are the owner");
  // Written by hand: asked for in one chat, that many invites would take as many seconds.
  const invites = others.map((id) => ({ id, token: randomBytes(INVITE_BYTES).toString("base64url") }));
  for (const { token } of invites)
    await sql`INSERT INTO app.invites (org_id, token_hash, role, created_by, expires_at)
      SELECT org_id, ${hashOf(token)}, 'member', id, now() + interval '1 hour' FROM app.users WHERE role = 'owner'`;
  for (const { id, token } of invites) telegram.say({ from: id, text: `/start i_${token}` });
  for (const { id } of invites) await hears(id, "You are a member");
  return [owner, ...others];
}

// Plain words on one line, so that rendering changes nothing; the last ones say that it is whole.
function answerScript(pace: Pace, sent: Map<string, string>): ClaudeScript {
  return (_request, { index, lastUserText }) => {
    const spoken = pace(index);
    if (spoken === "no headers") return { fault: "no_headers" };
    const questions = [...new Set(lastUserText.match(/\bq\d+x\d+\b/g))].join(" ");
    const id = `a${sent.size}`;
    const words = Array.from({ length: spoken.words }, (_, index) => `word${index}`).join(" ");
    const text = `Answer ${id} to ${questions}: ${words} and that is all of ${id}.`;
    sent.set(id, text);
    return { text, chunkMs: spoken.chunkMs };
  };
}
