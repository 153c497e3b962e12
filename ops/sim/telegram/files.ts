import { greyPng, pictureFacts } from "../picture.ts";
import type { FileKind, MessageFile, PhotoSize } from "./message.ts";
import type { Store } from "./store.ts";

type FileContent = { id: string; path: string; name: string; mime: string; bytes: Uint8Array };

const FOLDERS: Record<FileKind, string> = {
  photo: "photos",
  document: "documents",
  voice: "voice",
  video: "videos",
  sticker: "stickers",
};
const LINK_MS = 60 * 60_000;
const THUMBNAIL_SIDE = 90;
const EXTENSION = /\.([a-z0-9]{1,8})$/i;

export type NewFile = {
  kind: FileKind;
  name: string;
  mime: string;
  bytes: Uint8Array;
  /** Of a photo: further sizes of it than the original and a small one. */
  otherSizes?: readonly Uint8Array[];
  hidesSize?: boolean;
};

/** The files of all messages. */
export function createFiles(store: Store, now: () => number) {
  // By path, until when each may be downloaded.
  const links = new Map<string, number>();
  const hidden = new Set<string>();

  function keep({ kind, name, mime, bytes, hidesSize }: NewFile): string {
    const number = store.next("file");
    const id = `SIM-${kind}-${number}`;
    const extension = EXTENSION.exec(name)?.[0].toLowerCase() ?? "";
    const path = `${FOLDERS[kind]}/file_${number}${extension}`;
    store.run("INSERT INTO files VALUES (?, ?, ?, ?, ?)", id, path, name, mime, bytes);
    if (hidesSize === true) hidden.add(id);
    return id;
  }

  function sizesOf(photo: NewFile): PhotoSize[] {
    const small = greyPng(THUMBNAIL_SIDE, THUMBNAIL_SIDE);
    return [small, ...(photo.otherSizes ?? []), photo.bytes]
      .map((bytes) => ({ bytes, facts: pictureFacts(bytes) }))
      .map(({ bytes, facts }) => ({
        id: keep({ ...photo, bytes, mime: facts?.mime ?? photo.mime }),
        size: bytes.length,
        width: facts?.width ?? THUMBNAIL_SIDE,
        height: facts?.height ?? THUMBNAIL_SIDE,
      }))
      .toSorted((a, b) => a.width * a.height - b.width * b.height);
  }

  return {
    add(file: NewFile): MessageFile {
      const { kind, name, mime, bytes, hidesSize = false } = file;
      const facts = { kind, name, mime, size: bytes.length, ...(hidesSize ? { hidesSize } : {}) };
      if (kind !== "photo") return { ...facts, id: keep(file) };
      const sizes = sizesOf(file);
      return { ...facts, id: sizes.find(({ size }) => size === bytes.length)?.id ?? "", sizes };
    },
    byId(id: string): FileContent | null {
      return store.all<FileContent>("SELECT * FROM files WHERE id = ?", id)[0] ?? null;
    },
    /** Whether the service has told the bot how large the file is. */
    saysSize: (id: string): boolean => !hidden.has(id),
    /** From now on the file can be downloaded, for an hour. */
    openLink({ path }: FileContent): void {
      links.set(path, now() + LINK_MS);
    },
    /** Null when there is no such file, or nobody has asked for its link lately. */
    download(path: string): Uint8Array<ArrayBuffer> | null {
      if ((links.get(path) ?? 0) < now()) return null;
      const file = store.all<FileContent>("SELECT * FROM files WHERE path = ?", path)[0];
      return file ? new Uint8Array(file.bytes) : null;
    },
  };
}
