import { expect, test } from "bun:test";
import { tenancyTraffic } from "./tenancy.ts";

const CONNECTIONS = 20;
const REQUESTS = 100;

test("TN-04: connections that go from team to team, with requests cut off in every way, never show a foreign row", async () => {
  const { requests, endings, foreign } = await tenancyTraffic(CONNECTIONS, REQUESTS);
  expect(foreign).toBe(0);
  expect(requests).toBe(CONNECTIONS * REQUESTS);
  for (const [ending, times] of Object.entries(endings)) expect([ending, times > 0]).toEqual([ending, true]);
}, 60_000);
