import { createDesk } from "./messages.ts";
import { controlMode, type Mode } from "./modes.ts";
import { practiceScript } from "./practice.ts";
import type { MessagesRequest } from "./request.ts";
import { route, type Service } from "./routes.ts";
import type { ClaudeScript, ModelReply } from "./script.ts";
import { listen, type Exchange, type Wire } from "../wire.ts";

const JOURNAL_MAX = 1000;
const MODELS = ["claude-sonnet-5-5", "claude-sonnet-5"];

type ClaudeSimOptions = {
  hostname?: string;
  port?: number;
  /** Absent: every non-empty key is accepted. */
  apiKeys?: string[];
  models?: string[];
  /** Absent: the practice model of the demo. */
  script?: ClaudeScript;
  clock?: () => number;
};

export type ClaudeSim = {
  readonly url: string;
  /** Well-formed Messages requests, also those that were then refused for their key or model; the last 1000. */
  readonly requests: readonly MessagesRequest[];
  /** What the real API would reject because of the caller (shape, rules, path); the last 1000. */
  readonly violations: readonly { description: string }[];
  setScript(script: ClaudeScript): void;
  setMode(mode: Mode): void;
  mode(): Mode;
  /** What the Models API answers from now on; null: that the model is there. */
  setModelReply(reply: ModelReply | null): void;
  /** From now on only keys and tokens for which this holds are accepted. */
  acceptKeys(only: (key: string, headers: Headers) => boolean): void;
  /** How often a model was retrieved. */
  retrievals(): number;
  /** Messages requests being answered now. */
  readonly running: number;
  /** Messages requests whose client left before the end of the answer. */
  aborted(): number;
  /** The HTTP control of the mode: GET, and POST `{ mode }`. */
  control(request: Request): Promise<Response>;
  /** Listens no more: whoever connects is refused, until `goOnline`. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;
  /** Drops every open connection and resolves when the port is free. */
  stop(): Promise<void>;
};

/**
 * A stand-in for the Messages API that refuses what the real one refuses. Each connection carries one request.
 * Rejects when the address cannot be bound.
 */
export async function createClaudeSim(options: ClaudeSimOptions): Promise<ClaudeSim> {
  const { hostname = "127.0.0.1", port = 0, clock = Date.now } = options;
  const desk = createDesk({ script: options.script ?? practiceScript, clock });
  const requests: MessagesRequest[] = [];
  const violations: { description: string }[] = [];
  let modelReply: ModelReply | null = null;
  let retrievals = 0;
  let accepts: ((key: string, headers: Headers) => boolean) | null = null;
  const service: Service = {
    desk,
    modelReply() {
      retrievals += 1;
      return modelReply;
    },
    isRetired: () => modelReply !== null && "lifecycle" in modelReply && modelReply.lifecycle === "retired",
    models: options.models ?? MODELS,
    accepts: (key, headers) =>
      (accepts ?? ((known) => options.apiKeys?.includes(known) ?? true))(key, headers),
    journal: (request) => append(requests, request),
    violate: (description) => append(violations, { description }),
  };
  let requestCount = 0;
  const answer = async (exchange: Exchange): Promise<void> => {
    requestCount += 1;
    const requestId = `req_sim_${String(requestCount).padStart(6, "0")}`;
    if (desk.mode() === "down") return exchange.reset();
    try {
      const response = await route(service, exchange, requestId);
      if (response !== null) exchange.respond(response.status, response.headers, response.body);
    } catch (err) {
      service.violate(`the script threw: ${String(err)}`);
      exchange.reset();
    }
  };
  let wire: Wire | null = await listen({ hostname, port }, answer);
  const ownPort = wire.port;
  const stop = async (): Promise<void> => {
    await wire?.stop();
    wire = null;
  };
  return {
    url: `http://${hostname}:${ownPort}`,
    requests,
    violations,
    setScript: (script) => desk.setScript(script),
    setMode: (mode) => desk.setMode(mode),
    mode: () => desk.mode(),
    get running() {
      return desk.running();
    },
    aborted: () => desk.aborted(),
    control: (request) => controlMode(request, desk),
    setModelReply(reply) {
      modelReply = reply;
    },
    retrievals: () => retrievals,
    acceptKeys(only) {
      accepts = only;
    },
    goOffline: stop,
    async goOnline() {
      wire ??= await listen({ hostname, port: ownPort }, answer);
    },
    stop,
  };
}

function append<T>(journal: T[], entry: T): void {
  journal.push(entry);
  if (journal.length > JOURNAL_MAX) journal.shift();
}
