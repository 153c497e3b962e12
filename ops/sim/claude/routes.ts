import { createHash } from "node:crypto";
import {
  errorResponse,
  htmlResponse,
  jsonHeaders,
  PORTAL,
  PORTAL_PATH,
  type HttpResponse,
} from "./faults.ts";
import type { Desk } from "./messages.ts";
import { parseCount, parseMessages, type MessagesRequest } from "./request.ts";
import type { ModelPlan, ModelReply } from "./script.ts";
import { departure } from "./sse.ts";
import { thinkingError } from "./thinking.ts";
import { inputTokens } from "./usage.ts";
import { countError, headerError, requestError, versionError } from "./validation.ts";
import type { Exchange } from "../wire.ts";

const CONTEXT_TOKENS = 1_000_000;
const OUTPUT_TOKENS = 128_000;
const MODELS_PATH = "/v1/models";

export type Service = {
  readonly desk: Desk;
  readonly models: readonly string[];
  /** Asked for a non-empty key or token. */
  accepts(key: string, headers: Headers): boolean;
  /** What the Models API is to answer; null: that all is well. */
  modelReply(): ModelReply | null;
  /** Whether no model answers any more. */
  isRetired(): boolean;
  journal(request: MessagesRequest): void;
  violate(description: string): void;
};

/** The response to one request; null when the desk has answered it. Rejects when the script throws. */
export function route(service: Service, exchange: Exchange, requestId: string): Promise<HttpResponse | null> {
  const { method, path, headers, body } = exchange.request;
  const refused = (status: number, message?: string) =>
    errorResponse({ status, requestId, ...(message !== undefined && { message }) });
  const violated = (status: number, message: string) => {
    service.violate(`${method} ${path}: ${status} ${message}`);
    return refused(status, message);
  };
  const account = accountOf(headers, service);
  const visit: Visit = { service, exchange, requestId, account, body: body ?? "", refused, violated };

  if (path === PORTAL_PATH) return Promise.resolve(PORTAL);
  if (body === null) return Promise.resolve(htmlResponse(413, "<h1>413 Request Entity Too Large</h1>"));
  if (method === "POST" && path === "/v1/messages") return messages(visit);
  if (method === "POST" && path === "/v1/messages/count_tokens") return Promise.resolve(count(visit));
  if (method === "GET" && (path === MODELS_PATH || path.startsWith(`${MODELS_PATH}/`))) {
    return modelsAt(visit, path);
  }
  return Promise.resolve(violated(404, "Not Found"));
}

type Visit = {
  service: Service;
  exchange: Exchange;
  requestId: string;
  /** Null when the key is missing or wrong. */
  account: string | null;
  body: string;
  refused: (status: number, message?: string) => HttpResponse;
  violated: (status: number, message: string) => HttpResponse;
};

async function messages(visit: Visit): Promise<HttpResponse | null> {
  const { service, exchange, requestId, account, refused, violated } = visit;
  const { headers } = exchange.request;
  const request = parseMessages(visit.body, headers);
  const problem = headerError(headers) ?? (typeof request === "string" ? request : requestError(request));
  if (typeof request === "string" || problem !== null) {
    const refusal = violated(400, problem ?? "Invalid request");
    return account === null ? refused(401) : refusal;
  }
  service.journal(request);
  if (account === null) return refused(401);
  if (!service.models.includes(request.model) || service.isRetired())
    return refused(404, `model: ${request.model}`);
  const edited = thinkingError(request, account);
  if (edited !== null) return violated(400, edited);
  await service.desk.answer(exchange, { request, requestId, account });
  return null;
}

function count({ service, exchange, requestId, account, body, refused, violated }: Visit): HttpResponse {
  if (account === null) return refused(401);
  const request = parseCount(body);
  const problem =
    headerError(exchange.request.headers) ?? (typeof request === "string" ? request : countError(request));
  if (typeof request === "string" || problem !== null) return violated(400, problem ?? "Invalid request");
  if (!service.models.includes(request.model)) return refused(404, `model: ${request.model}`);
  return jsonResponse(requestId, { input_tokens: inputTokens(request) });
}

async function modelsAt(visit: Visit, path: string): Promise<HttpResponse | null> {
  const { service, exchange, requestId, account, refused, violated } = visit;
  if (account === null) return refused(401);
  const problem = versionError(exchange.request.headers);
  if (problem !== null) return violated(400, problem);
  if (path === MODELS_PATH) {
    const data = service.models.map((id) => modelInfo(id, null));
    return jsonResponse(requestId, {
      data,
      has_more: false,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
    });
  }
  const id = path.slice(MODELS_PATH.length + 1);
  const reply = service.modelReply();
  if (reply !== null && "fault" in reply) return faultyModel(exchange, reply.fault);
  if (reply !== null && "status" in reply)
    return reply.html === undefined
      ? errorResponse({ ...reply, requestId })
      : htmlResponse(reply.status, reply.html);
  return service.models.includes(id)
    ? jsonResponse(requestId, modelInfo(id, reply))
    : refused(404, `model: ${id}`);
}

async function faultyModel(
  exchange: Exchange,
  fault: Extract<ModelReply, { fault: string }>["fault"],
): Promise<HttpResponse | null> {
  switch (fault) {
    case "reset_before_headers":
      exchange.reset();
      return null;
    case "no_headers":
      await departure(exchange.gone);
      return null;
    case "redirect":
      return { kind: "response", status: 302, headers: { location: PORTAL_PATH }, body: "" };
    case "html_200":
      return PORTAL;
  }
}

function modelInfo(id: string, plan: ModelPlan | null) {
  return {
    id,
    type: "model",
    display_name: id,
    created_at: "2026-09-28T00:00:00Z",
    capabilities: null,
    lifecycle: plan?.lifecycle ?? "active",
    deprecated_at: plan?.deprecatedAt ?? null,
    retires_at: plan?.retiresAt ?? null,
    line: "sonnet",
    max_input_tokens: CONTEXT_TOKENS,
    max_tokens: OUTPUT_TOKENS,
  };
}

function jsonResponse(requestId: string, json: unknown): HttpResponse {
  return { kind: "response", status: 200, headers: jsonHeaders(requestId), body: JSON.stringify(json) };
}

/** An account stands for its key: the hash of an accepted one. */
function accountOf(headers: Headers, service: Service): string | null {
  const bearer = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "")?.[1];
  const key = bearer ?? headers.get("x-api-key") ?? "";
  if (key.trim() === "" || !service.accepts(key, headers)) return null;
  return createHash("sha256").update(key).digest("base64url");
}
