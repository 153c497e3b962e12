import type { Api } from "grammy";
import type { FetchFile } from "../core/chat/file-content.ts";
import type { FileFailure } from "../core/chat/files.ts";
import type { Log } from "../core/log.ts";
import { failureOf } from "./client.ts";

const DOWNLOAD_MS = 60_000;
const SILENCE_MS = 15_000;
// As Telegram names its files. Anything else, such as the absolute path of a server of one's own, is not asked for.
const FILE_PATH = /^\w[\w-]*(?:\/\w[\w.-]*)*$/;

/**
 * Fetches files from Telegram into memory, at most as many bytes as the caller
 * has use for. The address holds the bot's token, so neither it nor an error
 * that may name it leaves this file.
 */
export function createDownloads(options: {
  api: Api;
  token: string;
  apiRoot: string;
  log: Log;
  bounds?: { downloadMs: number; silenceMs: number };
}): FetchFile {
  const { api, token, apiRoot, log } = options;
  const { downloadMs = DOWNLOAD_MS, silenceMs = SILENCE_MS } = options.bounds ?? {};

  return async function fetchFile(ref, bytesMax, signal) {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(downloadMs)]);
    const found = await locate(api, ref, deadline);
    if (typeof found === "string") return refused(log, found, "getFile");
    if ((found.bytes ?? 0) > bytesMax) return refused(log, "file_too_large", "size");
    const url = `${apiRoot}/file/bot${token}/${found.path}`;
    const bytes = await read(url, { bytesMax, silenceMs, signal: deadline });
    if (typeof bytes === "string") return refused(log, bytes, "download");
    // A connection that ends early may look like the end of the file.
    if (found.bytes !== null && found.bytes !== bytes.length) return refused(log, "file_unreachable", "cut");
    return bytes;
  };
}

function refused(log: Log, failure: FileFailure, at: string): FileFailure {
  log.warn({ failure, at }, "a file was not fetched");
  return failure;
}

type Found = { readonly path: string; readonly bytes: number | null };

async function locate(api: Api, ref: string, signal: AbortSignal): Promise<Found | FileFailure> {
  try {
    // safe: grammY's type of a signal is an older one, and it only listens for the abort
    const file = await api.getFile(ref, signal as unknown as Parameters<Api["getFile"]>[1]);
    if (file.file_path === undefined || !FILE_PATH.test(file.file_path)) return "file_gone";
    return { path: file.file_path, bytes: file.file_size ?? null };
  } catch (err) {
    const failure = failureOf(err);
    if (failure.kind !== "rejected") return "file_unreachable";
    return /file is too big/i.test(failure.reason) ? "file_too_large" : "file_gone";
  }
}

async function read(
  url: string,
  limits: { bytesMax: number; silenceMs: number; signal: AbortSignal },
): Promise<Uint8Array | FileFailure> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), limits.silenceMs);
  try {
    const signal = AbortSignal.any([limits.signal, silence.signal]);
    const response = await fetch(url, { redirect: "error", signal });
    if (response.status === 404) return "file_gone";
    if (!response.ok || response.body === null) return "file_unreachable";
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), limits.silenceMs);
      length += chunk.length;
      if (length > limits.bytesMax) return "file_too_large";
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length);
  } catch {
    // Whatever was thrown may name the address, and with it the token: it goes no further than this.
    return "file_unreachable";
  } finally {
    clearTimeout(timer);
  }
}
