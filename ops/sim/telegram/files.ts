import type { FileKind, MessageFile } from "./message.ts";
import type { Store } from "./store.ts";

type FileContent = { id: string; path: string; name: string; mime: string; bytes: Uint8Array };

const FOLDERS: Record<FileKind, string> = {
  photo: "photos",
  document: "documents",
  voice: "voice",
  video: "videos",
  sticker: "stickers",
};
const EXTENSION = /\.([a-z0-9]{1,8})$/i;

/** The files of all messages. */
export function createFiles(store: Store) {
  return {
    add(file: { kind: FileKind; name: string; mime: string; bytes: Uint8Array }): MessageFile {
      const { kind, name, mime, bytes } = file;
      const number = store.next("file");
      const id = `SIM-${kind}-${number}`;
      const extension = EXTENSION.exec(name)?.[0].toLowerCase() ?? "";
      const path = `${FOLDERS[kind]}/file_${number}${extension}`;
      store.run("INSERT INTO files VALUES (?, ?, ?, ?, ?)", id, path, name, mime, bytes);
      return { kind, id, name, mime, size: bytes.length };
    },
    byId(id: string): FileContent | null {
      return store.all<FileContent>("SELECT * FROM files WHERE id = ?", id)[0] ?? null;
    },
    byPath(path: string): FileContent | null {
      return store.all<FileContent>("SELECT * FROM files WHERE path = ?", path)[0] ?? null;
    },
  };
}
