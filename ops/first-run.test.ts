import { expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../core/config.ts";
import { readEnvFile } from "./env-file.ts";
import { createClaudeSim } from "./sim/claude/server.ts";
import { startWithNpm } from "./sim/program.ts";
import { createTelegramSim } from "./sim/telegram/server.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TOKEN = "7000000005:SIMULATED_TELEGRAM_TOKEN_of_the_first_run";
const API_KEY = "sk-ant-the-key-of-the-first-run";
const ALICE = 1001;
const TEST_MS_MAX = 60_000;

test(
  "two values and three commands: npm ci, npm run setup, npm start; the owner link, the first reply",
  async () => {
    await using ground = await openGround();
    const { telegram, claude } = ground;
    const folder = installInto(ground.folder);
    telegram.addPerson({ id: ALICE, firstName: "Alice", languageCode: "en" });
    const { DATA_DIR: _default, ...addresses } = ground.addresses;
    writeFileSync(ground.file, linesOf(addresses));
    const [code, said] = await run(["npm", "run", "setup"], {
      cwd: folder,
      env: { TELEGRAM_BOT_TOKEN: TOKEN, ANTHROPIC_API_KEY: API_KEY },
    });
    expect([code, said]).toEqual([0, expect.stringContaining("The bot is @blockbot_first_bot")]);
    expect(said).toContain("Next:  npm start");
    const parameter = /https:\/\/t\.me\/blockbot_first_bot\?start=([\w-]+)$/m.exec(said)?.[1];
    expect(statSync(ground.file).mode & 0o777).toBe(0o600);

    await using program = await startWithNpm(folder);
    expect(program.output()).toContain(`start=${parameter}`);
    const hears = (part: string) =>
      telegram.waitFor(
        () => telegram.messages(ALICE).find(({ fromBot, text }) => fromBot && text.includes(part)),
        20_000,
      );
    telegram.say({ from: ALICE, text: `/start ${parameter}` });
    await hears("You are the owner");
    claude.setScript(() => ({ text: "Hello to you too." }));
    telegram.say({ from: ALICE, text: "Hello" });
    await hears("Hello to you too.");
    expect(existsSync(join(folder, "data/postgres"))).toBe(true);
    for (const secret of [TOKEN, API_KEY]) expect(program.output()).not.toContain(secret);
  },
  TEST_MS_MAX,
);

test("for Compose every secret is made once; a second run changes nothing, also what a person has written", async () => {
  await using ground = await openGround();
  copyFileSync(join(ROOT, ".env.example"), join(ground.folder, ".env.example"));
  const values = { TELEGRAM_BOT_TOKEN: TOKEN, ANTHROPIC_API_KEY: API_KEY };
  const [code, said] = await ground.setup(values, "--compose");
  expect([code, said]).toEqual([0, expect.stringContaining("Next:  docker compose up -d")]);
  const first = readFileSync(ground.file, "utf8");
  const config = loadConfig({ ...readEnvFile(ground.file), NODE_ENV: "production" });
  expect(config.database?.url).toMatch(/^postgres:\/\/blockbot_app:[0-9a-f]{48}@postgres:5432\/blockbot$/);
  expect(first).toContain("# the token that @BotFather gave you"); // the example's explanations stay
  for (const key of [
    "MASTER_KEY",
    "JWT_SECRET",
    "POSTGRES_PASSWORD",
    "DATABASE_MIGRATE_URL",
    "HEALTH_TOKEN",
    "SETUP_CODE",
  ])
    expect([key, first.match(new RegExp(`^${key}=.+$`, "gm"))?.length]).toEqual([key, 1]);

  writeFileSync(ground.file, first.replace(/^HEALTH_TOKEN=.*$/m, "HEALTH_TOKEN=chosen-by-a-person"));
  const edited = readFileSync(ground.file, "utf8");
  expect(await ground.setup({}, "--compose")).toEqual([0, expect.stringContaining("had everything already")]);
  expect(readFileSync(ground.file, "utf8")).toBe(edited);
});

test("a value that is missing or refused is named with its fix, and nothing is written", async () => {
  await using ground = await openGround();
  const stranger = "7000000006:SOME_OTHER_TOKEN_that_nobody_gave_out_00";
  const cases: [Record<string, string>, string][] = [
    [{}, "TELEGRAM_BOT_TOKEN is missing. Run this in a terminal"],
    [{ TELEGRAM_BOT_TOKEN: "not a token" }, "must be the token that @BotFather gave you"],
    [{ TELEGRAM_BOT_TOKEN: stranger }, "Telegram does not know this token"],
    [{ TELEGRAM_BOT_TOKEN: TOKEN }, "ANTHROPIC_API_KEY is missing"],
    [{ TELEGRAM_BOT_TOKEN: TOKEN, ANTHROPIC_API_KEY: "sk-ant-of-somebody-else-entirely" }, "(auth)"],
    [{ TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_API_ROOT: "http://127.0.0.1:1" }, "Check this machine's network"],
  ];
  for (const [values, complaint] of cases) {
    const [code, said] = await ground.setup(values);
    expect([code, said]).toEqual([1, expect.stringContaining(complaint)]);
    for (const value of [stranger, TOKEN]) expect(said).not.toContain(value);
  }
  expect(existsSync(ground.file)).toBe(false);
});

/** A folder without an .env, a Telegram that knows one token and a Claude that knows one key. */
async function openGround() {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-first-run-"));
  const file = join(folder, ".env");
  const telegram = await createTelegramSim({
    statePath: ":memory:",
    token: TOKEN,
    botUsername: "blockbot_first_bot",
  });
  const claude = await createClaudeSim({ apiKeys: [API_KEY] });
  const addresses = {
    TELEGRAM_API_ROOT: telegram.url,
    ANTHROPIC_BASE_URL: claude.url,
    DATA_DIR: join(folder, "data"),
  };
  return {
    folder,
    file,
    telegram,
    claude,
    addresses,
    setup: (values: Record<string, string>, ...args: string[]) =>
      run([process.execPath, "--no-env-file", "ops/setup.ts", "--env-file", file, ...args], {
        cwd: ROOT,
        env: { ...addresses, ...values },
      }),
    async [Symbol.asyncDispose]() {
      await Promise.all([telegram.stop(), claude.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What `git clone` and `npm ci` leave in a folder. */
function installInto(folder: string): string {
  chmodSync(folder, 0o755); // the user that Postgres runs as gets to its data
  for (const name of ["package.json", "tsconfig.json", "node_modules", "bot", "core", "db", "ops"])
    symlinkSync(join(ROOT, name), join(folder, name));
  return folder;
}

function linesOf(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

async function run(
  command: string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): Promise<[code: number, said: string]> {
  const { PATH = "", HOME = "/" } = process.env;
  const child = Bun.spawn(command, {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return [await child.exited, `${out}${err}`.trimEnd()];
}
