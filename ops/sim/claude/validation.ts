import { conversationError } from "./conversation.ts";
import { mediaError } from "./media.ts";
import type { Block, CacheControl, CountRequest, MessagesRequest } from "./request.ts";

const API_VERSIONS: ReadonlySet<string> = new Set(["2023-06-01", "2026-10-21"]);
const MAX_TOKENS_MAX = 128_000;
const CACHE_MARKERS_MAX = 4;
const BETWEEN_TOOLS_EFFORTS: ReadonlySet<string> = new Set(["low", "medium", "high"]);
const EMAIL_LIKE = /\S+@\S+\.\S+/;

/** The sentence with which the API refuses the headers of a POST; null when they are in order. */
export function headerError(headers: Headers): string | null {
  const isJson = headers.get("content-type")?.startsWith("application/json");
  return versionError(headers) ?? (isJson ? null : "content-type: application/json is required");
}

/** The part of `headerError` that also holds for a GET. */
export function versionError(headers: Headers): string | null {
  const version = headers.get("anthropic-version");
  if (version === null) return "anthropic-version: header is required";
  return API_VERSIONS.has(version) ? null : `anthropic-version: "${version}" is not a valid version`;
}

/** Rules on the values of a well-typed request that go beyond one field; null when all hold. */
export function requestError(request: MessagesRequest): string | null {
  if (request.max_tokens > MAX_TOKENS_MAX) {
    return (
      `max_tokens: ${request.max_tokens} > ${MAX_TOKENS_MAX}, which is the maximum allowed number of output ` +
      `tokens for ${request.model}`
    );
  }
  if (EMAIL_LIKE.test(request.metadata?.user_id ?? "")) {
    return "metadata.user_id: user_id appears to contain an email address";
  }
  return countError(request);
}

/** The part of `requestError` that also holds for `count_tokens`. */
export function countError(request: CountRequest): string | null {
  const newest = request.model !== "claude-sonnet-5";
  return (
    conversationError(request.messages, newest) ??
    mediaError(request.messages) ??
    emptySystem(request) ??
    toolError(request) ??
    cacheError(request) ??
    (newest ? modelError(request) : null)
  );
}

function emptySystem({ system }: CountRequest): string | null {
  const empty = Array.isArray(system) && system.some((block) => block.text.trim() === "");
  return empty ? "system: text content blocks must be non-empty" : null;
}

function toolError({ tools = [], tool_choice: choice }: CountRequest): string | null {
  const names = tools.map((tool) => tool.name);
  if (new Set(names).size < names.length) return "tools: Tool names must be unique.";
  if (choice !== undefined && tools.length === 0) return "tool_choice: may only be specified with `tools`";
  if (choice?.type === "tool" && !names.includes(choice.name)) {
    return `tool_choice: Tool '${choice.name}' not found in provided tools`;
  }
  return null;
}

/** At most four markers, and none for an hour after one for five minutes. */
function cacheError(request: CountRequest): string | null {
  const system = Array.isArray(request.system) ? request.system : [];
  const blocks = request.messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
  const markers = [
    ...(request.tools ?? []).map((tool) => tool.cache_control),
    ...system.map((block) => block.cache_control),
    ...blocks.flatMap(markersIn),
    request.cache_control,
  ].filter((marker): marker is NonNullable<CacheControl> => marker !== null && marker !== undefined);
  if (markers.length > CACHE_MARKERS_MAX) {
    return `A maximum of ${CACHE_MARKERS_MAX} blocks with cache_control may be provided. Found ${markers.length}.`;
  }
  const firstShort = markers.findIndex((marker) => marker.ttl !== "1h");
  const longAfter = firstShort !== -1 && markers.slice(firstShort).some((marker) => marker.ttl === "1h");
  return longAfter
    ? "A ttl='1h' cache_control block must not come after a ttl='5m' cache_control block."
    : null;
}

function markersIn(block: Block): CacheControl[] {
  return block.type === "thinking" ? [] : [block.cache_control];
}

/** What Sonnet 5.5 refuses and its predecessor took. */
function modelError(request: CountRequest): string | null {
  const choice = request.tool_choice?.type;
  if (choice === "any" || choice === "tool") {
    return `tool_choice: '${choice}' is not supported by ${request.model}; use 'auto'`;
  }
  const thinking = request.thinking?.type;
  if (thinking === "disabled" || thinking === "enabled") {
    return `thinking.type: '${thinking}' is not supported by ${request.model}`;
  }
  const effort = request.output_config?.effort ?? "high";
  if (thinking === "between_tools" && !BETWEEN_TOOLS_EFFORTS.has(effort)) {
    return `output_config.effort: '${effort}' is not supported with thinking.type 'between_tools'`;
  }
  return null;
}
