import { ranksAtLeast, type Role } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import type { Visit } from "../context.ts";

/** One line of the menu. `who` is the least role that may use it. */
export type CommandEntry = {
  readonly name: string;
  readonly where: "private" | "group" | "anywhere";
  readonly who: Role;
};

/** What setMyCommands is given and /help lists, in this order. Each has a description `command_NAME`. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "new", where: "anywhere", who: "member" },
  { name: "stop", where: "anywhere", who: "member" },
  { name: "retry", where: "anywhere", who: "member" },
  { name: "status", where: "anywhere", who: "member" },
  { name: "invite", where: "private", who: "admin" },
  { name: "claim", where: "group", who: "admin" },
  { name: "help", where: "anywhere", who: "member" },
];

/** What this person may do in this kind of chat. */
export function helpText(visit: Visit): string {
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
