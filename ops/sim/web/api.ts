import type { Entity } from "./entities.ts";

const CALL_TIMEOUT_MS = 20_000;
const UPLOAD_TIMEOUT_MS = 120_000;

export type Bot = { id: number; username: string; firstName: string };
export type Person = { id: number; firstName: string; username?: string | null; blocked: boolean };
type Topic = { threadId: number; name: string };
export type Chat = {
  id: number;
  kind: "private" | "group" | "forum";
  title: string;
  members: number[];
  topics: Topic[];
};
export type Command = { command: string; description: string };
export type MessageButton = { text: string; data?: string; url?: string };
export type MessageFile = { kind: string; name: string; mime: string; size: number; url: string };
/** A message as everybody in its chat sees it; `chat` is the person's id in a private chat. */
export type Message = {
  messageId: number;
  chat: number;
  thread: number | null;
  fromId: number;
  fromBot: boolean;
  fromName: string;
  date: number;
  editDate: number | null;
  text: string;
  entities: Entity[];
  replyTo: number | null;
  buttons: MessageButton[][];
  file?: MessageFile;
  service?: string;
};
export type World = {
  bot: Bot;
  people: Person[];
  chats: Chat[];
  commands: Command[];
  groupCommands: Command[];
  flood: boolean;
};
export type ClaudeModes = { mode: string; modes: { mode: string; label: string }[] };
export type Mail = {
  id: string;
  from: string;
  to: string[];
  subject: string;
  html?: string | null;
  text?: string | null;
  at: number | string;
};
export type SimEvent =
  | { type: "message" | "edited"; message: Message }
  | { type: "deleted"; chat: number; messageId: number }
  | { type: "typing"; chat: number; thread: number | null }
  | { type: "callback"; id: string; chat: number; text?: string | null; showAlert: boolean }
  | { type: "commands" | "chats" };
export type Place = { from: number; chat: number; thread: number | null };

/** A call that the simulated world refused; the message is its own sentence. */
class RefusedError extends Error {
  readonly status: number;
  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

export const fetchWorld = (): Promise<World> => call("/sim/state");

/** All messages of one chat as this person sees them, oldest first, every topic included. */
export async function fetchMessages(chat: number, person: number): Promise<Message[]> {
  const answer = await call<{ messages: Message[] }>(`/sim/messages?chat=${chat}&as=${person}`);
  return answer.messages;
}

export async function say(place: Place, words: { text: string; replyTo: number | null }): Promise<void> {
  const { thread, ...who } = place;
  await post("/sim/say", {
    ...who,
    text: words.text,
    ...(thread === null ? {} : { thread }),
    ...(words.replyTo === null ? {} : { replyTo: words.replyTo }),
  });
}

export async function editMessage(message: Message, text: string): Promise<void> {
  const { fromId, chat, messageId } = message;
  await post("/sim/edit", { from: fromId, chat, messageId, text });
}

/** Presses a button and returns the id that the later `callback` event will carry. */
export async function pressButton(person: number, message: Message, data: string): Promise<string> {
  const { chat, messageId } = message;
  const answer = await post<{ id: string }>("/sim/press", { from: person, chat, messageId, data });
  return answer.id;
}

/** Files that are sent with one `album` are shown as one. */
export async function sendFile(
  place: Place,
  upload: { file: File; caption: string; replyTo: number | null; album: string | null },
): Promise<void> {
  const form = new FormData();
  form.set("from", String(place.from));
  form.set("chat", String(place.chat));
  if (place.thread !== null) form.set("thread", String(place.thread));
  if (upload.caption !== "") form.set("caption", upload.caption);
  if (upload.replyTo !== null) form.set("replyTo", String(upload.replyTo));
  if (upload.album !== null) form.set("mediaGroupId", upload.album);
  form.set("kind", isPhoto(upload.file) ? "photo" : "document");
  form.set("file", upload.file);
  await call("/sim/file", {
    method: "POST",
    body: form,
    signal: AbortSignal.timeout(UPLOAD_TIMEOUT_MS),
  });
}

export async function setFlood(on: boolean): Promise<void> {
  await post("/sim/flood", { on });
}

export async function setBlocked(person: number, blocked: boolean): Promise<void> {
  await post("/sim/block", { person, blocked });
}

/** The modes of the simulated Claude, or null when this world has none. */
export const fetchClaude = (): Promise<ClaudeModes | null> => nullWhenAbsent(call("/sim/claude"));

export const setClaudeMode = (mode: string): Promise<ClaudeModes> => post("/sim/claude", { mode });

/** All simulated mails, newest first, or null when this world has no mailbox. */
export async function fetchMails(): Promise<Mail[] | null> {
  const answer = await nullWhenAbsent(call<{ mails: Mail[] }>("/sim/mail"));
  return answer?.mails ?? null;
}

export async function clearMails(): Promise<void> {
  await post("/sim/mail/clear", {});
}

export function isPhoto(file: File): boolean {
  return ["image/jpeg", "image/png", "image/webp"].includes(file.type);
}

function post<T>(path: string, body: unknown): Promise<T> {
  return call(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function call<T>(path: string, request: RequestInit = {}): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(CALL_TIMEOUT_MS), ...request });
  if (!response.ok) throw new RefusedError(response.status, await sentenceOf(response));
  const text = await response.text();
  // Safe: the program that serves this page answers these paths, to one written contract.
  return (text === "" ? {} : JSON.parse(text)) as T;
}

async function sentenceOf(response: Response): Promise<string> {
  const text = await response.text();
  if (!response.headers.get("content-type")?.includes("json")) return `Refused (${response.status})`;
  const body = JSON.parse(text) as { error?: string };
  return body.error ?? `Refused (${response.status})`;
}

async function nullWhenAbsent<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return null;
    throw error;
  }
}
