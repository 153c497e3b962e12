import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REDIS_SERVER = process.env["TEST_REDIS_SERVER"] ?? "/usr/bin/redis-server";

/** Whether this machine has a Redis to test with. */
export const HAS_REDIS = existsSync(REDIS_SERVER);

/** A Redis of its own, which can be killed, stopped and started again at the same address. */
export async function startRedis(...options: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-redis-"));
  const port = await freePort();
  let server: Bun.Subprocess | null = null;
  const redis = {
    url: `redis://127.0.0.1:${port}`,
    async start(): Promise<void> {
      const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...options];
      server = Bun.spawn([REDIS_SERVER, ...args], { stdout: "ignore", stderr: "ignore" });
      while ((await redis.command("PING").catch(() => null)) !== "PONG") await Bun.sleep(5);
    },
    async kill(): Promise<void> {
      server?.kill("SIGKILL");
      await server?.exited;
    },
    signal: (name: "SIGSTOP" | "SIGCONT") => server?.kill(name),
    async command(name: string, ...args: string[]): Promise<unknown> {
      const client = new Bun.RedisClient(redis.url, { autoReconnect: false, enableOfflineQueue: true });
      try {
        return await client.send(name, args);
      } finally {
        client.close();
      }
    },
    async keys(): Promise<string[]> {
      const keys = (await redis.command("KEYS", "*")) as string[];
      return keys.toSorted((a, b) => (a < b ? -1 : 1));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await redis.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}

export type TestRedis = Awaited<ReturnType<typeof startRedis>>;

/** Stands before a Redis. `trouble` is how late its answers come, or what is answered in its place. */
export async function startTroubledRedis(redis: TestRedis) {
  const behind = new URL(redis.url);
  const sockets = new Set<Socket>();
  const state: { trouble: { lateMs: number } | { error: string } | null } = { trouble: null };
  const server = createServer((client) => {
    const upstream = connect(Number(behind.port), behind.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.on("data", (chunk) => {
      const { trouble } = state;
      if (trouble === null || "lateMs" in trouble) upstream.write(chunk);
      // One error for each command in the chunk; no argument of ours looks like the head of one.
      else
        client.write(
          `-${trouble.error}\r\n`.repeat(chunk.toString("latin1").match(/\*\d+\r\n/g)?.length ?? 0),
        );
    });
    upstream.on("data", (chunk) => {
      const { trouble } = state;
      if (trouble === null || "error" in trouble) client.write(chunk);
      else setTimeout(() => client.write(chunk), trouble.lateMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${portOf(server.address())}`,
    state,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Accepts connections and never says a word. */
export async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${portOf(server.address())}`,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// safe: a server on a TCP port has an address with one
const portOf = (address: AddressInfo | string | null) => (address as AddressInfo).port;
