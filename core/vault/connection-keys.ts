import { z } from "zod";
import { createSecret, type Secret } from "./secret.ts";
import { type Service, SERVICES } from "./services.ts";
import type { OAuthClient } from "./token-endpoint.ts";

const GOOGLE_AUTH = "https://accounts.google.com/o/oauth2/v2/auth";
const GOOGLE_TOKEN = "https://oauth2.googleapis.com/token";

const secret = z.string().transform(createSecret);
// Tokens travel there: in the clear only within this machine.
const safeUrl = z
  .url({ protocol: /^https?$/, error: "must be an https address" })
  .refine((text) => isSafe(new URL(text)), "must be an https address");

const tokenOf = (service: Service) =>
  z
    .string()
    .regex(SERVICES[service].shape ?? /^/, `must be a whole token of ${SERVICES[service].label}`)
    .transform(createSecret);

/** The keys of the environment that say how services are connected. */
export const CONNECTION_KEYS = {
  CLAUDE_OAUTH_TOKEN_URL: safeUrl.optional(),
  CLAUDE_OAUTH_CLIENT_ID: z.string().optional(),
  CLAUDE_OAUTH_CLIENT_SECRET: secret.optional(),
  CLAUDE_OAUTH_REFRESH_TOKEN: secret.optional(),
  SLACK_TOKEN: tokenOf("slack").optional(),
  CLICKUP_TOKEN: tokenOf("clickup").optional(),
  GOOGLE_CLIENT_ID: z.string().optional(),
  GOOGLE_CLIENT_SECRET: secret.optional(),
  GOOGLE_AUTH_URL: safeUrl.default(GOOGLE_AUTH),
  GOOGLE_TOKEN_URL: safeUrl.default(GOOGLE_TOKEN),
};

type Values = z.infer<z.ZodObject<typeof CONNECTION_KEYS>>;

/** The operator's OAuth clients; null where there is none. */
export type OAuthClients = {
  readonly claude: OAuthClient | null;
  readonly google: (OAuthClient & { readonly authUrl: string }) | null;
};

/** A secret of the environment that belongs into the vault of the first team; `key` is where it was found. */
export type Seed = {
  readonly service: "slack" | "clickup" | "claude_instance";
  readonly key: "SLACK_TOKEN" | "CLICKUP_TOKEN" | "CLAUDE_OAUTH_REFRESH_TOKEN";
  readonly secret: Secret;
};

export function seedsOf(values: Values): readonly Seed[] {
  const found = [
    { service: "slack", key: "SLACK_TOKEN" },
    { service: "clickup", key: "CLICKUP_TOKEN" },
    { service: "claude_instance", key: "CLAUDE_OAUTH_REFRESH_TOKEN" },
  ] as const;
  return found.flatMap(({ service, key }) => {
    const value = values[key];
    return value === undefined ? [] : [{ service, key, secret: value }];
  });
}

export function oauthClientsOf(values: Values): OAuthClients {
  const { CLAUDE_OAUTH_TOKEN_URL: tokenUrl, CLAUDE_OAUTH_CLIENT_ID: claudeId } = values;
  const { GOOGLE_CLIENT_ID: googleId, GOOGLE_CLIENT_SECRET: googleSecret } = values;
  return {
    claude:
      tokenUrl === undefined || claudeId === undefined
        ? null
        : { tokenUrl, clientId: claudeId, secret: values.CLAUDE_OAUTH_CLIENT_SECRET ?? null },
    google:
      googleId === undefined || googleSecret === undefined
        ? null
        : {
            authUrl: values.GOOGLE_AUTH_URL,
            tokenUrl: values.GOOGLE_TOKEN_URL,
            clientId: googleId,
            secret: googleSecret,
          },
  };
}

/** What these keys need beside them or exclude, as lines for the operator. */
export function connectionProblems(isMissing: (key: string) => boolean): string[] {
  const needs = [
    ["CLAUDE_OAUTH_TOKEN_URL", "CLAUDE_OAUTH_CLIENT_ID"],
    ["CLAUDE_OAUTH_CLIENT_ID", "CLAUDE_OAUTH_TOKEN_URL"],
    ["CLAUDE_OAUTH_REFRESH_TOKEN", "CLAUDE_OAUTH_TOKEN_URL"],
    ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"],
    ["GOOGLE_CLIENT_SECRET", "GOOGLE_CLIENT_ID"],
  ] as const;
  const lonely = needs.flatMap(([given, needed]) =>
    !isMissing(given) && isMissing(needed) ? [`${needed}: is needed beside ${given}`] : [],
  );
  const both = !isMissing("ANTHROPIC_API_KEY") && !isMissing("CLAUDE_OAUTH_TOKEN_URL");
  return both
    ? [...lonely, "CLAUDE_OAUTH_TOKEN_URL: is not used beside ANTHROPIC_API_KEY; leave one of them out"]
    : lonely;
}

function isSafe(url: URL): boolean {
  return url.protocol === "https:" || ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
}
