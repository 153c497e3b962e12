import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { checkClaudeKey } from "../../core/claude/credentials.ts";
import { AppError } from "../../core/errors.ts";
import { awaitInput, clearInput } from "../../core/inputs.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import { mayActAs, requireRole, type Scope } from "../../core/scope.ts";
import { momentText } from "../../core/text/figures.ts";
import { sentence } from "../../core/text/text.ts";
import {
  addCredential,
  type Connection,
  listConnections,
  removeCredential,
} from "../../core/vault/credentials.ts";
import {
  isService,
  PASTED,
  pastedNamed,
  type PastedService,
  SERVICES,
  tokenOwner,
} from "../../core/vault/services.ts";
import { argumentOf } from "../addressing.ts";
import { conclude, messageOf } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { removeMessage } from "../removal.ts";
import { screen } from "./screen.ts";

/**
 * /connect [service [token]]: asks for a token, or which one it shall be. Who
 * writes the token behind the command is served too, and that message deleted.
 */
export async function connect(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const [name = "", ...rest] = argumentOf(ctx.message).split(/\s+/);
  const service = pastedNamed(name);
  if (service !== null && rest.length > 0) return takeSecret(service)(ctx, visit, scope, rest.join(" "));
  if (service === null && tokenOwner(name) !== null) return refuseToken(ctx, visit, scope);
  await conclude(ctx, visit, async () => [
    service === null ? await choice(ctx, scope) : await question(ctx, scope, service),
  ]);
}

/** The button of a service: its token is the next message. */
export async function askSecret(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    const service = pastedNamed(value ?? "");
    return [service === null ? await choice(ctx, scope) : await question(ctx, scope, service)];
  });
}

/** Cancel: the next message is none any more. */
export async function keepUnconnected(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    await clearInput(scope, visit.place.chatId);
    return [await screen(ctx, scope, sentence(scope.locale, "connect_cancelled"), [])];
  });
}

/** The message with the secret: deleted first, whatever becomes of it, and never a question. */
export function takeSecret(service: PastedService) {
  return async (ctx: Ctx, visit: Visit, scope: Scope, text: string): Promise<void> => {
    const gone = await removeSent(ctx, visit);
    const token = text.trim();
    const trouble = service === "claude" ? await refusalOf(() => checkClaudeKey(scope, token)) : null;
    await conclude(ctx, visit, async () => {
      await clearInput(scope, visit.place.chatId);
      const { said, again } = await connected(scope, service, { token, trouble });
      const deleted = sentence(scope.locale, gone ? "secret_deleted" : "secret_left");
      const retry: ButtonSpec = {
        label: sentence(scope.locale, "button_connect_again"),
        kind: "connect",
        value: service,
      };
      return [await screen(ctx, scope, `${said} ${deleted}`, again ? [[retry]] : [])];
    });
  };
}

async function connected(
  scope: Scope,
  service: PastedService,
  { token, trouble }: { token: string; trouble: AppError | null },
): Promise<{ said: string; again: boolean }> {
  const { locale, team } = scope;
  let said = "";
  const err =
    trouble ??
    (await refusalOf(async () => {
      const { last4, replaced } = await addCredential(scope, service, token);
      const params = { service: SERVICES[service].label, team, last4: last4 ?? "" };
      const before = replaced?.last4 ?? null;
      said =
        before === null
          ? sentence(locale, "connect_done", params)
          : sentence(locale, "connect_replaced", { ...params, before });
    }));
  if (err === null) return { said, again: false };
  const mayRepeat = mayActAs(scope, SERVICES[service].who);
  return { said: sentence(locale, err.code, err.params), again: mayRepeat };
}

// A refusal changes nothing, so what has been said and done around it stays.
async function refusalOf(work: () => Promise<void>): Promise<AppError | null> {
  try {
    await work();
    return null;
  } catch (err) {
    if (err instanceof AppError) return err;
    throw err;
  }
}

/** Middleware: a token in private that nobody has asked this person for, or that an edit brought. */
export async function dropStrayToken(ctx: Ctx, next: () => Promise<void>): Promise<void> {
  const { visit } = ctx;
  const text = ctx.message?.text ?? ctx.editedMessage?.text ?? "";
  if (visit === null || visit.scope === null || visit.place.kind !== "private") return next();
  const isAwaited = ctx.message !== undefined && visit.person.pending?.startsWith("secret_") === true;
  return isAwaited || tokenOwner(text) === null ? next() : refuseToken(ctx, visit, visit.scope);
}

