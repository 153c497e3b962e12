import { editMessage, isPhoto, say, sendFile } from "./api.ts";
import type { Place } from "./api.ts";
import type { Context } from "./context-bar.ts";
import { messageParts } from "./long-text.ts";
import type { Notices } from "./notices.ts";
import { openChat } from "./state.ts";
import type { State } from "./state.ts";

type Words = { text: string; files: File[]; context: Context };
export type Outgoing = ReturnType<typeof createOutgoing>;

/** Sends to the chat that is open. Messages leave one after another, in the order of the calls. */
export function createOutgoing(state: State, { notices, sent }: { notices: Notices; sent: () => void }) {
  let queue: Promise<unknown> = Promise.resolve();
  return {
    send({ text, files, context }: Words): void {
      const open = openChat(state);
      if (open === null) return;
      const place = { from: open.person.id, chat: open.chat.id, thread: open.thread };
      const work = (): Promise<void> =>
        context?.kind === "edit"
          ? editMessage(context.message, text)
          : deliver(place, { text, files, replyTo: context?.message.messageId ?? null });
      queue = queue.then(() => notices.attempt(work()));
      sent();
    },
    /** Sends a command. In groups it names the bot, as the real clients write it. */
    sendCommand(command: string): void {
      const isPrivate = openChat(state)?.chat.kind === "private";
      const isWhole = isPrivate || command.includes("@");
      const text = isWhole ? command : `${command}@${state.world.bot.username}`;
      this.send({ text, files: [], context: null });
    },
  };
}

async function deliver(
  place: Place,
  { text, files, replyTo }: { text: string; files: File[]; replyTo: number | null },
): Promise<void> {
  const album = isAlbum(files) ? String(Date.now()) : null;
  for (const [i, file] of files.entries()) {
    const words = i === 0 ? { caption: text, replyTo } : { caption: "", replyTo: null };
    await sendFile(place, { file, album, ...words });
  }
  const parts = files.length > 0 ? [] : messageParts(text);
  for (const [i, part] of parts.entries()) {
    await say(place, { text: part, replyTo: i === 0 ? replyTo : null });
  }
}

// Clients make albums of photos or of documents, never of both.
function isAlbum(files: readonly File[]): boolean {
  return files.length > 1 && new Set(files.map(isPhoto)).size === 1;
}
