import { expect, test } from "bun:test";
import { systemClock } from "../core/clock.ts";
import { ANN } from "../ops/sim/telegram/test-sim.ts";
import { createDatabaseWatch } from "./database-watch.ts";
import { startFront } from "./test-front.ts";

const BOUNDS = { everyMs: 5, answerMs: 10_000, blipMs: 0, repeatMs: 60_000 };
const SLOW_MS = 200;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(1);
}

test("when Postgres is back while somebody is being told that it is away, they are told that too, and afterwards", async () => {
  await using it = await startFront(systemClock);
  const { database } = it.front.app;
  let isAway = false;
  let looks = 0;
  const app = {
    ...it.front.app,
    operatorChatIds: [ANN],
    database: {
      ...database,
      async whenFree<T>(work: () => Promise<T>): Promise<T> {
        looks += 1;
        if (isAway) throw new Error("away");
        return database.whenFree(work);
      },
    },
  };
  const watch = createDatabaseWatch(app, { ...it.settings, database: BOUNDS }, it.front.me);
  await watch.taken();
  const stopping = new AbortController();
  const watching = watch.keep(stopping.signal);
  await until(() => looks > 1); // the first has ended: who is to be told is known

  it.sim.fault({ method: "sendMessage", times: 1, kind: "delay", ms: SLOW_MS });
  isAway = true;
  await until(() => it.lines.some(({ msg }) => msg === "Postgres is away"));
  isAway = false;
  await watch.taken(); // by the next tenure
  expect(it.shown()).toEqual([expect.stringContaining("My database does not answer")]);
  expect(await it.outbox()).toMatchObject([{ text: expect.stringContaining("My database answers again") }]);
  stopping.abort();
  await watching;
});
