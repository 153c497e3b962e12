import { z } from "zod";
import { edit, press, say, sendFile, setBlocked } from "./acts.ts";
import { eventStream } from "./events.ts";
import { simMessage } from "./message-view.ts";
import type { Group } from "./roster.ts";
import type { Telegram } from "./telegram.ts";
import { topicsOf } from "./topics.ts";

type Handler = (telegram: Telegram, request: Request) => unknown;

const FILE_PATH = "/sim/files/";
const FILE_BYTES_MAX = 50 * 1024 * 1024;
/** Shown in the page; anything else is only offered for download. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

const id = z.number().int();
const place = { from: id, chat: id.exactOptional() };
const saying = z.object({
  ...place,
  text: z.string(),
  thread: id.exactOptional(),
  replyTo: id.exactOptional(),
});
const rewording = z.object({ ...place, messageId: id, text: z.string() });
const pressing = z.object({ ...place, messageId: id, data: z.string() });
const fileFields = z.object({
  from: z.coerce.number().int(),
  chat: z.coerce.number().int().exactOptional(),
  thread: z.coerce.number().int().exactOptional(),
  caption: z.string().exactOptional(),
  replyTo: z.coerce.number().int().exactOptional(),
  mediaGroupId: z.string().exactOptional(),
  kind: z.enum(["photo", "document"]),
  file: z.instanceof(File),
});
const common = { method: z.string(), times: z.number().int().min(1) };
const errorFault = z.object({
  ...common,
  kind: z.literal("error"),
  errorCode: z.number().int().min(400).max(599),
  description: z.string(),
  retryAfter: z.number().int().exactOptional(),
  migrateToChatId: id.exactOptional(),
});
const fault = z.discriminatedUnion("kind", [
  errorFault,
  z.object({ ...common, kind: z.literal("delay"), ms: z.number().min(0) }),
  z.object({ ...common, kind: z.enum(["reset_before", "reset_after", "hang", "truncate"]) }),
]);

const HANDLERS: Record<string, Handler> = {
  "GET /sim/state": (telegram) => state(telegram),
  "GET /sim/messages": (telegram, request) => messages(telegram, new URL(request.url).searchParams),
  "GET /sim/events": (telegram) => eventStream(telegram),
  "POST /sim/say": async (telegram, request) => ({ messageId: say(telegram, await body(request, saying)) }),
  "POST /sim/edit": async (telegram, request) => edit(telegram, await body(request, rewording)),
  "POST /sim/press": async (telegram, request) => ({ id: press(telegram, await body(request, pressing)) }),
  "POST /sim/file": async (telegram, request) => ({ messageId: await receiveFile(telegram, request) }),
  "POST /sim/flood": async (telegram, request) => {
    const { on } = await body(request, z.object({ on: z.boolean() }));
    telegram.limits.setFlood(on);
    telegram.feed.tell({ type: "chats" });
  },
  "POST /sim/fault": async (telegram, request) => {
    telegram.faults.add(await body(request, fault));
  },
  "POST /sim/block": async (telegram, request) => {
    const { person, blocked } = await body(request, z.object({ person: id, blocked: z.boolean() }));
    setBlocked(telegram, person, blocked);
  },
};

/** Answers the control API of the page: errors are 400 with one sentence. */
export async function answerControl(telegram: Telegram, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method === "GET" && pathname.startsWith(FILE_PATH)) {
    return fileResponse(telegram, pathname.slice(FILE_PATH.length));
  }
  const handler = HANDLERS[`${request.method} ${pathname}`];
  if (!handler) return Response.json({ error: "There is nothing here." }, { status: 404 });
  try {
    const answer = await handler(telegram, request);
    return answer instanceof Response ? answer : Response.json(answer ?? {});
  } catch (err) {
    return Response.json({ error: err instanceof Error ? err.message : String(err) }, { status: 400 });
  }
}

async function body<Shape extends z.ZodType>(request: Request, shape: Shape): Promise<z.output<Shape>> {
  const parsed = shape.safeParse(await request.json());
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}

function state(telegram: Telegram) {
  const people = telegram.roster.people();
  const privateChats = people.map((person) => ({
    id: person.id,
    kind: "private",
    title: person.firstName,
    members: [person.id],
    topics: [],
  }));
  return {
    bot: telegram.bot(),
    people: people.map(({ id, firstName, username, languageCode, blocked }) => {
      return { id, firstName, username, languageCode, blocked };
    }),
    chats: [...privateChats, ...telegram.roster.groups().map((group) => groupState(telegram, group))],
    commands: telegram.commandLists.forChats("private"),
    groupCommands: telegram.commandLists.forChats("group"),
    flood: telegram.limits.flood(),
  };
}

function groupState(telegram: Telegram, { id, title, forum, members }: Group) {
  return { id, kind: forum ? "forum" : "group", title, members, topics: topicsOf(telegram, id) };
}

function messages(telegram: Telegram, query: URLSearchParams) {
  const chat = z.coerce.number().int().parse(query.get("chat"));
  return { messages: telegram.messages.inChat(chat).map((message) => simMessage(telegram, message)) };
}

async function receiveFile(telegram: Telegram, request: Request): Promise<number> {
  const fields = fileFields.safeParse(Object.fromEntries(await request.formData()));
  if (!fields.success) throw new Error(z.prettifyError(fields.error));
  const { file, ...rest } = fields.data;
  if (file.size > FILE_BYTES_MAX) throw new Error("The file is larger than 50 MB");
  const bytes = new Uint8Array(await file.arrayBuffer());
  const content = { name: file.name, mime: file.type === "" ? "application/octet-stream" : file.type, bytes };
  return sendFile(telegram, { ...rest, ...content });
}

function fileResponse(telegram: Telegram, fileId: string): Response {
  const file = telegram.files.byId(fileId);
  if (!file) return Response.json({ error: "There is no such file." }, { status: 404 });
  const inline = IMAGES.has(file.mime);
  const name = encodeURIComponent(file.name);
  const headers: Record<string, string> = {
    "content-type": inline ? file.mime : "application/octet-stream",
    "content-disposition": inline ? "inline" : `attachment; filename*=UTF-8''${name}`,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
  };
  return new Response(new Uint8Array(file.bytes), { headers });
}
