import { expect, test } from "bun:test";
import { ALICE, hasButton, startWorld, type World, type WorldSettings } from "./world.ts";

/** Everything that takes minutes in life, in tenths of seconds. */
const FAST: WorldSettings = {
  rateLimits: false,
  claude: {
    bounds: { headersMs: 200, firstEventMs: 200, idleMs: 200, idleAliveMs: 300, totalMs: 5_000 },
    breaker: { waitMs: 300, waitMaxMs: 600, pausedMs: 400, limitedMs: 300 },
  },
  monitor: { tickMs: 20, probeMs: 60, doubtMs: 60, blipMs: 100, longMs: 600, repeatMs: 1 },
};

async function health(world: World): Promise<Record<string, unknown>> {
  const response = await fetch(`${world.adminUrl}/health`);
  const { components } = (await response.json()) as { components: { claude: Record<string, unknown> } };
  return components.claude;
}

test("an outage is told once down and once back, with how long and how many; nobody asks Claude meanwhile", async () => {
  await using world = await startWorld(() => ({ text: "Here I am." }), FAST);
  await world.claimTeam();
  await world.claude.goOffline();
  for (const [already, text] of ["one", "two", "three"].entries()) {
    world.telegram.say({ from: ALICE, text });
    await world.telegram.waitFor(
      () => world.heard(ALICE).filter((message) => hasButton(message, "Retry")).length > already,
    );
  }
  const alert = await world.hears(ALICE, "Claude does not answer right now: it cannot be reached");
  expect(alert.text).toMatch(/message(s have| has) been affected so far/);
  expect(await health(world)).toMatchObject({ state: "unavailable", kind: "unreachable", breaker: "open" });
  world.telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "Claude cannot be used right now; it stopped working at");

  await world.claude.goOnline();
  const back = await world.hears(ALICE, "Claude answers again, after less than a minute.");
  expect(back.text).toContain("3 messages were affected.");
  expect(await health(world)).toMatchObject({ state: "ok", breaker: "closed" });
  expect(world.claude.requests).toHaveLength(0);
  const alerts = world.heard(ALICE).filter((message) => /does not answer|answers again/.test(message.text));
  expect(alerts).toHaveLength(2);
});