// It is deleted and goes nowhere, least of all to Claude.
async function refuseToken(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  ctx.note.what = "stray token";
  const gone = await removeSent(ctx, visit);
  await conclude(ctx, visit, async () => [
    messageOf(
      ctx,
      visit,
      `${sentence(scope.locale, "secret_unasked")} ${sentence(scope.locale, gone ? "secret_deleted" : "secret_left")}`,
    ),
  ]);
}

/** /connections, and the button that leads back to it. */
export async function connections(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  await conclude(ctx, visit, async () => [await overview(ctx, scope)]);
}

export async function showConnections(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    await takePress(scope, buttonId, visit.place.chatId);
    return [await overview(ctx, scope)];
  });
}

/** /disconnect [service]: asks whether it shall be forgotten, or shows what there is. */
export async function disconnectNamed(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const name = argumentOf(ctx.message).toLowerCase();
  await conclude(ctx, visit, async () => [
    isService(name) ? await removalQuestion(ctx, scope, name) : await overview(ctx, scope),
  ]);
}

/** The button of one connection, before it is pressed once more. */
export async function sureToDisconnect(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  buttonId: string,
): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    return [await removalQuestion(ctx, scope, value ?? "")];
  });
}

/** The second press: it is forgotten. */
export async function disconnect(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    const service = value ?? "";
    if (!isService(service)) throw new AppError("button_gone");
    await removeCredential(scope, service);
    return [
      await screen(
        ctx,
        scope,
        sentence(scope.locale, "disconnect_done", { service: SERVICES[service].label, team: scope.team }),
        [[backTo(scope)]],
      ),
    ];
  });
}

async function choice(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  requireRole(scope, "admin");
  const buttons = PASTED.map((service): ButtonSpec => ({
    label: SERVICES[service].label,
    kind: "connect",
    value: service,
  }));
  return screen(ctx, scope, sentence(scope.locale, "connect_choose", { team: scope.team }), [buttons]);
}

async function question(ctx: Ctx, scope: Scope, service: PastedService): Promise<OutgoingMessage> {
  const { label, who } = SERVICES[service];
  requireRole(scope, who);
  await awaitInput(scope, ctx.chat?.id ?? 0, `secret_${service}`);
  const text = sentence(scope.locale, "connect_ask", { service: label, team: scope.team });
  return screen(ctx, scope, text, [
    [{ label: sentence(scope.locale, "button_cancel"), kind: "connect_not" }],
  ]);
}

async function overview(ctx: Ctx, scope: Scope): Promise<OutgoingMessage> {
  const all = await listConnections(scope);
  const head = sentence(scope.locale, all.length === 0 ? "connections_none" : "connections", {
    team: scope.team,
  });
  const removals = all.map(({ service }): ButtonSpec[] => [
    {
      label: sentence(scope.locale, "button_disconnect", { service: SERVICES[service].label }),
      kind: "disconnect",
      value: service,
    },
  ]);
  return screen(ctx, scope, [head, ...all.map((each) => lineOf(scope, each))].join("\n\n"), removals);
}

function lineOf({ locale, timeZone }: Scope, connection: Connection): string {
  const { service, last4, status, connectedBy, connectedAt, lastUsedAt } = connection;
  return sentence(locale, "connection_line", {
    service: SERVICES[service].label,
    last4: last4 ?? "none",
    status,
    name: connectedBy ?? "none",
    date: momentText(locale, timeZone, connectedAt),
    used: lastUsedAt === null ? "none" : momentText(locale, timeZone, lastUsedAt),
  });
}

async function removalQuestion(ctx: Ctx, scope: Scope, service: string): Promise<OutgoingMessage> {
  const found = (await listConnections(scope)).find((each) => each.service === service);
  if (found === undefined)
    throw new AppError("not_connected", { service: isService(service) ? SERVICES[service].label : service });
  const { label } = SERVICES[found.service];
  return screen(ctx, scope, sentence(scope.locale, "disconnect_ask", { service: label, team: scope.team }), [
    [
      {
        label: sentence(scope.locale, "button_disconnect", { service: label }),
        kind: "disconnect_sure",
        value: service,
      },
      { label: sentence(scope.locale, "button_cancel"), kind: "connections" },
    ],
  ]);
}

function backTo(scope: Scope): ButtonSpec {
  return { label: sentence(scope.locale, "button_back"), kind: "connections" };
}

/** Deletes the message at hand and what came with it. True when nothing of it is left in the chat. */
async function removeSent(ctx: Ctx, visit: Visit): Promise<boolean> {
  const sent = [ctx.msg, ...ctx.rest].flatMap((message) => message?.message_id ?? []);
  const gone = await Promise.all(sent.map((id) => removeMessage(ctx.front, visit.place.chatId, id)));
  return gone.every((each) => each);
}
