import { STATUS_CODES } from "node:http";
import { createServer, type Server, type Socket } from "node:net";

const HEAD_BYTES_MAX = 64 * 1024;
const BODY_BYTES_MAX = 32 * 1024 * 1024;

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * `query` is what follows the question mark, "" without one. `body` is null when it was larger than the service
 * takes (32 MB); the bytes were read and dropped.
 */
type WireRequest = { method: string; path: string; query: string; headers: Headers; body: string | null };

/**
 * One request and what is done with its connection. Exactly one of `respond`, `finish` and `reset` ends it;
 * `gone` aborts, with the reason "client" or "stop", when somebody else ended it first.
 */
export type Exchange = {
  readonly request: WireRequest;
  readonly gone: AbortSignal;
  respond(status: number, headers: Record<string, string>, body: string): void;
  open(status: number, headers: Record<string, string>): void;
  send(bytes: Uint8Array): void;
  finish(): void;
  reset(): void;
};

export type Wire = { readonly port: number; stop(): Promise<void> };

/**
 * An HTTP/1.1 server on bare TCP, because the faults to be shown (no answer at all, half an answer) are below
 * what an HTTP server lets its handler do. One request per connection, so that a fault never touches a
 * neighbour. `answer` must not reject. Rejects when the address cannot be bound.
 */
export function listen(
  options: { hostname: string; port: number },
  answer: (exchange: Exchange) => Promise<void>,
): Promise<Wire> {
  const sockets = new Map<Socket, AbortController>();
  const server = createServer((socket) => {
    const leaving = new AbortController();
    const read = createReader();
    sockets.set(socket, leaving);
    socket.setNoDelay(true);
    socket.on("error", () => leaving.abort("client"));
    socket.on("close", () => {
      sockets.delete(socket);
      leaving.abort("client");
    });
    socket.on("data", (chunk: Buffer) => {
      const request = read(chunk);
      if (request === null) return;
      const exchange = createExchange(socket, leaving, request === "malformed" ? null : request);
      if (request === "malformed") exchange.respond(400, {}, "Bad Request");
      else void answer(exchange);
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.hostname, () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no TCP address"));
      resolve({ port: address.port, stop: () => stop(server, sockets) });
    });
  });
}

function stop(server: Server, sockets: Map<Socket, AbortController>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const [socket, leaving] of sockets) {
      leaving.abort("stop");
      socket.destroy();
    }
  });
}

/** Takes the bytes of one connection; gives its request once, when it is complete. */
function createReader(): (chunk: Buffer) => WireRequest | "malformed" | null {
  let pending: Buffer[] = [];
  let bytes = 0;
  let head: (Omit<WireRequest, "body"> & { length: number }) | null = null;
  let done = false;
  return (chunk) => {
    if (done) return null;
    pending.push(chunk);
    bytes += chunk.length;
    if (head === null) {
      const read = Buffer.concat(pending);
      const end = read.indexOf("\r\n\r\n");
      if (end === -1 && bytes <= HEAD_BYTES_MAX) return null;
      head = end === -1 ? null : parseHead(read.subarray(0, end).toString("latin1"));
      if (head === null) {
        done = true;
        return "malformed";
      }
      pending = [read.subarray(end + 4)];
      bytes = read.length - end - 4;
    }
    if (head.length > BODY_BYTES_MAX) pending = [];
    if (bytes < head.length) return null;
    done = true;
    const { length, ...request } = head;
    const body = length > BODY_BYTES_MAX ? null : Buffer.concat(pending).subarray(0, length).toString("utf8");
    return { ...request, body };
  };
}

/** Null for what this server does not speak: a broken request line, a chunked body, a length that is no number. */
function parseHead(text: string): (Omit<WireRequest, "body"> & { length: number }) | null {
  const [first = "", ...lines] = text.split("\r\n");
  const [method, target, version] = first.split(" ");
  if (method === undefined || target === undefined || version !== "HTTP/1.1") return null;
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (!HEADER_NAME.test(line.slice(0, Math.max(0, colon)))) return null;
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const length = Number(headers.get("content-length") ?? 0);
  if (!Number.isSafeInteger(length) || length < 0 || headers.has("transfer-encoding")) return null;
  const [path = target, ...query] = target.split("?");
  return { method, path, query: query.join("?"), headers, length };
}

function createExchange(socket: Socket, leaving: AbortController, request: WireRequest | null): Exchange {
  const own = new AbortController();
  let ended = false;
  leaving.signal.addEventListener("abort", () => {
    if (!ended) own.abort(leaving.signal.reason);
  });
  const write = (bytes: string | Uint8Array) => {
    if (!ended && !own.signal.aborted) socket.write(bytes);
  };
  const end = () => {
    ended = true;
    socket.end();
  };
  return {
    request: request ?? { method: "", path: "", query: "", headers: new Headers(), body: "" },
    gone: own.signal,
    respond(status, headers, body) {
      write(headOf(status, { ...headers, "content-length": String(Buffer.byteLength(body)) }) + body);
      end();
    },
    open: (status, headers) => write(headOf(status, { ...headers, "transfer-encoding": "chunked" })),
    send: (bytes) =>
      write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")])),
    finish() {
      write("0\r\n\r\n");
      end();
    },
    reset() {
      ended = true;
      socket.resetAndDestroy();
    },
  };
}

function headOf(status: number, headers: Record<string, string>): string {
  const lines = Object.entries({ ...headers, connection: "close" }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\n${lines.join("\r\n")}\r\n\r\n`;
}
