import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../core/config.ts";
import packageFile from "../package.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const HOME = "/srv/blockbot/app"; // where SETUP.md puts the program

/** What runs a script of package.json as it is, or the program that it names. */
const RUN_BY: Readonly<Record<string, string>> = {
  ci: ".ci/run",
  start: "ops/sim/program.ts",
  test: ".ci/run",
  check: ".ci/run",
  "image-check": ".ci/run",
  setup: "ops/first-run.test.ts",
  migrate: "ops/upgrade.test.ts",
  backup: "ops/backup/backup.test.ts",
  restore: "ops/backup/backup.test.ts",
  roles: "ops/postgres/prepare.test.ts",
  doctor: "ops/doctor.test.ts",
  logs: "ops/sim/correlation.test.ts",
  "rotate-key": "ops/rotate-key.test.ts",
  "connect:google": "ops/google-oauth.test.ts",
};
// `dev` is `start` with a watcher, `bench` takes minutes, and `rebuild` is npm's own.
const NOT_RUN = ["dev", "bench", "rebuild"];

type Compose = { services: Record<string, { profiles?: string[] }> };
// safe: ops/compose.test.ts holds it against the schema of the Compose specification
const { services } = Bun.YAML.parse(read("docker-compose.yml")) as Compose;
const profiles = Object.values(services).flatMap((service) => service.profiles ?? []);

const documents = ["README.md", "SETUP.md", "CONTRIBUTING.md"].map(read);
const blocks = documents.flatMap((text) => [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]);
const shell = blocks.filter(([, language]) => language === "sh").map(([, , body = ""]) => body);
const inline = documents.flatMap((text) => [
  ...text.replaceAll(/^```.*?^```$/gms, "").matchAll(/`([^`\n]+)`/g),
]);
const commands = [
  ...shell.flatMap((body) => body.replaceAll("\\\n", " ").split("\n")),
  ...inline.map(([, words = ""]) => words),
].flatMap((line) =>
  line
    .replace(/\s#.*/, "")
    .split(/&&|\||;/)
    .map((command) => command.trim()),
);

test("every npm command of the documents exists, and a test or CI runs it", () => {
  const scripts: Readonly<Record<string, string>> = packageFile.scripts;
  const named = commands.flatMap(
    (line) =>
      /^(?:[A-Z_]+=\S+ )?(?:npm run|npm|blockbot) (?!run )([a-z][\w:-]*)(?=[ ']|$)/.exec(line)?.[1] ?? [],
  );
  const wanted = [...new Set(named)].filter((name) => !NOT_RUN.includes(name));
  expect(wanted.filter((name) => RUN_BY[name] === undefined)).toEqual([]);
  expect(Object.keys(RUN_BY).filter((name) => !wanted.includes(name))).toEqual([]);
  for (const [name, by] of Object.entries(RUN_BY)) {
    const program = /[\w-]+\.ts$/.exec(scripts[name] ?? "")?.[0];
    const forms = [`npm run ${name}`, `npm ${name}`, `"npm", "run", "${name}"`, `${program ?? name}"`];
    expect([name, forms.some((form) => read(by).includes(form))]).toEqual([name, true]);
  }
});

test("every docker compose command of the documents names profiles, services and programs that exist", () => {
  const lines = commands.flatMap((line) => /^docker compose (?!and )(.+)/.exec(line)?.[1] ?? []);
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    const [, profile, verb, rest = ""] = /^(?:--profile (\w+) ?)?(\w*)(.*)$/.exec(line) ?? [];
    if (profile !== undefined) expect(profiles).toContain(profile);
    expect(["", "build", "run", "up", "logs", "ps", "cp"]).toContain(verb ?? "?");
    const words = rest
      .replaceAll(/-v \S+|"[^"]*"/g, "")
      .split(" ")
      .filter((word) => word !== "" && !word.startsWith("-"));
    const [service, ...more] =
      verb === "cp" ? words.map((word) => word.replace(/:.*/, "")).slice(0, 1) : words;
    if (service !== undefined) expect(Object.keys(services)).toContain(service);
    if (verb !== "run") for (const other of more) expect(Object.keys(services)).toContain(other);
    for (const path of rest.match(/\bops\/[a-z-]+\.ts/g) ?? [])
      expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
  }
});

test("every path below the program's folder that a command names exists", () => {
  const paths = blocks.flatMap(([body]) => body.match(new RegExp(`${HOME}/[\\w./-]+`, "g")) ?? []);
  const missing = paths.filter(
    (path) => !/\/(\.env|data)$/.test(path) && !existsSync(path.replace(HOME, ROOT)),
  );
  expect([paths.length > 2, missing]).toEqual([true, []]);
});

test(".env.example has every key that the program reads, and no other; SETUP.md names only such keys", () => {
  const asked = new Set<string>();
  loadConfig(new Proxy({}, { get: (_, key) => void asked.add(String(key)) }));
  const known = [...asked].filter((key) => !key.endsWith("_FILE"));
  const example = [...read(".env.example").matchAll(/^# (.*)\n(?:# )?([A-Z][A-Z0-9_]+)=/gm)];
  const others = /^(not used yet|Docker Compose|read by Bun)/;
  const explained = example.map(([, , key = ""]) => key);
  expect(known.filter((key) => !explained.includes(key))).toEqual([]);
  expect(
    example.flatMap(([, why = "", key = ""]) => (known.includes(key) === others.test(why) ? [key] : [])),
  ).toEqual([]);
  const named = documents.flatMap((text) => text.match(/(?<=^|`)[A-Z][A-Z0-9]*_[A-Z0-9_]+(?==)/gm) ?? []);
  expect(named.filter((key) => !explained.includes(key) && key !== "ADMIN_DATABASE_URL")).toEqual([]);
});

const verify = Bun.which("systemd-analyze");
(verify === null ? test.skip : test)("systemd takes the unit of SETUP.md", async () => {
  const unit = blocks.find(([, language]) => language === "ini")?.[2] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "blockbot-unit-"));
  const path = join(folder, "blockbot.service");
  writeFileSync(path, unit.replaceAll(HOME, ROOT.replace(/\/$/, "")).replace("User=blockbot", "User=root"));
  const said = await Bun.$`${verify} verify ${path}`.nothrow();
  rmSync(folder, { recursive: true });
  expect([said.exitCode, said.stderr.toString()]).toEqual([0, ""]);
});
