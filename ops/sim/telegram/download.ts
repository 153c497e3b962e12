import { ApiError } from "./api-error.ts";
import { beforeEffect, failure, resetConnection } from "./api.ts";
import type { Fault } from "./faults.ts";
import type { Telegram } from "./telegram.ts";

const FILE_PATH = /^\/file\/bot([^/]+)\/(.+)$/;
/** As which a download stands in the journal and is named in a fault. */
const DOWNLOAD = "download";
// Time for the first half to leave before the connection breaks.
const HALF_MS = 20;

/**
 * Answers `/file/bot<token>/<path>` with the bytes that `getFile` named within the last hour. Some faults come in the
 * middle of them: `truncate` ends after half as if that were all, `reset_after` breaks the connection, `hang` is silent.
 */
export async function answerDownload(telegram: Telegram, request: Request): Promise<Response> {
  const [, token, path = ""] = FILE_PATH.exec(new URL(request.url).pathname) ?? [];
  if (token === undefined) return failure(new ApiError(404, "Not Found"));
  if (token !== telegram.token) return failure(new ApiError(401, "Unauthorized"));
  const fault = telegram.faults.take(DOWNLOAD);
  const cut = fault !== null && isCut(fault) ? fault.kind : null;
  const instead = fault !== null && cut === null ? await beforeEffect(telegram, fault, request.signal) : null;
  if (instead !== null) {
    note(telegram, path, instead.error, fault?.kind ?? null);
    return instead.error ? failure(instead.error) : resetConnection();
  }
  const bytes = telegram.files.download(path);
  const error = bytes === null ? new ApiError(404, "Not Found", { violation: true }) : null;
  note(telegram, path, error, cut);
  if (bytes === null || error !== null) return failure(error ?? new ApiError(404, "Not Found"));
  const body = cut === null ? bytes : halfOf(bytes, cut, telegram.closing.signal);
  return new Response(body, { headers: { "content-type": "application/octet-stream" } });
}

function isCut({ kind }: Fault): boolean {
  return kind === "hang" || kind === "reset_after" || kind === "truncate";
}

function note(telegram: Telegram, path: string, error: ApiError | null, fault: Fault["kind"] | null): void {
  const [errorCode, description] = [error?.errorCode ?? null, error?.message ?? fault];
  telegram.journal.called({ method: DOWNLOAD, params: { path }, errorCode, description, at: telegram.now() });
  if (error?.violation === true) telegram.journal.violated(DOWNLOAD, error.message, { path });
  telegram.feed.tell(null);
}

function halfOf(bytes: Uint8Array, cut: Fault["kind"], closing: AbortSignal): ReadableStream {
  const left = new AbortController();
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, Math.ceil(bytes.length / 2)));
      if (cut === "truncate") controller.close();
      if (cut === "reset_after") setTimeout(() => controller.error(new Error(cut)), HALF_MS);
      const close = () => controller.close();
      if (cut === "hang") closing.addEventListener("abort", close, { once: true, signal: left.signal });
    },
    cancel: () => left.abort(),
  });
}
