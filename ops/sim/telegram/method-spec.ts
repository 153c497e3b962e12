import { readFileSync } from "node:fs";

export type ParameterKind = "number" | "string" | "boolean" | "array" | "object" | "file";
export type Parameter = {
  readonly required: boolean;
  readonly kinds: ReadonlySet<ParameterKind>;
  /** The only values allowed, when the type is a union of quoted strings. */
  readonly literals: readonly string[] | null;
};
export type MethodSpec = { readonly name: string; readonly parameters: ReadonlyMap<string, Parameter> };
type ApiSpec = {
  /** Keyed by the method's name in lower case: the service ignores case. */
  readonly methods: ReadonlyMap<string, MethodSpec>;
  readonly updateKinds: ReadonlySet<string>;
  readonly reactionEmoji: ReadonlySet<string>;
};

const COMMENT = /\/\*\*[\s\S]*?\*\//g;
const METHOD = /^ {4}(\w+)\((?:args\??: \{\n([\s\S]*?)^ {4}\})?\): /gm;
const MEMBER = /^ {8}(\w+)(\?)?: ([\s\S]*?);$/gm;
const UPDATE_KIND = /^ {4}(\w+)\?: /gm;
const QUOTED = /"([^"]*)"/g;
const STRING_ALIASES = new Set(["LanguageCode", "ParseMode"]);

let cached: ApiSpec | null = null;

/**
 * What every method of the Bot API takes, read from the declarations of
 * `@grammyjs/types`, so that the simulator knows the same version of the API as
 * the bot's own client. Read once per process, on first use.
 */
export function apiSpec(): ApiSpec {
  cached ??= readSpec();
  return cached;
}

function readSpec(): ApiSpec {
  const methods = new Map<string, MethodSpec>();
  for (const [, name = "", body = ""] of declarations("methods").matchAll(METHOD)) {
    methods.set(name.toLowerCase(), { name, parameters: parametersOf(body) });
  }
  const update = block(declarations("update"), "export interface Update {");
  const reaction = block(declarations("message"), "export interface ReactionTypeEmoji {");
  return {
    methods,
    updateKinds: new Set([...update.matchAll(UPDATE_KIND)].map(([, kind = ""]) => kind)),
    reactionEmoji: new Set(quotedIn(reaction).filter((text) => text !== "emoji")),
  };
}

function declarations(file: string): string {
  const path = Bun.resolveSync(`@grammyjs/types/${file}.d.ts`, import.meta.dir);
  return readFileSync(path, "utf8").replaceAll(COMMENT, "");
}

function block(source: string, opening: string): string {
  const start = source.indexOf(opening);
  if (start < 0) throw new Error(`The Bot API's declarations have no "${opening}"`);
  return source.slice(start, source.indexOf("\n}", start));
}

function parametersOf(body: string): Map<string, Parameter> {
  const parameters = new Map<string, Parameter>();
  for (const [, name = "", optional, type = ""] of body.matchAll(MEMBER)) {
    parameters.set(name, { required: optional === undefined, ...shapeOf(type.trim()) });
  }
  return parameters;
}

function shapeOf(type: string): Pick<Parameter, "kinds" | "literals"> {
  const members = unionMembers(type);
  const literal = members.every((member) => member.startsWith('"'));
  return { kinds: new Set(members.map(kindOf)), literals: literal ? quotedIn(type) : null };
}

function unionMembers(type: string): string[] {
  const members: string[] = [];
  let depth = 0;
  let member = "";
  for (const character of type) {
    if ("<({[".includes(character)) depth += 1;
    if (">)}]".includes(character)) depth -= 1;
    if (character === "|" && depth === 0) {
      members.push(member.trim());
      member = "";
    } else {
      member += character;
    }
  }
  return [...members, member.trim()];
}

function kindOf(member: string): ParameterKind {
  if (member.endsWith("[]") || /^(Readonly)?Array</.test(member)) return "array";
  if (member === "number" || /^\d/.test(member)) return "number";
  if (member === "boolean" || member === "true" || member === "false") return "boolean";
  if (member === "F") return "file";
  if (member === "string" || /^"|^\(string &/.test(member) || STRING_ALIASES.has(member)) return "string";
  return "object";
}

function quotedIn(text: string): string[] {
  return [...text.matchAll(QUOTED)].map(([, value = ""]) => value);
}
