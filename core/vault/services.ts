import type { Role } from "../scope.ts";

/** What a team can connect. Each has at most one credential, which is named after it. */
export type Service = "claude" | "claude_instance" | "slack" | "clickup" | "google";

/**
 * `label`: the proper name that people read, in any language. `who`: the least
 * role that connects and disconnects it. `shape`: what a pasted secret of it
 * looks like; null where it comes in another way. `renew`: what to do or set
 * when its permission has ended.
 */
type ServiceFacts = {
  readonly label: string;
  readonly who: Role;
  readonly shape: RegExp | null;
  readonly renew: string;
};

// One word, without spaces: what is pasted together with other text is not taken apart.
const ANY_TOKEN = /^[\x21-\x7E]{16,4096}$/;

export const SERVICES: Readonly<Record<Service, ServiceFacts>> = {
  claude: { label: "Claude", who: "owner", shape: ANY_TOKEN, renew: "/connect claude" },
  // Pays for every team that has none of its own, and stands in the first team's vault.
  claude_instance: { label: "Claude", who: "owner", shape: null, renew: "CLAUDE_OAUTH_REFRESH_TOKEN" },
  slack: { label: "Slack", who: "admin", shape: /^xox[a-z]-[\x21-\x7E]{10,4096}$/, renew: "/connect slack" },
  clickup: { label: "ClickUp", who: "admin", shape: ANY_TOKEN, renew: "/connect clickup" },
  google: { label: "Google", who: "admin", shape: null, renew: "npm run connect:google" },
};
