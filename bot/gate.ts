import type { Chat, Message, User } from "grammy/types";
import { resolveSender, type Sender as Person } from "../core/accounts/sender.ts";
import { noteStranger } from "../core/accounts/strangers.ts";
import { moveChat } from "../core/accounts/chats.ts";
import { alertOperator } from "../core/alerts.ts";
import type { Place } from "../core/chat/conversations.ts";
import { newCorrelationId, type Scope } from "../core/scope.ts";
import { languageOf, sentence } from "../core/text/text.ts";
import { addressedTo, argumentOf, commandOf } from "./addressing.ts";
import { conclude, saying } from "./conclude.ts";
import type { Ctx, Front, Visit } from "./context.ts";
import { laneName, threadOf } from "./route.ts";

const NAME_CHARS_MAX = 64;

type Room = Exclude<Chat, { type: "channel" }>;

/**
 * Deny by default: finds out who wrote and for which team, and lets only
 * members of that team further, strangers with a start link or the address they
 * joined with, and whoever may claim a group. Everything else ends here, at most with one polite sentence.
 */
export async function gate(ctx: Ctx, next: () => Promise<void>): Promise<void> {
  const { chat, from } = ctx;
  if (chat === undefined || chat.type === "channel" || from === undefined) return drop(ctx, "nobody");
  const { migrate_to_chat_id: to, migrate_from_chat_id: before } = ctx.message ?? {};
  if (to !== undefined) return move(ctx, chat.id, to);
  if (before !== undefined) return move(ctx, before, chat.id);
  const message = ctx.message ?? ctx.editedMessage;
  if (message === undefined && ctx.callbackQuery === undefined && ctx.myChatMember === undefined)
    return drop(ctx, "unused kind");
  // An anonymous admin may well remove us.
  if (from.is_bot && message?.sender_chat === undefined && ctx.myChatMember === undefined)
    return drop(ctx, "nobody");
  const isPrivate = chat.type === "private";
  const isForUs = message === undefined || isPrivate || addressedTo(message, ctx.front.me);
  if (!isForUs && !isAboutUs(ctx)) return drop(ctx, "overheard");
  if (message?.sender_chat !== undefined) return faceless(ctx, chat, from);

  const person = await resolveSender(ctx.front.app, ctx.front.lease.botId, from.id, chat.id);
  const visit = visitOf(ctx, chat, from, person);
  ctx.visit = visit;
  ctx.note.correlationId = visit.correlationId;
  if (person.team !== null) ctx.note.orgId = person.team.orgId;
  if (person.member !== null) ctx.note.userId = person.member.userId;

  if (ctx.myChatMember !== undefined || isAboutUs(ctx)) return next();
  const command = commandOf(ctx.message, ctx.front.me.username);
  if (person.member !== null && (isPrivate || person.claimed || command === "claim")) return next();
  if (isPrivate && mayBeginWith(command) && argumentOf(ctx.message) !== "") return next();
  if (!isPrivate && !person.claimed) return drop(ctx, "unclaimed group");
  return refuse(ctx, visit);
}

// A start link, or the address of somebody who joined by mail.
function mayBeginWith(command: string | null): boolean {
  return command === "start" || command === "login";
}

// The service message that tells a group that we were added to it.
function isAboutUs(ctx: Ctx): boolean {
  return ctx.message?.new_chat_members?.some(({ id }) => id === ctx.front.me.id) === true;
}

// Written as the group itself or as a channel: nobody knows by whom, so nothing is done. Silence would look like a
// fault, so whoever wants something from us here is told once a day why; a channel's own posts want nothing.
async function faceless(ctx: Ctx, chat: Room, from: User): Promise<void> {
  const { app, lease, me } = ctx.front;
  const message = ctx.message;
  if (message === undefined || message.is_automatic_forward === true) return drop(ctx, "nobody");
  const person = await resolveSender(app, lease.botId, from.id, chat.id);
  if (!person.claimed && commandOf(message, me.username) !== "claim") return drop(ctx, "unclaimed group");
  ctx.note.outcome = "refused: faceless";
  const visit = visitOf(ctx, chat, from, person);
  const { tell } = await noteStranger(app, lease.botId, message.sender_chat?.id ?? chat.id);
  await conclude(ctx, visit, async () => (tell ? [saying(ctx, visit, "faceless")] : []));
}

