import { NO_CREDENTIAL } from "./access.ts";
import { claudeAccess } from "./credentials.ts";
import type { Scope } from "../scope.ts";
import { languageOf, sentence } from "../text/text.ts";

const DAY_MS = 86_400_000;

/** What any member is told of Claude: whether it answers, since when not, and when the next question can be asked. */
export async function claudeSentence(scope: Scope): Promise<string> {
  const { app, locale } = scope;
  const { credential } = await claudeAccess(scope);
  const { state, kind, sinceMs, untilMs } = app.claudeHealth.report(credential);
  switch (credential === NO_CREDENTIAL ? "not_connected" : state) {
    case "ok":
      return sentence(locale, "status_claude_ok", { model: app.claude.model });
    case "unknown":
      return sentence(locale, "status_claude_unknown", { model: app.claude.model });
    case "not_connected":
      return sentence(locale, "status_claude_not_connected");
    case "limited": {
      const seconds = untilMs === null ? 0 : Math.ceil((untilMs - app.clock.now()) / 1_000);
      return sentence(locale, "status_claude_limited", { seconds });
    }
    case "unavailable":
      return sentence(locale, "status_claude_unavailable", {
        kind: kind ?? "",
        since: momentOf(scope, sinceMs ?? app.clock.now()),
      });
  }
}

// The time of day as the person's clock shows it, with the date when that was not today.
function momentOf({ app, locale, timeZone }: Scope, atMs: number): string {
  const isRecent = app.clock.now() - atMs < DAY_MS / 2;
  const format = new Intl.DateTimeFormat(languageOf(locale) === "en" ? "en-GB" : languageOf(locale), {
    timeZone,
    timeStyle: "short",
    ...(!isRecent && { dateStyle: "medium" }),
  });
  return format.format(atMs);
}
