import { expect, test } from "bun:test";
import { createOAuthSim, type OAuthSim } from "../../ops/sim/oauth/server.ts";
import { claudeAccess } from "../claude/credentials.ts";
import { createTestApp, leaseOf } from "../test-app.ts";
import type { Seed } from "./connection-keys.ts";
import { listConnections, removeCredential, withCredential } from "./credentials.ts";
import { refreshExpiring } from "./refresh-job.ts";
import { createSecret } from "./secret.ts";
import { takeSeeds } from "./seeds.ts";

const slack = (token: string): Seed => ({
  service: "slack",
  key: "SLACK_TOKEN",
  secret: createSecret(token),
});
const SLACK = slack("xoxb-1234567890-of-the-environment-A1b2");
const SLACK_NEXT = slack("xoxb-1234567890-of-the-environment-C3d4");

function clientsOf({ tokenUrl, clientId, clientSecret }: OAuthSim) {
  return { claude: { tokenUrl, clientId, secret: createSecret(clientSecret ?? "") }, google: null };
}

test("a token of the environment is taken into the first team's vault once, and its people are told", async () => {
  await using it = await createTestApp({ seeds: [SLACK] });
  const { app } = it;
  expect(await takeSeeds(app)).toEqual([]); // there is no team yet
  await leaseOf(app);
  const [first, second] = [await it.team(1), await it.team(2)];
  const other = it.another();
  const taken = await Promise.all([takeSeeds(app), takeSeeds(other), takeSeeds(app)]);
  expect(taken.flat()).toEqual(["slack"]);
  await other.close();
  expect(await listConnections(first)).toMatchObject([
    { service: "slack", last4: "A1b2", connectedBy: null },
  ]);
  expect(await listConnections(second)).toEqual([]);
  const told = await it.admin`SELECT chat_id::int AS chat, payload->>'text' AS text FROM pipeline.outbox`;
  expect(told.map((row) => row["chat"])).toEqual([1]);
  expect(told[0]?.["text"]).toContain("Slack (…A1b2), from SLACK_TOKEN in the server's settings");
  const audit =
    await it.admin`SELECT actor_type, actor_id FROM app.audit_log WHERE action = 'credential.add'`;
  expect([...audit]).toEqual([{ actor_type: "operator", actor_id: "environment" }]);

  // What was disconnected stays away; another value is taken again.
  await removeCredential(first, "slack");
  expect(await takeSeeds(app)).toEqual([]);
  expect(await listConnections(first)).toEqual([]);
  const next = it.another({ seeds: [SLACK_NEXT] });
  expect(await takeSeeds(next)).toEqual(["slack"]);
  await next.close();
  expect(await withCredential(first, "slack", async (token) => token.endsWith("C3d4"))).toBe(true);
});

test("the instance's OAuth sign-in pays for every team without a key of its own, and is refreshed before it ends", async () => {
  await using it = await createTestApp();
  const sim = await createOAuthSim({ clock: () => it.app.clock.now() });
  const secret = createSecret(sim.issueRefreshToken());
  const app = it.another({
    oauthClients: clientsOf(sim),
    seeds: [{ service: "claude_instance", key: "CLAUDE_OAUTH_REFRESH_TOKEN", secret }],
  });
  const [first, second] = [
    { ...(await it.team(1)), app },
    { ...(await it.team(2)), app },
  ];
  expect(app.claude.connected).toBe(true);
  expect(await takeSeeds(app)).toEqual(["claude_instance"]);
  expect(sim.requests).toHaveLength(0); // no network at the start
  const access = await claudeAccess(second);
  expect([access.kind, access.credential]).toEqual(["oauth", app.claude.credential]);
  expect(typeof (await access.open())).toBe("function");
  expect(sim.requests).toHaveLength(1);
  expect(await listConnections(first)).toMatchObject([{ service: "claude_instance", kind: "oauth" }]);

  await refreshExpiring(app);
  expect(sim.requests).toHaveLength(1);
  it.pass(56 * 60_000);
  await Promise.all([refreshExpiring(app), refreshExpiring(app)]);
  expect(sim.requests).toHaveLength(2);
  it.pass(56 * 60_000);
  sim.revokeAll();
  await refreshExpiring(app);
  await refreshExpiring(app);
  expect(sim.requests).toHaveLength(3); // what has ended is left alone
  expect(await listConnections(first)).toMatchObject([{ status: "needs_reauth" }]);
  expect(await access.open()).toMatchObject({ source: "credential", errorCode: "needs_reauth" });
  expect(sim.violations).toEqual([]);

  // The operator signs in anew and sets the new token.
  const renewed = it.another({
    oauthClients: clientsOf(sim),
    seeds: [
      {
        service: "claude_instance",
        key: "CLAUDE_OAUTH_REFRESH_TOKEN",
        secret: createSecret(sim.issueRefreshToken()),
      },
    ],
  });
  expect(await takeSeeds(renewed)).toEqual(["claude_instance"]);
  expect(typeof (await (await claudeAccess({ ...second, app: renewed })).open())).toBe("function");
  await renewed.close();
  await app.close();
  await sim.stop();
});
