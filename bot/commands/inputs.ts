import type { InputKind } from "../../core/inputs.ts";
import type { Role, Scope } from "../../core/scope.ts";
import type { Ctx, Visit } from "../context.ts";
import { takeSecret } from "./connect.ts";
import { takeTimeZone } from "./settings.ts";
import { takeInstructions } from "./voice.ts";
import { takeName } from "./team.ts";
import { takeNewTeam } from "./teams.ts";

/** What is done with a message that was asked for, and the least role that it is taken from. */
type Input = {
  readonly who: Role;
  readonly take: (ctx: Ctx, visit: Visit, scope: Scope, text: string) => Promise<void>;
};

export const INPUTS: Readonly<Record<InputKind, Input>> = {
  team_name: { who: "admin", take: takeName },
  team_instructions: { who: "admin", take: takeInstructions },
  time_zone: { who: "member", take: takeTimeZone },
  new_team_name: { who: "member", take: takeNewTeam },
  // Whoever may not connect it any more is refused when it is deleted, not before.
  secret_claude: { who: "member", take: takeSecret("claude") },
  secret_slack: { who: "member", take: takeSecret("slack") },
  secret_clickup: { who: "member", take: takeSecret("clickup") },
};
