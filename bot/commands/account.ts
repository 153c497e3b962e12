import { addressOf } from "../../core/accounts/addresses.ts";
import {
  admitMail,
  admitStranger,
  issueStrangerLink,
  issueTelegramLink,
  LINK_MINUTES,
} from "../../core/accounts/magic-links.ts";
import { endAllSessions, endSession, listSessions, type Session } from "../../core/accounts/sessions.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import type { Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { argumentOf } from "../addressing.ts";
import { conclude, saying } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";

const SESSIONS_SHOWN_MAX = 10;
const AGENT_CHARS_MAX = 60;

/** /login ADDRESS: a mail that ties the address to this Telegram account, and here the code that completes it. */
export async function login(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const given = argumentOf(ctx.message);
  if (given === "") return conclude(ctx, visit, async () => [saying(ctx, visit, "login_ask")]);
  const email = addressIn(given);
  await admitMail(ctx.front.app, email);
  await conclude(ctx, visit, async () => {
    const code = await issueTelegramLink(scope, { email, telegram: telegramOf(ctx, visit) });
    return [saying(ctx, visit, "login_sent", { email, code, minutes: LINK_MINUTES })];
  });
}

/** The same from a stranger, who may have joined by mail. The reply is one for every address. */
export async function loginAsStranger(ctx: Ctx, visit: Visit): Promise<void> {
  const { app } = ctx.front;
  const email = addressIn(argumentOf(ctx.message));
  const telegram = telegramOf(ctx, visit);
  const isMailed = await admitStranger(app, { email, telegramUserId: telegram.id });
  await conclude(ctx, visit, async () => {
    const code = await issueStrangerLink(app, {
      email,
      telegram,
      isMailed,
      correlationId: visit.correlationId,
    });
    return [saying(ctx, visit, "login_sent_stranger", { email, code, minutes: LINK_MINUTES })];
  });
}

/** /sessions, and the button that leads back to it: where this person is signed in. */
export async function sessions(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  await conclude(ctx, visit, async () => [await overview(ctx, scope)]);
}

/** A press on one of the sessions: it ends. */
export async function endOne(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    await endSession(scope, value ?? "");
    return [await overview(ctx, scope)];
  });
}

/** The button that ends all of them. */
export async function endEvery(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await endAllSessions(scope);
    return [await overview(ctx, scope)];
  });
}

async function overview(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const all = await listSessions(scope);
  if (all.length === 0) return screen(ctx, scope, sentence(scope.locale, "sessions_none"), []);
  const shown = all.slice(0, SESSIONS_SHOWN_MAX);
  const lines = shown.map((session, index) => `${index + 1}. ${describe(scope, session)}`);
  const ends = shown.map(({ id }, index): ButtonSpec[] => [
    {
      label: sentence(scope.locale, "button_end_session", { number: index + 1 }),
      kind: "end_session",
      value: id,
    },
  ]);
  const every: ButtonSpec = {
    label: sentence(scope.locale, "button_end_sessions"),
    kind: "end_sessions",
  };
  const text = [sentence(scope.locale, "sessions_here", { count: all.length }), "", ...lines].join("\n");
  return screen(ctx, scope, text, [...ends, [every]]);
}

function describe(scope: Scope, session: Session): string {
  const used = new Intl.DateTimeFormat(scope.locale, {
    timeZone: scope.timeZone,
    dateStyle: "medium",
    timeStyle: "short",
  }).format(session.lastUsedAt);
  const agent = session.userAgent.slice(0, AGENT_CHARS_MAX);
  return sentence(scope.locale, "session_line", { agent, team: session.team.name, used });
}

function addressIn(given: string): string {
  const email = addressOf(given);
  if (email === null) throw new AppError("email_invalid");
  return email;
}

/** As the mail and the page name this account: nobody else can have the @name, anybody the other. */
function telegramOf(ctx: Ctx, visit: Visit): { id: number; name: string } {
  const { id, name } = visit.from;
  const username = ctx.from?.username;
  return { id, name: username === undefined ? `${name} (${id})` : `@${username}` };
}
