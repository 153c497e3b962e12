import { createHash } from "node:crypto";
import { turnsOf } from "./conversation.ts";
import { mediaTokens } from "./media.ts";
import type { CacheControl, CountRequest } from "./request.ts";

const BYTES_PER_TOKEN = 4;
const CACHEABLE_TOKENS_MIN = 512;
const CACHEABLE_TOKENS_MIN_SONNET_5 = 1024;
const LOOK_BACK_BLOCKS = 20;
const CACHE_ENTRIES_MAX = 5000;
const TTL_MS = { "5m": 5 * 60_000, "1h": 60 * 60_000 };

export type InputUsage = {
  input_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
};

/** An estimate, four bytes a token: the same text always costs the same. */
export function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

/** All input tokens of a request, cached or not. */
export function inputTokens(request: CountRequest): number {
  return segmentsOf(request, "").at(-1)?.tokens ?? 0;
}

/**
 * The prompt cache of all accounts. Each call accounts for one accepted request: a marker reads the longest
 * prefix known within the blocks before it, which lives on from then for as long again, and writes its own.
 */
export function createCache(clock: () => number): (request: CountRequest, account: string) => InputUsage {
  const known = new Map<string, { ttl: Ttl; until: number }>();
  const alive = (hash: string) => (known.get(hash)?.until ?? 0) > clock();
  const remember = (hash: string, ttl: Ttl) => known.set(hash, { ttl, until: clock() + TTL_MS[ttl] });
  return (request, account) => {
    const segments = segmentsOf(request, account);
    const minimum =
      request.model === "claude-sonnet-5" ? CACHEABLE_TOKENS_MIN_SONNET_5 : CACHEABLE_TOKENS_MIN;
    const markers = segments
      .map((segment, at) => ({ ...segment, at }))
      .filter((segment) => segment.ttl !== null && segment.tokens >= minimum);
    const found = markers.flatMap((marker) => longestKnown(segments, marker.at, alive) ?? []);
    for (const { hash } of found) remember(hash, known.get(hash)?.ttl ?? "5m");
    const read = Math.max(0, ...found.map(({ tokens }) => tokens));
    const written = { "5m": 0, "1h": 0 };
    let covered = read;
    for (const { ttl, hash, tokens } of markers) {
      if (ttl === null) continue;
      written[ttl] += Math.max(0, tokens - covered);
      covered = Math.max(covered, tokens);
      remember(hash, ttl);
    }
    for (const oldest of [...known.keys()].slice(0, Math.max(0, known.size - CACHE_ENTRIES_MAX))) {
      known.delete(oldest);
    }
    return {
      input_tokens: (segments.at(-1)?.tokens ?? 0) - covered,
      cache_creation_input_tokens: written["5m"] + written["1h"],
      cache_read_input_tokens: read,
      cache_creation: {
        ephemeral_5m_input_tokens: written["5m"],
        ephemeral_1h_input_tokens: written["1h"],
      },
    };
  };
}

type Ttl = keyof typeof TTL_MS;
type Segment = { hash: string; tokens: number; ttl: Ttl | null };

function longestKnown(
  segments: Segment[],
  at: number,
  alive: (hash: string) => boolean,
): Segment | undefined {
  const window = segments.slice(Math.max(0, at - LOOK_BACK_BLOCKS), at + 1);
  return window.findLast((segment) => alive(segment.hash));
}

/** The prompt in the order in which it is cached: tools, system, messages; hashes and tokens count from its start. */
function segmentsOf(request: CountRequest, account: string): Segment[] {
  const system =
    typeof request.system === "string" ? [{ type: "text", text: request.system }] : (request.system ?? []);
  const blocks = turnsOf(request.messages).flatMap(({ role, blocks }) =>
    blocks.map((block) => (block.type === "thinking" ? { role, thought: block } : { role, ...block })),
  );
  const parts: ({ cache_control?: CacheControl } & Record<string, unknown>)[] = [
    ...(request.tools ?? []),
    ...system,
    ...blocks,
  ];
  let hash = `${request.model}:${account}`;
  let tokens = 0;
  return parts.map(({ cache_control: marker, ...part }, i) => {
    const automatic = i === parts.length - 1 ? request.cache_control : null;
    const text = JSON.stringify(part);
    hash = createHash("sha256").update(hash).update(text).digest("base64url");
    tokens += mediaTokens(part) ?? tokensOf(text);
    const effective = marker ?? automatic;
    return { hash, tokens, ttl: effective ? (effective.ttl ?? "5m") : null };
  });
}
