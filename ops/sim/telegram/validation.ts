import { violation } from "./api-error.ts";
import type { MethodSpec, Parameter, ParameterKind } from "./method-spec.ts";

export type Params = Readonly<Record<string, unknown>>;

// The service answers these two by what is missing, not by the parameter's name.
const MISSING: Record<string, string> = { chat_id: "chat_id is empty", text: "message text is empty" };

/**
 * Checks the parameters of a call against the method's declaration and returns
 * them with their types. Text fields of a form are converted; JSON must already
 * have the right types. Stricter than the service in one way: it refuses unknown
 * parameters, which the service ignores.
 */
export function checkedParams(spec: MethodSpec, raw: Params, encoding: "json" | "form"): Params {
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    if (value === null || value === undefined) continue;
    const parameter = spec.parameters.get(name);
    if (parameter === undefined) throw violation(`unexpected parameter ${name}`);
    checked[name] = encoding === "form" ? fromText(name, parameter, value) : value;
    checkValue(name, parameter, checked[name]);
  }
  for (const [name, parameter] of spec.parameters) {
    if (parameter.required && checked[name] === undefined) {
      throw violation(MISSING[name] ?? `parameter ${name} is required`);
    }
  }
  return checked;
}

function fromText(name: string, { kinds }: Parameter, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (kinds.has("array") || kinds.has("object")) return parsedJson(name, value);
  if (kinds.has("number") && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (kinds.has("boolean") && /^(true|1)$/i.test(value)) return true;
  if (kinds.has("boolean") && /^(false|0|)$/i.test(value)) return false;
  return value;
}

function parsedJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (err) {
    throw Object.assign(violation(`can't parse ${name} JSON object`), { cause: err });
  }
}

function checkValue(name: string, { kinds, literals }: Parameter, value: unknown): void {
  const kind = kindOf(value);
  // A file arrives as text: "attach://part", a file id or an address.
  const fits = kind !== null && (kinds.has(kind) || (kind === "string" && kinds.has("file")));
  if (!fits) throw violation(`parameter ${name} must be ${[...kinds].join(" or ")}`);
  if (kind === "number" && !Number.isFinite(value)) throw violation(`parameter ${name} must be a number`);
  if (literals !== null && !literals.some((literal) => literal === value)) {
    throw violation(`wrong parameter ${name} in request`);
  }
  if (!wellFormed(value)) throw violation("strings must be encoded in UTF-8");
}

function kindOf(value: unknown): ParameterKind | null {
  if (Array.isArray(value)) return "array";
  if (typeof value === "object") return value === null ? null : "object";
  if (typeof value === "number") return "number";
  if (typeof value === "string") return "string";
  return typeof value === "boolean" ? "boolean" : null;
}

function wellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(wellFormed);
}

/** The value of an optional integer parameter, or null when it was not given. */
export function integerOf(params: Params, name: string): number | null {
  const value = params[name];
  if (value === undefined) return null;
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw violation(`parameter ${name} must be an integer`);
}

export function textOf(params: Params, name: string): string | null {
  const value = params[name];
  return typeof value === "string" ? value : null;
}

export function flagOf(params: Params, name: string): boolean {
  return params[name] === true;
}

/** The array's members as objects, or null when the parameter was not given. */
export function objectsOf(params: Params, name: string): Params[] | null {
  const value = params[name];
  if (value === undefined) return null;
  if (!Array.isArray(value) || !value.every(isObject)) throw violation(`can't parse ${name} JSON object`);
  return value;
}

export function isObject(value: unknown): value is Params {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Refuses fields of a nested object that the API does not have. */
export function refuseUnknownFields(what: string, value: Params, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw violation(`unexpected field ${unknown} in ${what}`);
}
