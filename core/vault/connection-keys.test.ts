import { expect, test } from "bun:test";
import { ConfigError, loadConfig } from "../config.ts";

const OAUTH = {
  CLAUDE_OAUTH_TOKEN_URL: "https://auth.example.com/token",
  CLAUDE_OAUTH_CLIENT_ID: "client",
  CLAUDE_OAUTH_CLIENT_SECRET: "a-client-secret",
  CLAUDE_OAUTH_REFRESH_TOKEN: "a-refresh-token",
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (err) {
    if (err instanceof ConfigError) return err.problems;
    throw err;
  }
}

test("an OAuth sign-in, a client of Google and the tokens of services are read, and print as [redacted]", () => {
  const google = { GOOGLE_CLIENT_ID: "id", GOOGLE_CLIENT_SECRET: "google-secret" };
  const tokens = { SLACK_TOKEN: "xoxb-1234567890-abc", CLICKUP_TOKEN: "pk_123_ABCDEFGHIJKLMNOP" };
  const config = loadConfig({ ...OAUTH, ...google, ...tokens });
  expect(config.oauthClients).toMatchObject({
    claude: { tokenUrl: OAUTH.CLAUDE_OAUTH_TOKEN_URL, clientId: "client" },
    google: { tokenUrl: "https://oauth2.googleapis.com/token", clientId: "id" },
  });
  expect(config.seeds.map(({ service, key }) => [service, key])).toEqual([
    ["slack", "SLACK_TOKEN"],
    ["clickup", "CLICKUP_TOKEN"],
    ["claude_instance", "CLAUDE_OAUTH_REFRESH_TOKEN"],
  ]);
  expect(JSON.stringify(config)).not.toMatch(/a-client-secret|a-refresh-token|google-secret|xoxb-|pk_123/);
});

test("what is missing beside a key, excludes another, or is no token is named, without its value", () => {
  expect(problemsOf({ CLAUDE_OAUTH_REFRESH_TOKEN: "r", GOOGLE_CLIENT_ID: "id" })).toEqual([
    "CLAUDE_OAUTH_TOKEN_URL: is needed beside CLAUDE_OAUTH_REFRESH_TOKEN",
    "GOOGLE_CLIENT_SECRET: is needed beside GOOGLE_CLIENT_ID",
  ]);
  expect(problemsOf({ ...OAUTH, ANTHROPIC_API_KEY: "sk-ant-api03-of-the-instance" })).toEqual([
    "CLAUDE_OAUTH_TOKEN_URL: is not used beside ANTHROPIC_API_KEY; leave one of them out",
  ]);
  expect(problemsOf({ ...OAUTH, CLAUDE_OAUTH_TOKEN_URL: "http://auth.example.com/token" })).toEqual([
    "CLAUDE_OAUTH_TOKEN_URL: must be an https address",
  ]);
  expect(problemsOf({ ...OAUTH, CLAUDE_OAUTH_TOKEN_URL: "http://127.0.0.1:9/token" })).toEqual([]);
  expect(problemsOf({ SLACK_TOKEN: "not-a-slack-token" })).toEqual([
    "SLACK_TOKEN: must be a whole token of Slack",
  ]);
});
