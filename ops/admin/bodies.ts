import type { Clock } from "../../core/clock.ts";
import type { ProblemStatus } from "./problem.ts";

const BODY_BYTES_MAX = 64 * 1024;
const BODY_DEADLINE_MS = 10_000;
const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** The JSON of a request, or the status that refuses it. An empty body without a type is `undefined`. */
export async function readJson(
  request: Request,
  clock: Clock,
): Promise<{ value: unknown } | { status: ProblemStatus }> {
  const type = request.headers.get("content-type");
  const isEmpty = request.body === null || request.headers.get("content-length") === "0";
  if (isEmpty && type === null) return { value: undefined };
  if (type === null || !JSON_TYPE.test(type)) return { status: 415 };
  if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX) return { status: 413 };
  const deadline = new AbortController();
  const late = clock.sleep(BODY_DEADLINE_MS, deadline.signal).then(() => "late" as const);
  try {
    const bytes = await Promise.race([collect(request), late]);
    if (bytes === "late") return { status: 408 };
    if (bytes === null) return { status: 413 };
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch (err) {
    if (err instanceof SyntaxError || err instanceof TypeError) return { status: 400 };
    throw err;
  } finally {
    deadline.abort();
  }
}

/** Null when there is more than we take; what is left is not read. */
async function collect(request: Request): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
