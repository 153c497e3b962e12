/** What a team can connect. Each has at most one credential, which is named after it. */
export type Service = "claude" | "claude_instance" | "slack" | "clickup" | "google";

/** What is connected by sending its token in a message. */
export type PastedService = "claude" | "slack" | "clickup";
export const PASTED: readonly PastedService[] = ["claude", "slack", "clickup"];

/**
 * `label`: the proper name that people read, in any language. `who`: the least
 * role that connects and disconnects it. `shape`: what a pasted secret of it
 * looks like; null where it comes in another way. `mark`: how a token of it
 * begins and nothing else does. `renew`: what to do or set when its permission
 * has ended.
 */
type ServiceFacts = {
  readonly label: string;
  readonly who: "owner" | "admin";
  readonly shape: RegExp | null;
  readonly mark: RegExp | null;
  readonly renew: string;
};

// One word, without spaces: what is pasted together with other text is not taken apart.
const ANY_TOKEN = /^[\x21-\x7E]{16,4096}$/;

export const SERVICES: Readonly<Record<Service, ServiceFacts>> = {
  claude: { label: "Claude", who: "owner", shape: ANY_TOKEN, mark: /^sk-ant-/, renew: "/connect claude" },
  // Pays for every team that has none of its own, and stands in the first team's vault.
  claude_instance: {
    label: "Claude (OAuth)",
    who: "owner",
    shape: null,
    mark: null,
    renew: "CLAUDE_OAUTH_REFRESH_TOKEN",
  },
  slack: {
    label: "Slack",
    who: "admin",
    shape: /^xox[a-z]-[\x21-\x7E]{10,4096}$/,
    mark: /^xox[a-z]-/,
    renew: "/connect slack",
  },
  clickup: {
    label: "ClickUp",
    who: "admin",
    shape: ANY_TOKEN,
    mark: /^pk_\d+_/,
    renew: "/connect clickup",
  },
  google: { label: "Google", who: "admin", shape: null, mark: null, renew: "npm run connect:google" },
};

/** Whose token a text is, when it is one word that begins as only such a token does; else null. */
export function tokenOwner(text: string): Service | null {
  const word = text.trim();
  if (!ANY_TOKEN.test(word)) return null;
  // safe: its keys are the services
  return (Object.keys(SERVICES) as Service[]).find((service) => SERVICES[service].mark?.test(word)) ?? null;
}

export function isService(name: string): name is Service {
  return Object.hasOwn(SERVICES, name);
}

/** What can be connected by a message under this name, as people type it; null for anything else. */
export function pastedNamed(name: string): PastedService | null {
  return PASTED.find((service) => service === name.toLowerCase()) ?? null;
}
