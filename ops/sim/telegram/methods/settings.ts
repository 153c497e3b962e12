import { chatFor } from "../access.ts";
import { violation } from "../api-error.ts";
import type { BotCommand } from "../command-lists.ts";
import type { Telegram } from "../telegram.ts";
import { isObject, objectsOf, type Params, refuseUnknownFields, textOf } from "../validation.ts";
import type { Call } from "./method.ts";

const COMMANDS_MAX = 100;
const COMMAND = /^[a-z0-9_]{1,32}$/;
const COMMAND_DESCRIPTION_MAX = 256;
const NAME_MAX = 64;
const DESCRIPTION_MAX = 512;
const SHORT_DESCRIPTION_MAX = 120;
const LANGUAGE = /^([a-z]{2})?$/;
const SCOPES_OF_CHATS = ["chat", "chat_administrators", "chat_member"];
const SCOPES = [
  "default",
  "all_private_chats",
  "all_group_chats",
  "all_chat_administrators",
  ...SCOPES_OF_CHATS,
];

export function setMyCommands({ telegram, params }: Call): true {
  const commands = objectsOf(params, "commands") ?? [];
  if (commands.length > COMMANDS_MAX) throw violation("BOT_COMMANDS_TOO_MUCH");
  const list = { ...listFor(telegram, params), commands: commands.map(commandOf) };
  if (list.commands.length === 0) telegram.commandLists.remove(list.scope, list.languageCode);
  else telegram.commandLists.set(list);
  telegram.feed.tell({ type: "commands" });
  return true;
}

/** The list of exactly this scope and language: like the service, it does not fall back to another. */
export function getMyCommands({ telegram, params }: Call): unknown {
  const { scope, languageCode } = listFor(telegram, params);
  return telegram.commandLists.get(scope, languageCode);
}

export function deleteMyCommands({ telegram, params }: Call): true {
  const { scope, languageCode } = listFor(telegram, params);
  telegram.commandLists.remove(scope, languageCode);
  telegram.feed.tell({ type: "commands" });
  return true;
}

export function setMyName(call: Call): true {
  return storeText(call, "name", NAME_MAX);
}

export function setMyDescription(call: Call): true {
  return storeText(call, "description", DESCRIPTION_MAX);
}

export function setMyShortDescription(call: Call): true {
  return storeText(call, "short_description", SHORT_DESCRIPTION_MAX);
}

function storeText({ telegram, params }: Call, name: string, limit: number): true {
  const text = textOf(params, name) ?? "";
  if (text.length > limit) throw violation(`bot ${name.replace("_", " ")} is too long`);
  telegram.store.setSetting(`${name} ${languageOf(params)}`, text);
  return true;
}

function listFor(telegram: Telegram, params: Params): { scope: string; languageCode: string } {
  return { scope: scopeOf(telegram, params["scope"]), languageCode: languageOf(params) };
}

function languageOf(params: Params): string {
  const language = textOf(params, "language_code") ?? "";
  if (!LANGUAGE.test(language)) throw violation("invalid language code specified");
  return language;
}

function scopeOf(telegram: Telegram, scope: unknown): string {
  if (scope === undefined) return "default";
  if (!isObject(scope) || !SCOPES.includes(String(scope["type"])))
    throw violation("can't parse BotCommandScope");
  refuseUnknownFields("scope", scope, ["type", "chat_id", "user_id"]);
  const type = String(scope["type"]);
  if (!SCOPES_OF_CHATS.includes(type)) return type;
  const { id } = chatFor(telegram, scope);
  return type === "chat_member" ? `${type}:${id}:${Number(scope["user_id"])}` : `${type}:${id}`;
}

function commandOf(raw: Params): BotCommand {
  refuseUnknownFields("BotCommand", raw, ["command", "description", "is_ephemeral"]);
  const command = (textOf(raw, "command") ?? "").replace(/^\//, "");
  const description = textOf(raw, "description")?.trim() ?? "";
  if (!COMMAND.test(command)) throw violation("BOT_COMMAND_INVALID");
  if (description === "" || description.length > COMMAND_DESCRIPTION_MAX) {
    throw violation("BOT_COMMAND_DESCRIPTION_INVALID");
  }
  return { command, description };
}
