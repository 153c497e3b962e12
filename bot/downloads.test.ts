import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { ANN, startSim } from "../ops/sim/telegram/test-sim.ts";
import { createApi } from "./client.ts";
import { createDownloads } from "./downloads.ts";

const SIZE = 100_000;
const BOUNDS = { downloadMs: 2_000, silenceMs: 150 };
const NEVER = new AbortController().signal;

/** A file of Ann's and everything that fetches it; `lines` is what was logged. */
async function start(options: { hidesSize?: boolean; bytes?: number } = {}) {
  const world = await startSim();
  const { bytes = SIZE, hidesSize = false } = options;
  const content = crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65_536)));
  const file = new Uint8Array(bytes);
  file.set(content);
  world.sim.sendFile({
    from: ANN,
    kind: "document",
    name: "../../etc/passwd",
    mime: "text/plain",
    bytes: file,
    hidesSize,
  });
  const { body } = await world.call("getUpdates");
  const ref = String(body.result.at(-1)?.["message"]?.["document"]?.["file_id"]);
  const lines: string[] = [];
  const log = createLog({ level: "debug", destination: { write: (line) => void lines.push(line) } });
  const settings = { token: world.token, apiRoot: world.sim.url };
  const fetchFile = createDownloads({ ...settings, api: createApi(settings, "send"), log, bounds: BOUNDS });
  return {
    ...world,
    lines,
    file,
    ref,
    fetchFile: (bytesMax = SIZE, signal = NEVER) => fetchFile(ref, bytesMax, signal),
    fetchRef: (other: string) => fetchFile(other, SIZE, NEVER),
    downloads: () => world.sim.calls.filter(({ method }) => method === "download").length,
  };
}

test("a file arrives whole, by the path that Telegram gives it and never by its name", async () => {
  await using it = await start();
  expect(await it.fetchFile()).toEqual(Buffer.from(it.file));
  const paths = it.sim.calls.flatMap(({ method, params }) => (method === "download" ? [params["path"]] : []));
  expect(paths).toEqual([expect.stringMatching(/^documents\/file_\d+$/)]);
  expect(it.lines).toEqual([]);
});

test("what is too large is not fetched when Telegram says so, and stops at the limit when it does not", async () => {
  await using told = await start();
  expect(await told.fetchFile(SIZE - 1)).toBe("file_too_large");
  expect(told.downloads()).toBe(0);
  await using untold = await start({ hidesSize: true });
  expect(await untold.fetchFile(SIZE - 1)).toBe("file_too_large");
  expect(untold.downloads()).toBe(1);
  expect(await untold.fetchFile(SIZE)).toHaveLength(SIZE);
  await using huge = await start({ hidesSize: true, bytes: 20 * 1024 * 1024 + 1 });
  expect(await huge.fetchFile(30 * 1024 * 1024)).toBe("file_too_large");
  expect([...told.sim.violations, ...untold.sim.violations, ...huge.sim.violations]).toEqual([]);
});

test("a file that is gone is told apart from a Telegram that does not hand it over", async () => {
  await using it = await start();
  expect(await it.fetchRef("SIM-document-999")).toBe("file_gone");
  const download = { method: "download", times: 1 };
  it.sim.fault({ ...download, kind: "error", errorCode: 404, description: "Not Found" });
  expect(await it.fetchFile()).toBe("file_gone");
  for (const errorCode of [429, 500, 502]) {
    it.sim.fault({ ...download, kind: "error", errorCode, description: "no" });
    expect(await it.fetchFile()).toBe("file_unreachable");
    it.sim.fault({ method: "getFile", times: 1, kind: "error", errorCode, description: "no" });
    expect(await it.fetchFile()).toBe("file_unreachable");
  }
  for (const kind of ["truncate", "hang", "reset_before", "reset_after"] as const) {
    it.sim.fault({ ...download, times: 2, kind });
    expect({ kind, what: await it.fetchFile() }).toEqual({ kind, what: "file_unreachable" });
    it.sim.clearFaults();
  }
  expect(await it.fetchFile()).toHaveLength(SIZE);
});

test("a stop ends a download at once", async () => {
  await using it = await start();
  it.sim.fault({ method: "download", times: 1, kind: "delay", ms: 60_000 });
  const stop = new AbortController();
  const fetching = it.fetchFile(SIZE, stop.signal);
  await it.sim.waitFor(() => it.sim.calls.some(({ method }) => method === "getFile"));
  stop.abort("stop");
  expect(await fetching).toBe("file_unreachable");
});

test("neither the token nor the address is in what is logged of a failure", async () => {
  await using it = await start();
  const secret = it.token.split(":")[1] ?? "-";
  for (const kind of ["reset_before", "reset_after"] as const) {
    it.sim.fault({ method: "*", times: 2, kind });
    await it.fetchFile();
    it.sim.clearFaults();
    it.sim.fault({ method: "download", times: 2, kind });
    await it.fetchFile();
    it.sim.clearFaults();
  }
  expect(it.lines.length).toBe(4);
  expect(it.lines.join("")).not.toContain(secret);
  expect(it.lines.join("")).not.toContain("/file/bot");
});
