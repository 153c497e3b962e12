import { inspect } from "node:util";

const REDACTED = "[redacted]";

/** A value that prints as `[redacted]` wherever it ends up: templates, JSON, logs, the console. */
export type Secret = {
  /** The value itself: the only way to it. */
  expose(): string;
  toString(): string;
  toJSON(): string;
};

/** Wraps a plaintext. It lives in a closure, so no enumeration of properties reaches it. */
export function createSecret(plaintext: string): Secret {
  const redacted = () => REDACTED;
  const secret = {
    expose: () => plaintext,
    toString: redacted,
    toJSON: redacted,
    [inspect.custom]: redacted,
  };
  return Object.freeze(secret);
}
