import { ranksAtLeast, type Role, type Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { conclude, messageOf } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { login, sessions } from "./account.ts";
import { retry, startNew, status, stop } from "./chat.ts";
import { connect, connections, disconnectNamed } from "./connect.ts";
import { forget } from "./forget.ts";
import { settings } from "./settings.ts";
import { auditLog } from "./audit.ts";
import { budget, usage } from "./usage.ts";
import { invite } from "./invites.ts";
import { myData } from "./mydata.ts";
import { members } from "./members.ts";
import { claim } from "./team.ts";
import { teams } from "./teams.ts";

/**
 * One command: its name, the kind of chat it works in, the least role whose
 * menu and /help list it (whether somebody may is for the verb to say), and
 * what it does.
 */
type Command = {
  readonly name: string;
  readonly where: "private" | "group" | "anywhere";
  readonly who: Role;
  readonly run: (ctx: Ctx, visit: Visit, scope: Scope) => Promise<void>;
};

/** What setMyCommands is given and /help lists, in this order. Each has a description `command_NAME`. */
export const COMMANDS: readonly Command[] = [
  { name: "new", where: "anywhere", who: "member", run: startNew },
  { name: "forget", where: "anywhere", who: "member", run: forget },
  { name: "stop", where: "anywhere", who: "member", run: stop },
  { name: "retry", where: "anywhere", who: "member", run: retry },
  { name: "status", where: "anywhere", who: "member", run: status },
  { name: "settings", where: "private", who: "member", run: settings },
  { name: "login", where: "private", who: "member", run: login },
  { name: "sessions", where: "private", who: "member", run: sessions },
  { name: "usage", where: "private", who: "member", run: usage },
  { name: "budget", where: "private", who: "admin", run: budget },
  { name: "audit", where: "private", who: "admin", run: auditLog },
  { name: "team", where: "private", who: "member", run: teams },
  { name: "members", where: "private", who: "member", run: members },
  { name: "invite", where: "private", who: "admin", run: invite },
  { name: "remove", where: "private", who: "admin", run: members },
  { name: "connect", where: "private", who: "admin", run: connect },
  { name: "connections", where: "private", who: "admin", run: connections },
  { name: "disconnect", where: "private", who: "admin", run: disconnectNamed },
  { name: "claim", where: "group", who: "admin", run: claim },
  { name: "mydata", where: "private", who: "member", run: myData },
  { name: "help", where: "anywhere", who: "member", run: help },
];

/** /help: what this person may do here. */
export async function help(ctx: Ctx, visit: Visit): Promise<void> {
  await conclude(ctx, visit, async () => [messageOf(ctx, visit, helpText(visit))]);
}

function helpText(visit: Visit): string {
  const place = visit.place.kind === "private" ? "private" : "group";
  const role = visit.person.member?.role ?? "member";
  const usable = COMMANDS.filter(
    ({ where, who }) => (where === "anywhere" || where === place) && ranksAtLeast(role, who),
  );
  const lines = usable.map(({ name }) => `/${name} – ${sentence(visit.locale, `command_${name}`)}`);
  return [
    sentence(visit.locale, `help_${place}`, { team: visit.person.team?.name ?? "" }),
    "",
    ...lines,
  ].join("\n");
}
