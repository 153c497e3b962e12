import { sql } from "drizzle-orm";
import { createApi, failureOf } from "../../bot/client.ts";
import type { App } from "../../core/app.ts";
import { instanceAccess } from "../../core/claude/credentials.ts";
import type { Config } from "../../core/config.ts";
import { inSystem } from "../../db/tenant.ts";
import { lookAt, type Finding } from "./finding.ts";

type Found = Omit<Finding, "part">;
type Telegram = NonNullable<Config["telegram"]>;

const POLL_SECONDS = 5;
const POLL_FRESH_SECONDS = 60;

/** Everything that is reached over the network but the database. `hasDatabase` when that can be asked who polls. */
export async function serviceFindings(app: App, config: Config, hasDatabase: boolean): Promise<Finding[]> {
  const { telegram } = config;
  const bot =
    telegram === null
      ? [
          {
            part: "Telegram",
            state: "off",
            text: "simulated: set TELEGRAM_BOT_TOKEN to make it real",
          } as const,
        ]
      : await telegramFindings(app, telegram, hasDatabase);
  return [
    await lookAt("Redis", () => redis(app, config.redisUrl !== null)),
    ...bot,
    await lookAt("Claude", () => claude(app, config)),
    await lookAt("Mail", () => mail(app, config)),
  ];
}

async function redis(app: App, isWanted: boolean): Promise<Found> {
  if (!isWanted) return { state: "off", text: "none: limits are counted by each process" };
  const latencyMs = await app.limits.ping();
  if (latencyMs !== null) return { state: "ok", text: `answers in ${latencyMs.toFixed(1)} ms` };
  return {
    state: "wrong",
    text: "does not answer, or refuses to count; limits are counted by each process meanwhile",
    fix: "Check REDIS_URL and that Redis runs, has memory and is no replica",
  };
}

async function telegramFindings(app: App, telegram: Telegram, hasDatabase: boolean): Promise<Finding[]> {
  const api = createApi(telegram, "send");
  const me = await api.getMe().catch((err: unknown) => failureOf(err));
  if ("kind" in me) return [{ part: "Telegram", ...tokenProblem(telegram, me) }];
  const token = { part: "Telegram", state: "ok", text: `the token is @${me.username}'s` } as const;
  const hook = await lookAt("Webhook", async () => {
    const { url = "" } = await api.getWebhookInfo();
    if (url === "") return { state: "ok", text: "none is set" };
    return {
      state: "wrong",
      text: `one is set, to ${new URL(url).host}: another program gets the messages`,
      fix: "Stop that program. The next start of BlockBot removes the webhook.",
    };
  });
  // Beside a webhook nobody can poll.
  if (hook.state === "wrong") return [token, hook];
  const poll = await lookAt("Polling", () => polling(app, { telegram, botId: me.id, hasDatabase }));
  return [token, hook, poll];
}

function tokenProblem({ apiRoot }: Telegram, failure: ReturnType<typeof failureOf>): Found {
  if (failure.kind === "revoked")
    return {
      state: "wrong",
      text: "does not know this token",
      fix: "Take the current one from @BotFather (/mybots, API Token) into TELEGRAM_BOT_TOKEN, and start again",
    };
  const why = failure.kind === "unreachable" ? failure.code : failure.kind;
  return {
    state: "wrong",
    text: `${apiRoot} cannot be asked (${why})`,
    fix: "Check this machine's network and TELEGRAM_API_ROOT",
  };
}

const OTHER_POLLER: Found = {
  state: "wrong",
  text: "another program polls with the same token",
  fix: "Stop it, or give BlockBot a token of its own (/revoke at @BotFather makes a new one)",
};

// While our own program polls, it knows better than a poll that would end its own.
async function polling(
  app: App,
  { telegram, botId, hasDatabase }: { telegram: Telegram; botId: number; hasDatabase: boolean },
): Promise<Found> {
  const own = hasDatabase ? await ownPoll(app, botId) : null;
  if (own?.conflict === true) return OTHER_POLLER;
  if (own !== null && own.live)
    return own.age !== null && own.age < POLL_FRESH_SECONDS
      ? { state: "ok", text: `this installation polls, last ${Math.round(own.age)} s ago` }
      : {
          state: "wrong",
          text: "this installation holds the bot, but no poll has ended well for a minute",
          fix: "Read its log for “polling failed”",
        };
  try {
    // Without an offset nothing is confirmed, so no message is lost by this.
    await createApi(telegram, "poll").getUpdates({ limit: 1, timeout: POLL_SECONDS });
  } catch (err) {
    if (failureOf(err).kind === "conflict") return OTHER_POLLER;
    throw err;
  }
  return { state: "ok", text: "nobody polls: BlockBot is not running" };
}

async function ownPoll(app: App, botId: number) {
  const [row] = await inSystem(app, (tx) =>
    tx.execute<{ live: boolean; age: number | null; conflict: boolean }>(
      sql`SELECT coalesce(b.lease_until > clock_timestamp(), false) AS live,
        extract(epoch FROM clock_timestamp() - b.last_poll_at)::float8 AS age,
        EXISTS (SELECT FROM pipeline.alerts a WHERE a.kind = 'conflict' AND a.subject = b.bot_id::text) AS conflict
        FROM pipeline.bots b WHERE b.bot_id = ${botId}`,
    ),
  );
  return row ?? null;
}

async function claude(app: App, config: Config): Promise<Found> {
  if (!app.claude.connected)
    return config.telegram === null
      ? { state: "off", text: "the practice model: set ANTHROPIC_API_KEY to make it real" }
      : {
          state: "wrong",
          text: "not connected: people read that they must wait",
          fix: "Set ANTHROPIC_API_KEY to a key from platform.claude.com",
        };
  const found = await app.claude.retrieve(new AbortController().signal, await instanceAccess(app));
  if (found.kind !== null)
    return {
      state: "wrong",
      text: `${config.claude.baseUrl} does not give ${config.claude.model} to this key (${found.kind})`,
      fix: "Check the key, its workspace and its money in the Claude Console, and CLAUDE_MODEL if you set it",
    };
  const { lifecycle, retiresAt } = found.plan;
  const text = `${config.claude.model} answers to the key`;
  return {
    state: "ok",
    text: lifecycle === "active" ? text : `${text}; ${lifecycle}, until ${retiresAt ?? "further notice"}`,
  };
}

async function mail(app: App, config: Config): Promise<Found> {
  if (config.mail === null)
    return { state: "off", text: "none: set RESEND_API_KEY, MAIL_FROM and PUBLIC_URL to send mail" };
  const { domain, state } = await app.mail.checkSender();
  switch (state) {
    case "verified":
      return { state: "ok", text: `Resend sends from ${domain}` };
    case "send_only":
      return { state: "ok", text: `the key may only send, so ${domain} could not be looked up at Resend` };
    case "unverified":
      return {
        state: "wrong",
        text: `Resend does not send from ${domain} yet`,
        fix: "Add the domain at resend.com/domains, put its records into your DNS, or change MAIL_FROM",
      };
    case "refused":
      return {
        state: "wrong",
        text: "Resend refuses the key",
        fix: "Make a new one at resend.com/api-keys into RESEND_API_KEY",
      };
    case "away":
      return {
        state: "wrong",
        text: `${config.mail.baseUrl} does not answer`,
        fix: "Check this machine's network and RESEND_BASE_URL",
      };
  }
}
