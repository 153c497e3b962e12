import { everyTeam } from "../core/accounts/teams.ts";
import type { App } from "../core/app.ts";

/** The team of this name, or the first one without a name. Throws an `Error` that lists what there is. */
export async function chooseTeam(app: App, wanted: string | null): Promise<{ orgId: string; name: string }> {
  const teams = await everyTeam(app);
  const chosen = wanted === null ? teams.slice(0, 1) : teams.filter(({ name }) => name === wanted);
  const [team] = chosen;
  if (teams.length === 0)
    throw new Error("Nobody owns this bot yet. Start it, and open the owner link that it prints.");
  if (team === undefined || chosen.length > 1)
    throw new Error(
      `${chosen.length === 0 ? "No team" : "More than one team"} is called “${wanted}”. There are: ${teams.map(({ name }) => `“${name}”`).join(", ")}.`,
    );
  return team;
}
