import { violation } from "../api-error.ts";
import type { UploadedFile } from "../api-request.ts";
import type { Telegram } from "../telegram.ts";
import type { Params } from "../validation.ts";

/** `params` were checked against the method's declaration. `signal` aborts when the caller hangs up. */
export type Call = {
  readonly telegram: Telegram;
  readonly params: Params;
  readonly files: ReadonlyMap<string, UploadedFile>;
  readonly signal: AbortSignal;
};
/** Returns the `result` of the answer; throws ApiError. */
export type Method = (call: Call) => unknown;

/** Refuses parameters that are part of the API but would be silently ignored here. */
export function refuse(params: Params, names: readonly string[]): void {
  const unsupported = names.find((name) => params[name] !== undefined);
  if (unsupported !== undefined)
    throw violation(`this simulator does not implement parameter ${unsupported}`);
}
