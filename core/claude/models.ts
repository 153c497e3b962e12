import { z } from "zod";
import type { ClaudeAccess, Opened } from "./access.ts";
import { causeCodeOf, classifyFailure, type ErrorKind, type Failure } from "./classify.ts";
import type { Fetch } from "./watchdog.ts";

const PATIENCE_MS = 10_000;

// What a gateway leaves out is no plan: the model was retrieved all the same.
const moment = z.iso.datetime({ offset: true }).nullable().catch(null);
const model = z.object({
  lifecycle: z.enum(["active", "deprecated", "retired"]).catch("active"),
  deprecated_at: moment,
  retires_at: moment,
});
const refusal = z.object({
  error: z.object({
    type: z.string(),
    details: z.object({ error_code: z.string().optional() }).nullish(),
  }),
});

/** What the provider plans for a model; times are ISO 8601, null while there is no plan. */
type ModelPlan = {
  readonly lifecycle: "active" | "deprecated" | "retired";
  readonly deprecatedAt: string | null;
  readonly retiresAt: string | null;
};

/** `kind` is null when the model could be retrieved. */
export type Retrieval = { readonly kind: null; readonly plan: ModelPlan } | { readonly kind: ErrorKind };

/** `retrieveModel` with a credential; a refused access token is refreshed and sent once more. */
export async function retrieveWith(
  access: ClaudeAccess,
  from: { baseUrl: string; model: string },
  signal: AbortSignal,
): Promise<Retrieval> {
  const first = await retrieveOpened(await access.open(), from, signal);
  if (first.kind !== "auth" || access.renew === null) return first;
  return retrieveOpened(await access.renew(), from, signal);
}

async function retrieveOpened(
  opened: Opened,
  from: { baseUrl: string; model: string },
  signal: AbortSignal,
): Promise<Retrieval> {
  if (typeof opened !== "function") return { kind: classifyFailure(opened) };
  return retrieveModel({ ...from, fetch: opened }, signal);
}

/**
 * Retrieves one model, which costs nothing and uses the same address and credential as a question. Gives up after
 * ten seconds; failures are returned, by the kinds that a question would have.
 */
export async function retrieveModel(
  options: { fetch: Fetch; baseUrl: string; model: string },
  signal: AbortSignal,
): Promise<Retrieval> {
  const url = `${options.baseUrl.replace(/\/$/, "")}/v1/models/${encodeURIComponent(options.model)}`;
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  try {
    const response = await options.fetch(url, {
      headers: { accept: "application/json" },
      signal: AbortSignal.any([signal, timeout]),
    });
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) return { kind: classifyFailure(refusedWith(response.status, body)) };
    const { lifecycle, deprecated_at: deprecatedAt, retires_at: retiresAt } = model.parse(body);
    return { kind: null, plan: { lifecycle, deprecatedAt, retiresAt } };
  } catch (err) {
    return { kind: classifyFailure(brokenBy(err, { stopped: signal.aborted, late: timeout.aborted })) };
  }
}

function refusedWith(status: number, body: unknown): Failure {
  const known = refusal.safeParse(body).data?.error;
  const errorCode = known?.details?.error_code ?? null;
  return { source: "response", textShown: false, status, type: known?.type ?? null, errorCode };
}

function brokenBy(err: unknown, why: { stopped: boolean; late: boolean }): Failure {
  if (why.stopped) return { source: "person", textShown: false };
  if (why.late) return { source: "stall", phase: "headers", textShown: false };
  if (err instanceof z.ZodError) return { source: "stream", textShown: false, causeCode: "SyntaxError" };
  return {
    source: "connection",
    textShown: false,
    causeCode: causeCodeOf(new Error("fetch", { cause: err })),
  };
}
