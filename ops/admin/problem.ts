import type { AppError, ErrorCode } from "../../core/errors.ts";
import { sentence } from "../../core/text/text.ts";

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 503;

const PROBLEMS: Readonly<Record<ProblemStatus, { title: string; detail: string }>> = {
  400: { title: "Bad request", detail: "The body is not the JSON that this address takes." },
  401: { title: "Not signed in", detail: "This address takes an access token that is good: sign in again." },
  403: { title: "Forbidden", detail: "Another site may not ask for this." },
  404: { title: "Not found", detail: "There is nothing at this address." },
  405: {
    title: "Method not allowed",
    detail: "This address does not take that method. The Allow header says which it takes.",
  },
  408: { title: "Request timeout", detail: "The body did not arrive in time." },
  409: { title: "Conflict", detail: "That does not fit how things are now." },
  410: { title: "Gone", detail: "That has been used or has expired." },
  413: { title: "Too large", detail: "The body is larger than this address takes." },
  415: { title: "Unsupported media type", detail: "This address takes application/json." },
  422: { title: "Invalid request", detail: "The errors say which fields are wrong." },
  429: { title: "Too many requests", detail: "The Retry-After header says when to try again." },
  500: {
    title: "Internal error",
    detail: "Something went wrong here. The correlation id finds it in the log.",
  },
  503: { title: "Not ready", detail: "This server is starting or overloaded. Try again in a moment." },
};

// What a refusal is in HTTP. One that is not named here is a conflict with how things are.
const STATUSES: Partial<Readonly<Record<ErrorCode, ProblemStatus>>> = {
  session_gone: 401,
  login_wrong: 401,
  not_allowed: 403,
  not_member: 403,
  team_creation_closed: 403,
  link_code_needed: 403,
  link_code_wrong: 403,
  password_current_wrong: 403,
  member_unknown: 404,
  team_unknown: 404,
  invite_unknown: 404,
  session_unknown: 404,
  invite_used: 410,
  invite_expired: 410,
  link_gone: 410,
  team_name_invalid: 422,
  time_zone_unknown: 422,
  password_invalid: 422,
  password_common: 422,
  email_invalid: 422,
  too_many_requests: 429,
  mail_too_often: 429,
  mail_not_set_up: 503,
};

/** A field of a request that is wrong, and how. */
export type FieldError = { readonly path: string; readonly message: string };

/**
 * An error as RFC 9457 problem details. The sentence is fixed by the status, so
 * that nothing of an exception can reach a client; the log has the rest.
 */
export function problemResponse(problem: {
  status: ProblemStatus;
  correlationId: string;
  headers?: Readonly<Record<string, string>>;
  errors?: readonly FieldError[];
}): Response {
  const { status, correlationId, errors } = problem;
  const body = { type: "about:blank", ...PROBLEMS[status], status, correlationId };
  return answer(errors === undefined ? body : { ...body, errors }, problem);
}

/** A refusal, in its own words for the person and with its code for the program. */
export function refusalResponse(
  err: AppError,
  { correlationId, locale }: { correlationId: string; locale: string | null },
): Response {
  const status = STATUSES[err.code] ?? 409;
  const { title } = PROBLEMS[status];
  const detail = sentence(locale, err.code, err.params);
  const { seconds, minutes } = err.params;
  const waitSeconds = minutes === undefined ? seconds : Number(minutes) * 60;
  const headers: Record<string, string> =
    status === 429 && waitSeconds !== undefined ? { "Retry-After": String(waitSeconds) } : {};
  return answer(
    { type: "about:blank", title, detail, status, code: err.code, correlationId },
    { status, headers },
  );
}

function answer(
  body: object,
  { status, headers }: { status: number; headers?: Readonly<Record<string, string>> },
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/problem+json", ...headers },
  });
}
