import { expect, test } from "bun:test";
import type { ClaudeScript } from "../../ops/sim/claude/script.ts";
import { createClaudeSim } from "../../ops/sim/claude/server.ts";
import { createOAuthSim, type OAuthSim } from "../../ops/sim/oauth/server.ts";
import { createLog } from "../log.ts";
import { createApp } from "../app.ts";
import type { Scope } from "../scope.ts";
import { createTestApp, refusalOf, testSettings } from "../test-app.ts";
import { addCredential, removeCredential } from "../vault/credentials.ts";
import { createSecret } from "../vault/secret.ts";
import { createTokenEndpoint } from "../vault/token-endpoint.ts";
import { checkClaudeKey, claudeAccess, credentialOf } from "./credentials.ts";
import type { ClaudeRequest } from "./messages.ts";
import { systemPrompt } from "./prompt.ts";

const MODEL = "claude-sonnet-5-5";
const INSTANCE_KEY = "sk-ant-api03-the-key-of-the-instance";
const TEAM_KEY = "sk-ant-api03-the-key-of-the-second-team";

/** An instance with a key, a Claude that notes who asks, and an OAuth server for teams that sign in there. */
async function start(script: ClaudeScript = () => ({ text: "Hello." })) {
  const base = await createTestApp();
  const claude = await createClaudeSim({ script });
  const oauth = await createOAuthSim();
  const client = clientOf(oauth);
  const lines: Record<string, unknown>[] = [];
  const app = createApp(
    {
      ...testSettings(base.urls.databaseUrl),
      claude: { apiKey: INSTANCE_KEY, baseUrl: claude.url, model: MODEL },
      oauthClients: { claude: client, google: null },
    },
    {
      log: createLog({ level: "info", destination: { write: (line) => void lines.push(JSON.parse(line)) } }),
    },
  );
  const seen: string[] = [];
  const accepted: { holds: (key: string) => boolean } = { holds: () => true };
  claude.acceptKeys((key, headers) => {
    seen.push(key);
    const isOAuth = key.startsWith("at-");
    return accepted.holds(key) && (headers.get("anthropic-beta") !== null) === isOAuth;
  });
  return {
    app,
    claude,
    oauth,
    seen,
    accepted,
    admin: base.admin,
    calls: () => lines.filter(({ msg }) => msg === "claude call"),
    text: () => JSON.stringify(lines),
    team: async (id: number): Promise<Scope> => ({ ...(await base.team(id)), app, log: app.log }),
    async [Symbol.asyncDispose]() {
      await app.close();
      await claude.stop();
      await oauth.stop();
      await base[Symbol.asyncDispose]();
      expect(claude.violations).toEqual([]);
    },
  };
}

function clientOf(sim: OAuthSim) {
  return { tokenUrl: sim.tokenUrl, clientId: sim.clientId, secret: createSecret(sim.clientSecret ?? "") };
}

async function signIn(team: Scope, sim: OAuthSim): Promise<void> {
  const reply = await createTokenEndpoint(clientOf(sim), team.app.clock).refresh(sim.issueRefreshToken());
  if (reply.outcome !== "granted") throw new Error(`no tokens: ${reply.detail}`);
  const { refreshToken, ...tokens } = reply.tokens;
  await addCredential(team, "claude", { ...tokens, refreshToken: refreshToken ?? "" });
}

/** How one question of this team ends. */
async function ask(team: Scope): Promise<string> {
  const request: ClaudeRequest = {
    system: systemPrompt({
      name: team.team,
      botName: "BlockBot",
      voice: { instructions: null, language: null },
    }),
    messages: [{ role: "user", text: "Hello" }],
    maxTokens: 100,
    userRef: "u",
    conversationWarm: false,
    about: { incident: "inc", orgId: team.orgId, chatRef: "c", action: "answer", attempt: 1 },
  };
  const stream = team.app.claude.stream(request, new AbortController().signal, await claudeAccess(team));
  let ended = "";
  for await (const event of stream) ended = event.type === "unavailable" ? event.kind : event.type;
  return ended;
}

test("a team with a key of its own uses that, every other team the instance's, each with a breaker of its own", async () => {
  await using world = await start();
  const { app, seen } = world;
  const [one, two] = [await world.team(1), await world.team(2)];
  await addCredential(two, "claude", TEAM_KEY);
  expect([await ask(one), await ask(two)]).toEqual(["end", "end"]);
  expect(seen).toEqual([INSTANCE_KEY, TEAM_KEY]);
  expect(credentialOf(one)).toBe(app.claude.credential);
  expect(credentialOf(two)).not.toBe(credentialOf(one));

  world.accepted.holds = (key) => key !== TEAM_KEY;
  expect([await ask(two), await ask(two), await ask(one)]).toEqual(["auth", "auth", "end"]);
  expect(app.claudeHealth.report(credentialOf(two)).state).toBe("unavailable");
  expect(seen.slice(2)).toEqual([TEAM_KEY, INSTANCE_KEY]); // the second question met the open breaker

  world.accepted.holds = () => true;
  await addCredential(two, "claude", `${TEAM_KEY}-renewed`);
  expect(await ask(two)).toBe("end"); // another credential, another breaker
  await removeCredential(two, "claude");
  expect(await ask(two)).toBe("end");
  expect(seen.at(-1)).toBe(INSTANCE_KEY);
  const uses = await world.admin`SELECT org_id, target FROM app.audit_log WHERE action = 'credential.use'`;
  expect(uses.map((row) => [row["org_id"], row["target"]])).toEqual(
    Array.from({ length: 3 }, () => [two.orgId, "claude"]),
  );
});

