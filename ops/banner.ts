import type { Config } from "../core/config.ts";

/** What a person reads when the program is up: what is real, what is not, where to click, how to make it real. */
export function banner(started: {
  config: Config;
  roles: readonly string[];
  ownerCode: string | null;
  pageUrl: string | null;
  practice: boolean;
  folder: string;
  adminUrl: string | null;
  botUsername: string | null;
}): string {
  const { config, pageUrl } = started;
  const lines = [
    "",
    "  BlockBot is running",
    "",
    ...row("Telegram", telegramLine(started)),
    ...row("Claude", claudeLine(started)),
    ...row("Mail", mailLine(started)),
    ...row("Postgres", config.database === null ? `embedded, data in ${started.folder}` : "DATABASE_URL"),
    ...row("Redis", config.redisUrl === null ? "none, limits are kept in this process" : "REDIS_URL"),
    ...(started.adminUrl === null ? [] : row("Health", `${started.adminUrl}/health`)),
    "",
    ...ownerLines(started),
    ...(pageUrl === null
      ? []
      : [
          "  To make it real, set TELEGRAM_BOT_TOKEN and ANTHROPIC_API_KEY in .env and start again (see SETUP.md).",
          "",
        ]),
    "  Ctrl-C ends everything cleanly.",
    "",
  ];
  return `${lines.join("\n")}\n`;
}

function row(name: string, value: string): string[] {
  return [`  ${name.padEnd(10)}${value}`];
}

function telegramLine({ pageUrl, botUsername, roles }: Parameters<typeof banner>[0]): string {
  if (pageUrl !== null) return `simulated, chat page: ${pageUrl}`;
  if (!roles.includes("bot")) return "served by another process";
  return botUsername === null
    ? "real, not answering yet or served by another process"
    : `real, @${botUsername}`;
}

function claudeLine({ config, practice }: Parameters<typeof banner>[0]): string {
  if (practice) return "practice model, not the real Claude";
  if (config.claude.apiKey !== null) return `real, ${config.claude.model}`;
  return config.oauthClients.claude === null
    ? "not connected: set ANTHROPIC_API_KEY"
    : `real, ${config.claude.model}, by OAuth`;
}

function mailLine({ config, pageUrl }: Parameters<typeof banner>[0]): string {
  if (config.mail !== null) return `real, from ${config.mail.from}`;
  return pageUrl === null ? "not set up" : "simulated, the mailbox is on the chat page";
}

function ownerLines({ ownerCode, pageUrl, botUsername, roles }: Parameters<typeof banner>[0]): string[] {
  if (!roles.includes("bot")) return [];
  if (ownerCode === null) return pageUrl === null ? [] : [`  Open the chat page:  ${pageUrl}`, ""];
  const link =
    pageUrl === null
      ? `https://t.me/${botUsername ?? "<your bot>"}?start=${ownerCode}`
      : `${pageUrl}/?start=${ownerCode}`;
  return ["  Nobody owns this bot yet. Whoever opens this link first does:", `  ${link}`, ""];
}
