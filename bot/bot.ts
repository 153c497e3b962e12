import { Bot, type Api } from "grammy";
import type { LanguageCode, Message } from "grammy/types";
import { sentence, type Language } from "../core/text/text.ts";
import { ask, offerEdited } from "./ask.ts";
import { clientOptions } from "./client.ts";
import { dropStrayToken } from "./commands/connect.ts";
import { press } from "./commands/press.ts";
import { runCommand, takeInput } from "./commands/run.ts";
import { COMMANDS } from "./commands/table.ts";
import { greet, noteMembership } from "./commands/membership.ts";
import { conclude } from "./conclude.ts";
import type { Ctx, Front } from "./context.ts";
import { endWithError } from "./errors.ts";
import { flood } from "./flood.ts";
import { gate } from "./gate.ts";

/** What one update brings along besides itself. */
export type Arrival = {
  readonly updateIds: readonly number[];
  readonly rest: readonly Message[];
  readonly adopted: () => void;
  /** False once it has failed too often to be left for better times. */
  readonly mayWait: boolean;
  isAdopted: boolean;
  ended: boolean;
};

/**
 * The whole order of the middleware: log, errors, flood, gate, then buttons,
 * commands, awaited input, and last the question to Claude.
 */
export function createBot(
  front: Front,
  settings: { token: string; apiRoot: string },
  arrivals: WeakMap<object, Arrival>,
): Bot<Ctx> {
  const bot = new Bot<Ctx>(settings.token, {
    botInfo: front.me,
    client: clientOptions(settings.apiRoot, "send"),
  });

  bot.use(async (ctx, next) => {
    const arrival = arrivals.get(ctx.update);
    if (arrival === undefined) throw new Error("an update that nobody has in hand");
    ctx.front = front;
    ctx.updateIds = arrival.updateIds;
    ctx.rest = arrival.rest;
    ctx.adopted = () => {
      arrival.isAdopted = true;
      arrival.adopted();
    };
    ctx.answered = false;
    ctx.note = {};
    ctx.visit = null;
    const startedAt = performance.now();
    try {
      await next();
      arrival.ended = true;
    } catch (err) {
      arrival.ended = await endWithError(ctx, err, arrival);
    }
    front.app.log.info(
      {
        updateId: ctx.update.update_id,
        outcome: "ok",
        ...ctx.note,
        ms: Math.round(performance.now() - startedAt),
      },
      "update",
    );
  });

  bot.use(flood({ clock: front.app.clock, rule: front.app.limitRules.flood }));
  bot.use(gate);
  bot.on("callback_query:data", (ctx) => press(ctx));
  bot.on("my_chat_member", (ctx) =>
    ctx.visit === null ? conclude(ctx, null) : noteMembership(ctx, ctx.visit),
  );
  bot.on("message:new_chat_members:me", greet);
  bot.use(dropStrayToken);
  bot.on("edited_message", offerEdited);
  bot.use(runCommand);
  bot.use(takeInput);
  bot.use(ask);
  return bot;
}

/** Gives Telegram the menu, per kind of chat and language; the first language is everybody else's. */
export async function publishCommands(api: Api, languages: readonly Language[]): Promise<void> {
  for (const where of ["private", "group"] as const) {
    const entries = COMMANDS.filter((command) => command.where === "anywhere" || command.where === where);
    for (const language of languages) {
      await api.setMyCommands(
        entries.map(({ name }) => ({ command: name, description: sentence(language, `command_${name}`) })),
        {
          scope: { type: where === "private" ? "all_private_chats" : "all_group_chats" },
          ...(language === languages[0] ? {} : { language_code: language as LanguageCode }),
        },
      );
    }
  }
}
