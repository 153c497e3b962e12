import { verify } from "@node-rs/argon2";

// The baseline of the HTTP bench: a server that answers JSON to everybody, and on POST checks one password.
// Started by ops/bench/http.ts as `bare-server.ts HASH`.
const [hash = ""] = process.argv.slice(2);
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    if (request.method !== "POST") return Response.json({ status: "ok" });
    const { password } = (await request.json()) as { password: string }; // safe: the bench sends it
    return Response.json({ ok: await verify(hash, password) });
  },
});
process.stdout.write(`ready ${server.url.origin}\n`);
