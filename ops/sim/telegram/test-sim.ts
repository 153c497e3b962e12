import { createTelegramSim, type TelegramSimOptions } from "./server.ts";

type Answer = { status: number; headers: Headers; body: Envelope };
type Envelope = {
  ok: boolean;
  // A test looks into results of every shape; a wrong path gives undefined and fails its expectation.
  result: Record<string, never> & Record<string, never>[];
  error_code?: number;
  description?: string;
  parameters?: { retry_after?: number; migrate_to_chat_id?: number };
};

export const ANN = 11;
export const BEN = 12;
export const GROUP = -1001;
export const FORUM = -1002;

/** A simulator with two people, of whom Ann has started the bot, a group and a forum, and a client for its API. */
export async function startSim(options: Partial<TelegramSimOptions> = {}) {
  const token = "7001:TEST";
  const sim = await createTelegramSim({
    statePath: ":memory:",
    token,
    botUsername: "blockbot_test_bot",
    rateLimits: false,
    ...options,
  });
  sim.addPerson({ id: ANN, firstName: "Ann", username: "ann_test", languageCode: "en" });
  sim.addPerson({ id: BEN, firstName: "Ben" });
  sim.addGroup({ id: GROUP, title: "Team", members: [ANN, BEN] });
  sim.addGroup({ id: FORUM, title: "Forum", members: [ANN, BEN], topics: ["Bills", "Plans"] });

  async function call(method: string, params: unknown = {}): Promise<Answer> {
    const response = await fetch(`${sim.url}/bot${token}/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(params),
    });
    const body = (await response.json()) as Envelope; // safe: every answer of the API has this shape
    return { status: response.status, headers: response.headers, body };
  }

  return {
    sim,
    token,
    call,
    /** Ann writes to the bot for the first time; that update is confirmed. */
    async meetAnn(): Promise<void> {
      sim.say({ from: ANN, text: "hi" });
      const { body } = await call("getUpdates");
      await call("getUpdates", { offset: Number(body.result.at(-1)?.["update_id"]) + 1 });
    },
    /** The description of a refused call. */
    async refusal(method: string, params: unknown): Promise<string | undefined> {
      return (await call(method, params)).body.description;
    },
    [Symbol.asyncDispose]: () => sim.stop(),
  };
}