function visitOf(ctx: Ctx, chat: Room, from: User, person: Person): Visit {
  const { front } = ctx;
  const correlationId = newCorrelationId();
  const locale = languageOf(person.locale ?? from.language_code);
  const place = placeOf(front, chat, ctx.msg);
  const named = { id: from.id, name: nameOf(from), locale };
  return {
    updateIds: ctx.updateIds,
    correlationId,
    place,
    from: named,
    person,
    scope: scopeOf(front, person, correlationId, locale),
    locale,
  };
}

function placeOf(front: Front, chat: Room, message: Message | undefined): Place {
  const threadId = message === undefined ? 0 : threadOf(message);
  const title = chat.type === "private" ? "" : (chat.title ?? "");
  return {
    chatId: chat.id,
    threadId,
    kind: chat.type,
    title,
    lane: laneName(front.lease.botId, chat.id, threadId),
  };
}

function scopeOf(front: Front, person: Person, correlationId: string, locale: string): Scope | null {
  if (person.team === null || person.member === null) return null;
  const { orgId, name: team } = person.team;
  const { userId, accountId, role, name } = person.member;
  return {
    app: front.app,
    orgId,
    team,
    actor: { type: "user", userId, accountId, role, name },
    correlationId,
    locale,
    timeZone: person.timeZone ?? "UTC",
    log: front.app.log.child({ orgId, userId, correlationId }),
  };
}

// One polite reply a day, then silence; the operator hears of a stranger once.
async function refuse(ctx: Ctx, visit: Visit): Promise<void> {
  const { app, lease } = ctx.front;
  ctx.note.outcome = "refused";
  if (ctx.callbackQuery !== undefined) {
    await conclude(ctx, null);
    ctx
      .answerCallbackQuery({ text: sentence(visit.locale, "not_member") })
      .catch((err: unknown) => app.log.debug({ err }, "no callback answer"));
    return;
  }
  const { tell, first } = await noteStranger(app, lease.botId, visit.from.id);
  if (first)
    await alertOperator(app, lease.botId, {
      kind: "stranger",
      key: String(visit.from.id),
      params: { name: visit.from.name, id: String(visit.from.id) },
    });
  await conclude(ctx, visit, async () =>
    tell
      ? [
          saying(ctx, visit, visit.place.kind === "private" ? "stranger" : "stranger_group", {
            team: visit.person.team?.name ?? "",
          }),
        ]
      : [],
  );
}

// The group became a supergroup: everything goes on there, and nobody has to claim it again. Both say so.
async function move(ctx: Ctx, from: number, to: number): Promise<void> {
  ctx.note.outcome = "moved";
  const { app, lease, lanes } = ctx.front;
  await conclude(ctx, null, async () => {
    await moveChat(app, lease.botId, from, to);
    return [];
  });
  lanes.wake(laneName(lease.botId, to, 0));
}

async function drop(ctx: Ctx, why: string): Promise<void> {
  ctx.note.outcome = `dropped: ${why}`;
  await conclude(ctx, null);
}

/** A person's name on one line, without invisible characters: it is put before what they say in groups. */
function nameOf(user: User): string {
  const full = [user.first_name, user.last_name].filter((part) => part !== undefined).join(" ");
  const clean = full
    .normalize("NFC")
    .replaceAll(/[\p{C}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, NAME_CHARS_MAX)
    .toWellFormed();
  return clean === "" ? String(user.id) : clean;
}
