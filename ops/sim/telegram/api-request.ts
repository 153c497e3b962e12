import { violation } from "./api-error.ts";
import { isObject, type Params } from "./validation.ts";

export type UploadedFile = { readonly name: string; readonly mime: string; readonly bytes: Uint8Array };
export type ApiRequest = {
  readonly encoding: "json" | "form";
  readonly params: Params;
  readonly files: ReadonlyMap<string, UploadedFile>;
};

const NO_FILES: ReadonlyMap<string, UploadedFile> = new Map();

/** Reads the body in any of the encodings that the service takes, and the query for a call without a body. */
export async function readApiRequest(request: Request): Promise<ApiRequest> {
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("application/json")) {
    return { encoding: "json", params: await readJson(request), files: NO_FILES };
  }
  if (type.startsWith("multipart/form-data")) return readMultipart(request);
  const query = new URL(request.url).searchParams;
  if (type.startsWith("application/x-www-form-urlencoded")) {
    const body = new URLSearchParams(await request.text());
    return { encoding: "form", params: Object.fromEntries([...query, ...body]), files: NO_FILES };
  }
  return { encoding: "form", params: Object.fromEntries(query), files: NO_FILES };
}

async function readJson(request: Request): Promise<Params> {
  const text = await request.text();
  if (text === "") return {};
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body)) return body;
  } catch (err) {
    throw Object.assign(violation("can't parse request JSON object"), { cause: err });
  }
  throw violation("can't parse request JSON object");
}

async function readMultipart(request: Request): Promise<ApiRequest> {
  const params: Record<string, unknown> = {};
  const files = new Map<string, UploadedFile>();
  for (const [name, value] of await readForm(request)) {
    if (typeof value === "string") params[name] = value;
    else files.set(name, await uploadOf(value));
  }
  return { encoding: "form", params, files };
}

async function readForm(request: Request): Promise<FormData> {
  try {
    return await request.formData();
  } catch (err) {
    throw Object.assign(violation("can't parse multipart body"), { cause: err });
  }
}

async function uploadOf(file: File): Promise<UploadedFile> {
  return {
    name: file.name,
    mime: file.type === "" ? "application/octet-stream" : file.type,
    bytes: new Uint8Array(await file.arrayBuffer()),
  };
}
