import { z } from "zod";
import { createSecret } from "./secret.ts";
import type { OAuthClient } from "./token-endpoint.ts";

const GOOGLE_AUTH = "https://accounts.google.com/o/oauth2/v2/auth";
const GOOGLE_TOKEN = "https://oauth2.googleapis.com/token";

const secret = z.string().transform(createSecret);
// Tokens travel there: in the clear only within this machine.
const safeUrl = z
  .url({ protocol: /^https?$/, error: "must be an https address" })
  .refine((text) => isSafe(new URL(text)), "must be an https address");

/** The keys of the environment that say how services are connected. */
export const CONNECTION_KEYS = {
  CLAUDE_OAUTH_TOKEN_URL: safeUrl.optional(),
  CLAUDE_OAUTH_CLIENT_ID: z.string().optional(),
  CLAUDE_OAUTH_CLIENT_SECRET: secret.optional(),
  GOOGLE_CLIENT_ID: z.string().optional(),
  GOOGLE_CLIENT_SECRET: secret.optional(),
  GOOGLE_AUTH_URL: safeUrl.default(GOOGLE_AUTH),
  GOOGLE_TOKEN_URL: safeUrl.default(GOOGLE_TOKEN),
};

type Values = z.infer<z.ZodObject<typeof CONNECTION_KEYS>>;

/** The operator's OAuth clients; null where there is none. */
export type OAuthClients = { readonly claude: OAuthClient | null; readonly google: OAuthClient | null };

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
        : { tokenUrl: values.GOOGLE_TOKEN_URL, clientId: googleId, secret: googleSecret },
  };
}

/** What one key needs beside it, as lines for the operator. */
export function lonelyConnectionKeys(isMissing: (key: string) => boolean): string[] {
  const pairs = [
    ["CLAUDE_OAUTH_TOKEN_URL", "CLAUDE_OAUTH_CLIENT_ID"],
    ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"],
  ] as const;
  return pairs.flatMap(([one, other]) => {
    if (isMissing(one) === isMissing(other)) return [];
    const [missing, given] = isMissing(one) ? [one, other] : [other, one];
    return [`${missing}: is needed beside ${given}`];
  });
}

function isSafe(url: URL): boolean {
  return url.protocol === "https:" || ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
}
