type Details = { retryAfter?: number; migrateToChatId?: number };

/**
 * An answer with `ok: false`. `violation` is true when the caller asked for
 * something that no state of the service would allow, which is a bug in the bot.
 */
export class ApiError extends Error {
  readonly errorCode: number;
  readonly violation: boolean;
  readonly details: Details;

  constructor(errorCode: number, description: string, more: { violation?: boolean } & Details = {}) {
    super(description);
    this.name = "ApiError";
    this.errorCode = errorCode;
    this.violation = more.violation ?? false;
    this.details = {
      ...(more.retryAfter === undefined ? {} : { retryAfter: more.retryAfter }),
      ...(more.migrateToChatId === undefined ? {} : { migrateToChatId: more.migrateToChatId }),
    };
  }
}

/** A 400 that a correct bot can meet: somebody deleted the message, the topic is gone. */
export function badRequest(reason: string): ApiError {
  return new ApiError(400, `Bad Request: ${reason}`);
}

/** A 400 that only a wrong call can meet. */
export function violation(reason: string): ApiError {
  return new ApiError(400, `Bad Request: ${reason}`, { violation: true });
}

export function forbidden(reason: string): ApiError {
  return new ApiError(403, `Forbidden: ${reason}`);
}

/** `retryAfter` is in whole seconds. */
export function tooManyRequests(retryAfter: number): ApiError {
  return new ApiError(429, `Too Many Requests: retry after ${retryAfter}`, { retryAfter });
}
