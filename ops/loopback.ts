import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const HOST = "127.0.0.1";
const PAGE = `<!doctype html><meta charset="utf-8"><title>BlockBot</title><p>This window can be closed; the terminal says how it went.</p>`;

/**
 * Listens on a free port of this machine for the one request with which a
 * browser comes back from a sign-in (RFC 8252, section 7.3). Requests for other
 * paths, such as a favicon, are none.
 */
export async function openLoopback() {
  let arrived: (address: URL) => void = () => undefined;
  const address = new Promise<URL>((resolve) => (arrived = resolve));
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", `http://${HOST}`);
    const isIt = request.method === "GET" && url.pathname === "/" && url.search !== "";
    response.writeHead(isIt ? 200 : 404, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      connection: "close",
    });
    response.end(isIt ? PAGE : "");
    if (isIt) arrived(url);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, resolve);
  });
  const { port } = server.address() as AddressInfo; // safe: it listens on a port, not on a pipe
  return {
    redirectUri: `http://${HOST}:${port}/`,
    /** Resolves with the address that the browser came back to. */
    address,
    close(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}
