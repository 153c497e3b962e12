import { expect, test } from "bun:test";
import { createClaudeSim } from "../../ops/sim/claude/server.ts";
import { createTestApp, leaseOf, testSettings, type TestApp } from "../test-app.ts";
import { checkModelPlan } from "./model-plans.ts";

const PLAN = { deprecatedAt: "2027-03-01T00:00:00Z", retiresAt: "2027-09-28T00:00:00Z" } as const;

async function start() {
  const sim = await createClaudeSim({});
  const { claude } = testSettings("");
  const it = await createTestApp({ claude: { ...claude, apiKey: "a key", baseUrl: sim.url } });
  await leaseOf(it.app);
  await it.team(1);
  return {
    it,
    sim,
    check: () => checkModelPlan(it.app, new AbortController().signal),
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]();
      await sim.stop();
    },
  };
}

const alerts = async ({ admin }: TestApp) =>
  (await admin`SELECT payload->>'text' AS text FROM pipeline.outbox ORDER BY id`).map((row) =>
    String(row["text"]),
  );

test("the end of our model is told the operator once for each date, and again when it has come", async () => {
  await using world = await start();
  const { it, sim, check } = world;
  await check();
  expect(await alerts(it)).toEqual([]);
  sim.setModelReply({ lifecycle: "deprecated", ...PLAN, retiresAt: null });
  await check();
  await check();
  expect(await alerts(it)).toEqual([
    expect.stringContaining("switch off the model claude-sonnet-5-5; there is no date yet."),
  ]);
  await it.admin`UPDATE auth.accounts SET locale = 'de'`;
  sim.setModelReply({ lifecycle: "deprecated", ...PLAN });
  await check();
  await check();
  sim.setModelReply({ lifecycle: "deprecated", ...PLAN, retiresAt: "2027-10-31T00:00:00Z" });
  await check();
  await it.admin`UPDATE auth.accounts SET locale = 'ru'`;
  sim.setModelReply({ lifecycle: "retired", ...PLAN });
  await check();
  await check();
  expect((await alerts(it)).slice(1)).toEqual([
    expect.stringContaining("wird das Modell claude-sonnet-5-5 am 28. September 2027 abschalten."),
    expect.stringContaining("am 31. Oktober 2027"),
    expect.stringContaining("Anthropic отключила модель claude-sonnet-5-5"),
  ]);
  expect(sim.requests).toEqual([]); // nothing is asked, so nothing is paid for
});

test("a model that cannot be retrieved is for the next attempt, and nobody is told", async () => {
  await using world = await start();
  const { it, sim, check } = world;
  sim.setModelReply({ status: 529 });
  await expect(check()).rejects.toThrow("overloaded");
  expect(await alerts(it)).toEqual([]);
  await using unconnected = await createTestApp();
  await checkModelPlan(unconnected.app, new AbortController().signal);
});
