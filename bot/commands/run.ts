import { AppError } from "../../core/errors.ts";
import { mayActAs } from "../../core/scope.ts";
import { commandOf, spokenText } from "../addressing.ts";
import { conclude, saying } from "../conclude.ts";
import type { Ctx } from "../context.ts";
import { loginAsStranger } from "./account.ts";
import { INPUTS } from "./inputs.ts";
import { start } from "./start.ts";
import { COMMANDS } from "./table.ts";

/** Middleware: a message that begins with a command for us. Throws `private_only` or `group_only` in the wrong kind of chat. */
export async function runCommand(ctx: Ctx, next: () => Promise<void>): Promise<void> {
  const { visit } = ctx;
  const name = commandOf(ctx.message, ctx.front.me.username);
  if (name === null || visit === null) return next();
  const command = COMMANDS.find((known) => known.name === name);
  ctx.note.what = command === undefined && name !== "start" ? "unknown command" : `/${name}`;
  if (name === "start") return start(ctx, visit);
  if (visit.scope === null && name === "login") return loginAsStranger(ctx, visit);
  if (visit.scope === null) throw new AppError("not_member");
  if (command === undefined)
    return conclude(ctx, visit, async () => [
      saying(ctx, visit, "unknown_command", { command: name.slice(0, 32) }),
    ]);
  const isPrivate = visit.place.kind === "private";
  if (command.where === "private" && !isPrivate) throw new AppError("private_only");
  if (command.where === "group" && isPrivate) throw new AppError("group_only");
  return command.run(ctx, visit, visit.scope);
}

/** Middleware: a message that a command has asked this person for. */
export async function takeInput(ctx: Ctx, next: () => Promise<void>): Promise<void> {
  const { visit, message } = ctx;
  const pending = visit?.person.pending ?? null;
  if (visit === null || visit.scope === null || pending === null) return next();
  if (message?.text === undefined || message.forward_origin !== undefined) return next();
  const input = INPUTS[pending];
  if (!mayActAs(visit.scope, input.who)) return next();
  ctx.note.what = `input ${pending}`;
  const said = [message, ...ctx.rest].map((each) => spokenText(each, ctx.front.me.username));
  return input.take(ctx, visit, visit.scope, said.join("\n"));
}
