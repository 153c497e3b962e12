import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FluentResource } from "@fluent/bundle";
import { COMMANDS } from "../../bot/commands/table.ts";
import { FILE_FAILURES } from "../chat/files.ts";
import { POLICIES } from "../claude/classify.ts";
import { LANGUAGES, sentence, type Language } from "./text.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
// Telegram refuses a longer alert over a button, and a longer description of a command.
const ALERT_CHARS_MAX = 200;
const COMMAND_CHARS_MAX = 256;
// Quotation marks that belong to the other languages, and the typewriter's.
const FOREIGN_QUOTES: Record<Language, RegExp> = { en: /["„«»]/, de: /["”«»]/, ru: /["„“”]/ };
// Every plural category of ours, and a number that some languages count like 1.
const SAMPLES = [0, 1, 2, 5, 21, 16_000, "Zoë"] as const;

type Entry = { id: string; source: string; params: ReadonlySet<string>; variants: ReadonlySet<string> };

const files: Record<Language, readonly Entry[]> = {
  en: entriesOf("en"),
  de: entriesOf("de"),
  ru: entriesOf("ru"),
};
const ids = files.en.map(({ id }) => id);
const sources = ["bot", "core", "ops/admin"].flatMap((folder) => typescriptIn(join(ROOT, folder)));

const errorCodes = membersOf("core/errors.ts", "ErrorCode");
// The ids that code puts together, by the part that it has in front. Any other prefix only has to fit some sentence.
const MADE: Record<string, readonly string[]> = {
  command_: COMMANDS.map(({ name }) => `command_${name}`),
  claude_: Object.keys(POLICIES).map((kind) => `claude_${kind}`),
  told_: membersOf("core/accounts/notices.ts", "NoticeKind").map((kind) => `told_${kind}`),
  failed_: FILE_FAILURES.map((kind) => `failed_${kind}`),
  alert_: membersOf("core/alerts.ts", "AlertKind").map((kind) => `alert_${kind}`),
};

test("the three languages have the same sentences with the same parameters, each its own", () => {
  for (const language of LANGUAGES) {
    const text = readFileSync(join(ROOT, `core/text/${language}.ftl`), "utf8");
    // The parser passes over what it cannot read, so the lines are counted without it.
    expect(files[language].map(({ id }) => id)).toEqual(
      [...text.matchAll(/^([a-z]\w*) *=/gm)].map((match) => match[1] ?? ""),
    );
    expect(new Set(files[language].map(({ id }) => id)).size).toBe(files[language].length);
    expect(files[language].map(({ id }) => id).sort()).toEqual([...ids].sort());
    for (const { id, source, params } of files[language]) {
      const english = files.en.find((entry) => entry.id === id);
      expect({ language, id, params: [...params].sort() }).toEqual({
        language,
        id,
        params: [...(english?.params ?? [])].sort(),
      });
      if (language !== "en")
        expect({ language, id, english: source === english?.source }).toEqual({
          language,
          id,
          english: false,
        });
    }
  }
});

test("every sentence can be said in every language, whatever its parameters", () => {
  for (const { language, id, text } of everythingSaid()) {
    expect({ language, id, text, empty: text.trim() === "" }).toEqual({ language, id, text, empty: false });
    // Isolation marks, braces that were meant as a parameter, and what a missing value turns into.
    expect(text).not.toMatch(/[\u2066-\u2069{}]|undefined|NaN/);
    expect(text).not.toMatch(FOREIGN_QUOTES[language]);
  }
});

test("what is shown over a button or in the menu fits there", () => {
  const alerts = new Set([...errorCodes, "unexpected", "not_member"]);
  const long = everythingSaid().filter(
    ({ id, text }) =>
      (alerts.has(id) && text.length > ALERT_CHARS_MAX) ||
      (id.startsWith("command_") && text.length > COMMAND_CHARS_MAX),
  );
  expect(long).toEqual([]);
});

test("counted things have the right form", () => {
  const forms = (language: Language, id: string, param: string, counts: number[]) =>
    counts.map((count) => /\d+ [^ ,.]+/.exec(sentence(language, id, { [param]: count }))?.[0]);
  expect(forms("de", "too_fast", "seconds", [1, 2])).toEqual(["1 Sekunde", "2 Sekunden"]);
  expect(forms("ru", "too_fast", "seconds", [1, 3, 5, 11, 22])).toEqual([
    "1 секунду",
    "3 секунды",
    "5 секунд",
    "11 секунд",
    "22 секунды",
  ]);
});

test("every refusal, every trouble of Claude, every command and every sentence that code asks for exists", () => {
  expect(errorCodes).toContain("not_allowed");
  const { literal, prefixes, unreadable } = idsAskedFor();
  expect(literal.length).toBeGreaterThan(20);
  expect(
    [...literal, ...errorCodes, ...Object.values(MADE).flat()].filter((id) => !ids.includes(id)),
  ).toEqual([]);
  expect(prefixes.filter((prefix) => !ids.some((id) => id.startsWith(prefix)))).toEqual([]);
  // An id that comes in a variable cannot be followed from here: only those that pass on what is checked already.
  expect(unreadable.filter((argument) => !["id", "err.code"].includes(argument))).toEqual([]);
});

test("no sentence is left that nobody says", () => {
  const { literal, prefixes } = idsAskedFor();
  const used = new Set([...literal, ...errorCodes, ...Object.values(MADE).flat()]);
  const free = prefixes.filter((prefix) => MADE[prefix] === undefined);
  const mentioned = new Set(
    files.en.flatMap(({ source }) =>
      [...source.matchAll(/"type":"mesg","name":"(\w+)"/g)].map((match) => match[1] ?? ""),
    ),
  );
  expect(
    ids.filter((id) => !used.has(id) && !mentioned.has(id) && !free.some((prefix) => id.startsWith(prefix))),
  ).toEqual([]);
});

function entriesOf(language: Language): Entry[] {
  const { body } = new FluentResource(readFileSync(join(ROOT, `core/text/${language}.ftl`), "utf8"));
  return body.map(({ id, value }) => {
    const source = JSON.stringify(value);
    const named = (pattern: RegExp) => new Set([...source.matchAll(pattern)].map((match) => match[1] ?? ""));
    return {
      id,
      source,
      params: named(/"type":"var","name":"(\w+)"/g),
      variants: named(/"key":\{"type":"str","value":"(\w+)"/g),
    };
  });
}

/** Each sentence in each language, with each sample and each variant of any language as the value of each of its parameters. */
function everythingSaid(): { language: Language; id: string; text: string }[] {
  return ids.flatMap((id) => {
    const entries = LANGUAGES.flatMap((language) => files[language].filter((entry) => entry.id === id));
    const params = [...new Set(entries.flatMap((entry) => [...entry.params]))];
    const values =
      params.length === 0 ? [0] : [...SAMPLES, ...new Set(entries.flatMap((entry) => [...entry.variants]))];
    const filled = values.map((value) => Object.fromEntries(params.map((param) => [param, value])));
    return LANGUAGES.flatMap((language) =>
      filled.map((given) => ({ language, id, text: sentence(language, id, given) })),
    );
  });
}

/** The members of a union of strings, read from its source: types are gone when this runs. */
function membersOf(path: string, type: string): string[] {
  const union = new RegExp(`type ${type} =([^;]+);`).exec(readFileSync(join(ROOT, path), "utf8"))?.[1] ?? "";
  return [...union.matchAll(/"(\w+)"/g)].map((match) => match[1] ?? "");
}

/** The id of every call that makes a sentence: whole, as the start of a template, or as code that says neither. */
function idsAskedFor(): { literal: string[]; prefixes: string[]; unreadable: string[] } {
  const places: Record<string, number> = { say: 0, sentence: 1, saying: 2 };
  const found = { literal: new Set<string>(), prefixes: new Set<string>(), unreadable: new Set<string>() };
  for (const source of sources) {
    for (const call of source.matchAll(/(?<!function |\w|\w\.)(say|sentence|saying)\(/g)) {
      const argument = argumentsAt(source, call.index + call[0].length)[places[call[1] ?? ""] ?? 0] ?? "";
      const parts = [...argument.matchAll(/(?:^|[?:] )(?:"(\w+)"|`(\w+)\$\{)/g)];
      if (parts.length === 0) found.unreadable.add(argument);
      for (const [, whole, start] of parts) {
        if (whole !== undefined) found.literal.add(whole);
        if (start !== undefined) found.prefixes.add(start);
      }
    }
  }
  return { literal: [...found.literal], prefixes: [...found.prefixes], unreadable: [...found.unreadable] };
}

/** What stands between the commas of a call, on one line, from behind its opening parenthesis. */
function argumentsAt(source: string, from: number): string[] {
  const found = [""];
  let depth = 0;
  for (const char of source.slice(from)) {
    if (depth === 0 && char === ")") break;
    if ("([{".includes(char)) depth += 1;
    if (")]}".includes(char)) depth -= 1;
    if (depth === 0 && char === ",") found.push("");
    else found[found.length - 1] += char;
  }
  return found.map((argument) => argument.replaceAll(/\s+/g, " ").trim());
}

function typescriptIn(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    /(?<!\.test|\.d)\.ts$/.test(path),
  );
  return paths.map((path) => readFileSync(join(folder, path), "utf8"));
}
