import { ApiError, violation } from "./api-error.ts";
import { type ApiRequest, readApiRequest } from "./api-request.ts";
import type { Fault } from "./faults.ts";
import { apiSpec, type MethodSpec } from "./method-spec.ts";
import { METHODS } from "./methods/table.ts";
import type { Telegram } from "./telegram.ts";
import { checkedParams, type Params } from "./validation.ts";

type Outcome = { params: Params; result: unknown } | { params: Params; error: ApiError };

const NOT_FOUND = new ApiError(404, "Not Found", { violation: true });
const API_PATH = /^\/bot([^/]+)\/(\w+)$/;

/** Answers `/bot<token>/<method>`; the response may be one that ends the connection without an answer. */
export async function answerApi(telegram: Telegram, request: Request): Promise<Response> {
  const [, token, name = ""] = API_PATH.exec(new URL(request.url).pathname) ?? [];
  if (token === undefined) return failure(new ApiError(404, "Not Found"));
  if (token !== telegram.token) return failure(new ApiError(401, "Unauthorized"));
  const spec = apiSpec().methods.get(name.toLowerCase()) ?? null;
  const method = spec?.name ?? name;
  const at = telegram.now();
  const read = await readOrFail(request);
  const fault = telegram.faults.take(method);
  const instead = fault ? await beforeEffect(telegram, fault, request.signal) : null;
  if (instead !== null) {
    const description = instead.error?.message ?? fault?.kind ?? null;
    const errorCode = instead.error?.errorCode ?? null;
    telegram.journal.called({ method, params: { ...paramsOf(read) }, errorCode, description, at });
    telegram.feed.tell(null);
    return instead.error ? failure(instead.error) : resetConnection();
  }
  const outcome = await outcomeOf({ telegram, spec, read, signal: request.signal });
  record(telegram, { method, at, outcome });
  return fault?.kind === "reset_after" ? resetConnection() : responseTo(outcome, fault?.kind === "truncate");
}

async function readOrFail(request: Request): Promise<ApiRequest | ApiError> {
  try {
    return await readApiRequest(request);
  } catch (err) {
    if (err instanceof ApiError) return err;
    throw err;
  }
}

/** What happens in place of the call, or null when the call goes on. */
export async function beforeEffect(
  telegram: Telegram,
  fault: Fault,
  signal: AbortSignal,
): Promise<{ error: ApiError | null } | null> {
  const { closing } = telegram;
  switch (fault.kind) {
    case "error":
      return { error: new ApiError(fault.errorCode, fault.description, fault) };
    case "reset_before":
      return { error: null };
    case "hang":
      await aborted(AbortSignal.any([signal, closing.signal]));
      return { error: null };
    case "delay":
      await Promise.race([Bun.sleep(fault.ms), aborted(closing.signal)]);
      return closing.signal.aborted ? { error: null } : null;
    case "reset_after":
    case "truncate":
      return null;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

type Work = {
  telegram: Telegram;
  spec: MethodSpec | null;
  read: ApiRequest | ApiError;
  signal: AbortSignal;
};

async function outcomeOf({ telegram, spec, read, signal }: Work): Promise<Outcome> {
  let params = paramsOf(read);
  try {
    if (read instanceof ApiError) throw read;
    if (!spec) throw NOT_FOUND;
    params = checkedParams(spec, withDirectFiles(spec, read), read.encoding);
    const method = METHODS.get(spec.name);
    if (!method) throw violation(`this simulator does not implement ${spec.name}`);
    return { params, result: await method({ telegram, params, files: read.files, signal }) };
  } catch (err) {
    if (err instanceof ApiError) return { params, error: err };
    const reason = err instanceof Error ? err.message : String(err);
    return { params, error: new ApiError(500, `Internal Server Error: ${reason}`, { violation: true }) };
  }
}

/** A part named like a parameter is its file, without "attach://". */
function withDirectFiles(spec: MethodSpec, { params, files }: ApiRequest): Params {
  const direct = [...files.keys()].filter((part) => spec.parameters.has(part) && params[part] === undefined);
  return { ...params, ...Object.fromEntries(direct.map((part) => [part, `attach://${part}`])) };
}

function paramsOf(read: ApiRequest | ApiError): Params {
  return read instanceof ApiError ? {} : read.params;
}

function record(
  telegram: Telegram,
  { method, at, outcome }: { method: string; at: number; outcome: Outcome },
): void {
  const error = "error" in outcome ? outcome.error : null;
  const params = { ...outcome.params };
  const [errorCode, description] = [error?.errorCode ?? null, error?.message ?? null];
  telegram.journal.called({ method, params, errorCode, description, at });
  if (error?.violation) telegram.journal.violated(method, error.message, params);
  telegram.feed.tell(null);
}

function responseTo(outcome: Outcome, cut: boolean): Response {
  if ("error" in outcome) return failure(outcome.error, cut);
  return envelope({ ok: true, result: outcome.result }, { cut });
}

/** An answer with `ok: false`; `cut` in its middle. */
export function failure({ errorCode, message, details }: ApiError, cut = false): Response {
  const { retryAfter, migrateToChatId } = details;
  const parameters = {
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
    ...(migrateToChatId === undefined ? {} : { migrate_to_chat_id: migrateToChatId }),
  };
  const some = Object.keys(parameters).length > 0;
  const headers: Record<string, string> =
    retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  const body = { ok: false, error_code: errorCode, description: message, ...(some ? { parameters } : {}) };
  return envelope(body, { status: errorCode, headers, cut });
}

function envelope(
  body: unknown,
  { status = 200, headers = {}, cut }: { status?: number; headers?: Record<string, string>; cut: boolean },
): Response {
  const text = JSON.stringify(body);
  const sent = cut ? text.slice(0, Math.floor(text.length / 2)) : text;
  return new Response(sent, { status, headers: { "content-type": "application/json", ...headers } });
}

/** Bun closes the connection of a response whose body fails before its first byte, and sends nothing. */
export function resetConnection(): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.error();
    },
  });
  return new Response(body);
}
