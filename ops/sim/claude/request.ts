import { z } from "zod";

const USER_ID_CHARS_MAX = 256;
const TITLE_CHARS_MAX = 500;
const TOOL_ID = /^[a-zA-Z0-9_-]+$/;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

const cacheControl = z
  .strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() })
  .nullish();
const citations = z.array(z.unknown()).nullish();
const url = z.strictObject({ type: z.literal("url"), url: z.string().min(1) });
const stored = z.strictObject({ type: z.literal("file"), file_id: z.string().min(1) });
const pictureSource = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("base64"),
    media_type: z.enum(["image/jpeg", "image/png", "image/gif", "image/webp"]),
    data: z.string().min(1),
  }),
  url,
  stored,
]);

const text = z.strictObject({
  type: z.literal("text"),
  text: z.string(),
  cache_control: cacheControl,
  citations,
});
const image = z.strictObject({
  type: z.literal("image"),
  source: pictureSource,
  cache_control: cacheControl,
});
const documentSource = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("base64"),
    media_type: z.literal("application/pdf"),
    data: z.string().min(1),
  }),
  z.strictObject({ type: z.literal("text"), media_type: z.literal("text/plain"), data: z.string().min(1) }),
  z.strictObject({
    type: z.literal("content"),
    content: z.union([z.string().min(1), z.array(z.discriminatedUnion("type", [text, image])).min(1)]),
  }),
  url,
  stored,
]);
const document = z.strictObject({
  type: z.literal("document"),
  source: documentSource,
  title: z.string().min(1).max(TITLE_CHARS_MAX).nullish(),
  context: z.string().nullish(),
  citations: z.strictObject({ enabled: z.boolean() }).nullish(),
  cache_control: cacheControl,
});
const searchResult = z.strictObject({
  type: z.literal("search_result"),
  source: z.string(),
  title: z.string(),
  content: z.array(text).min(1),
  citations: z.strictObject({ enabled: z.boolean() }).nullish(),
  cache_control: cacheControl,
});
const toolUse = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string().regex(TOOL_ID),
  name: z.string().regex(TOOL_NAME),
  input: z.record(z.string(), z.unknown()),
  cache_control: cacheControl,
});
const serverToolUse = toolUse.extend({ type: z.literal("server_tool_use") });
const resultContent = z.discriminatedUnion("type", [text, image, document, searchResult]);
const toolResult = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string().regex(TOOL_ID),
  content: z.union([z.string(), z.array(resultContent)]).optional(),
  is_error: z.boolean().optional(),
  cache_control: cacheControl,
});
const thinking = z.strictObject({
  type: z.literal("thinking"),
  thinking: z.string(),
  signature: z.string().min(1),
});
const block = z.discriminatedUnion("type", [
  text,
  image,
  document,
  searchResult,
  toolUse,
  serverToolUse,
  toolResult,
  thinking,
]);
const message = z.strictObject({
  role: z.enum(["user", "assistant", "system"]),
  content: z.union([z.string(), z.array(block)]),
});

const tool = z.strictObject({
  type: z.literal("custom").nullish(),
  name: z.string().regex(TOOL_NAME),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal("object") }),
  strict: z.boolean().optional(),
  input_examples: z.array(z.record(z.string(), z.unknown())).optional(),
  eager_input_streaming: z.boolean().nullish(),
  cache_control: cacheControl,
});
const toolChoice = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto"), disable_parallel_tool_use: z.boolean().optional() }),
  z.strictObject({ type: z.literal("any"), disable_parallel_tool_use: z.boolean().optional() }),
  z.strictObject({
    type: z.literal("tool"),
    name: z.string(),
    disable_parallel_tool_use: z.boolean().optional(),
  }),
  z.strictObject({ type: z.literal("none") }),
]);
const display = z.enum(["summarized", "omitted"]).nullish();
const thinkingConfig = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("between_tools") }),
  z.strictObject({ type: z.literal("adaptive"), display }),
  z.strictObject({ type: z.literal("disabled") }),
  z.strictObject({ type: z.literal("enabled"), budget_tokens: z.int(), display }),
]);

const countRequest = z.strictObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  system: z.union([z.string(), z.array(text)]).optional(),
  tools: z.array(tool).optional(),
  tool_choice: toolChoice.optional(),
  thinking: thinkingConfig.optional(),
  output_config: z
    .strictObject({
      effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
      format: z
        .strictObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) })
        .nullish(),
    })
    .optional(),
  cache_control: cacheControl,
});
const messagesRequest = countRequest.extend({
  max_tokens: z.int().min(1),
  stream: z.boolean().optional(),
  stop_sequences: z.array(z.string().regex(/\S/)).optional(),
  metadata: z.strictObject({ user_id: z.string().max(USER_ID_CHARS_MAX).nullish() }).optional(),
  service_tier: z.enum(["auto", "standard_only"]).optional(),
  diagnostics: z.strictObject({ previous_message_id: z.string().nullish() }).nullish(),
  inference_geo: z.string().nullish(),
});

export type CacheControl = z.infer<typeof cacheControl>;
export type Block = z.infer<typeof block>;
export type Message = z.infer<typeof message>;
export type CountRequest = z.infer<typeof countRequest>;

/** The body of one request as it came, and its headers with lower-case names. */
export type MessagesRequest = z.infer<typeof messagesRequest> & { headers: Readonly<Record<string, string>> };

/** A request whose every field has the right name and type, or the sentence with which the API refuses it. */
export function parseMessages(body: string, headers: Headers): MessagesRequest | string {
  const parsed = parseBody(messagesRequest, body);
  return typeof parsed === "string" ? parsed : { ...parsed, headers: Object.fromEntries(headers) };
}

/** The same for `count_tokens`, which takes neither `max_tokens` nor `stream`. */
export function parseCount(body: string): CountRequest | string {
  return parseBody(countRequest, body);
}

function parseBody<T>(schema: z.ZodType<T>, body: string): T | string {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (err) {
    return `The request body is not valid JSON: ${err instanceof Error ? err.message : "unreadable"}`;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return issue === undefined ? "Invalid request" : sentenceFor(issue, [], json);
}

function sentenceFor(issue: z.core.$ZodIssue, prefix: PropertyKey[], json: unknown): string {
  const path = [...prefix, ...issue.path];
  const at = path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    return `${[...path, issue.keys[0] ?? ""].map(String).join(".")}: Extra inputs are not permitted`;
  }
  if (issue.code === "invalid_union") {
    // Of the alternatives, the one that got furthest into the value is the one that was meant.
    const deepest = issue.errors.flat().toSorted((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined && deepest.path.length > 0) return sentenceFor(deepest, path, json);
  }
  if (valueAt(json, path) === undefined) return `${at}: Field required`;
  if (at === "messages" && issue.code === "too_small") return "messages: at least one message is required";
  if (issue.code === "invalid_format") return `${at}: String should match pattern '${issue.pattern ?? ""}'`;
  return `${at}: ${issue.message}`;
}

function valueAt(json: unknown, path: PropertyKey[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key]; // safe: an object, read by key; a missing one gives undefined
  }
  return value;
}
