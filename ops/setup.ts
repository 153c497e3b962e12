import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { createOwnerLink, OWNER_LINK_HOURS } from "../core/accounts/invites.ts";
import type { App } from "../core/app.ts";
import type { Config } from "../core/config.ts";
import { servingBot } from "../core/pipeline/lease.ts";
import { explain } from "./failure.ts";
import { firstRun } from "./first-run.ts";
import { operatorScope, runAsOperator } from "./operator.ts";
import { chooseTeam } from "./team-choice.ts";

const USAGE = `Sets BlockBot up: asks for the bot's token and Claude's key, tries both, and writes .env.

  npm run setup                                for a start with npm
  npm run setup -- --compose                   for Docker Compose, with every secret that it needs
  npm run setup -- --env-file PATH             another file than .env

Makes a link for an owner who lost their Telegram account:

  npm run setup -- --new-owner                 for the first team
  npm run setup -- --new-owner --team "NAME"   for another one

Whoever opens it first owns the team too. It works once, within ${OWNER_LINK_HOURS} hours; an earlier one stops working.
The owners that the team has are told in Telegram that the link was made, and by whom it was used.`;

const OPTIONS = {
  "new-owner": { type: "boolean", default: false },
  team: { type: "string" },
  compose: { type: "boolean", default: false },
  "env-file": { type: "string", default: ".env" },
  help: { type: "boolean", default: false },
} as const;

/** `npm run setup`: before the first start; with `--new-owner`, beside the running product or without it. */
async function main(args: string[]): Promise<void> {
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    if (values.help || (values.team !== undefined && !values["new-owner"])) throw new Error(USAGE);
    if (values["new-owner"])
      return await runAsOperator((app, config) => newOwner(app, config, values.team ?? null));
    process.stdout.write(`${await setUp({ envFile: values["env-file"], compose: values.compose })}\n`);
  } catch (err) {
    process.stderr.write(`${explain(err)}\n`);
    process.exitCode = 1;
  }
}

async function setUp({ envFile, compose }: { envFile: string; compose: boolean }): Promise<string> {
  const terminal = process.stdin.isTTY
    ? createInterface({ input: process.stdin, output: process.stdout })
    : null;
  try {
    const ask = terminal === null ? null : (question: string) => terminal.question(question);
    return await firstRun({ envFile, compose, env: process.env, ask });
  } finally {
    terminal?.close();
  }
}

async function newOwner(app: App, config: Config, wanted: string | null): Promise<string> {
  const team = await chooseTeam(app, wanted);
  const { parameter } = await createOwnerLink(operatorScope(app, team, "setup"));
  return [
    `Whoever opens this link first owns “${team.name}”, within ${OWNER_LINK_HOURS} hours:`,
    await linkOf(app, config, parameter),
  ].join("\n");
}

async function linkOf(app: App, config: Config, parameter: string): Promise<string> {
  if (config.telegram === null) return `http://127.0.0.1:${config.demoPort}/?start=${parameter}`;
  const bot = await servingBot(app);
  return `https://t.me/${bot?.username ?? "<your bot>"}?start=${parameter}`;
}

await main(process.argv.slice(2));