test("an access token that Claude refuses is refreshed and sent once more, as the second attempt", async () => {
  await using world = await start();
  const { oauth, seen, app } = world;
  const team = await world.team(1);
  await signIn(team, oauth);
  world.accepted.holds = (key) => oauth.accepts(key);
  expect(await ask(team)).toBe("end");
  const [first = ""] = seen;
  oauth.endAccess(first);
  const refreshes = oauth.requests.length;
  expect(await ask(team)).toBe("end");
  expect(oauth.requests.length - refreshes).toBe(1);
  expect(seen.slice(1).map((token) => token === first)).toEqual([true, false]);
  expect(
    world.calls().map(({ attempt, credentialKind, breaker }) => [attempt, credentialKind, breaker]),
  ).toEqual([
    [1, "oauth", "closed"],
    [1, "oauth", "closed"],
    [2, "oauth", "closed"],
  ]);
  expect(world.calls()[1]).toMatchObject({ error: { kind: "auth", status: 401 } });
  expect(app.claudeHealth.report(credentialOf(team)).state).toBe("ok");
  for (const token of seen) expect(world.text()).not.toContain(token);
});

test("a token that is refused when it is fresh is asked with no third time", async () => {
  await using world = await start();
  const { oauth, seen } = world;
  const team = await world.team(1);
  await signIn(team, oauth);
  world.accepted.holds = () => false;
  expect(await ask(team)).toBe("auth");
  expect(seen).toHaveLength(2);
  expect(new Set(seen).size).toBe(2);
  expect(await ask(team)).toBe("auth"); // the breaker is open
  expect(seen).toHaveLength(2);
});

test("a refused token that cannot be renewed now is not sent again, and Claude is away rather than the sign-in refused", async () => {
  await using world = await start();
  const { oauth, seen } = world;
  const team = await world.team(1);
  await signIn(team, oauth);
  world.accepted.holds = (key) => oauth.accepts(key);
  expect(await ask(team)).toBe("end");
  oauth.endAccess(seen[0] ?? "");
  oauth.fault({ kind: "status", status: 503, times: 1 });
  expect(await ask(team)).toBe("unreachable");
  expect(seen).toHaveLength(2);
});

test("a key that is refused is not sent twice", async () => {
  await using world = await start();
  world.accepted.holds = () => false;
  expect(await ask(await world.team(1))).toBe("auth");
  expect(world.seen).toEqual([INSTANCE_KEY]);
});

test("a sign-in that has ended, and a token that cannot be renewed now, are told apart and send nothing", async () => {
  await using world = await start();
  const { oauth, seen, admin } = world;
  const [ended, away] = [await world.team(1), await world.team(2)];
  await signIn(ended, oauth);
  oauth.revokeAll();
  await signIn(away, oauth);
  await admin`UPDATE app.cloud_connections SET expires_at = now() - interval '1 hour'`;
  expect(await ask(ended)).toBe("auth");
  oauth.fault({ kind: "status", status: 503, times: 1 });
  expect(await ask(away)).toBe("unreachable");
  expect(seen).toEqual([]);
});

test("a row that was altered is no credential, and the log says so", async () => {
  await using world = await start();
  const team = await world.team(1);
  await addCredential(team, "claude", TEAM_KEY);
  await world.admin`UPDATE app.credentials SET envelope = set_byte(envelope, 40, get_byte(envelope, 40) # 1)`;
  expect(await ask(team)).toBe("not_connected");
  expect(world.text()).toContain("a credential cannot be opened");
  expect(world.seen).toEqual([]);
});

test("a key is tried before it is stored, and only what can be one is sent", async () => {
  await using world = await start();
  const { claude, seen } = world;
  const team = await world.team(1);
  const check = (key: string) => checkClaudeKey(team, key);
  expect(await refusalOf(check("sk-ant-oat01-a-token-of-claude-setup-token"))).toBe("claude_key_wrong_kind");
  expect(await refusalOf(check("xoxb-1234567890-of-another-service"))).toBe("secret_malformed");
  expect(seen).toEqual([]);
  await check(TEAM_KEY);
  world.accepted.holds = () => false;
  expect(await refusalOf(check(TEAM_KEY))).toBe("claude_key_refused");
  world.accepted.holds = () => true;
  claude.setModelReply({ status: 529 });
  expect(await refusalOf(check(TEAM_KEY))).toBe("claude_key_unchecked");
  const stranger = { ...team, actor: { ...team.actor, role: "admin" } } as Scope;
  expect(await refusalOf(checkClaudeKey(stranger, TEAM_KEY))).toBe("not_allowed");
  expect(world.calls()).toEqual([]); // nothing of it is a call
});
