import { deflateSync, crc32 } from "node:zlib";

export type PictureFacts = { readonly mime: string; readonly width: number; readonly height: number };

const HEADERS: readonly {
  mime: string;
  mark: RegExp;
  size: RegExp;
  bigEndian: boolean;
  heightFirst?: true;
}[] = [
  { mime: "image/png", mark: /^\x89PNG\r\n\x1a\n/, size: /^.{16}(.{4})(.{4})/s, bigEndian: true },
  { mime: "image/gif", mark: /^GIF8[79]a/, size: /^.{6}(.{2})(.{2})/s, bigEndian: false },
  { mime: "image/webp", mark: /^RIFF.{4}WEBPVP8 /s, size: /^.{26}(.{2})(.{2})/s, bigEndian: false },
  {
    mime: "image/jpeg",
    mark: /^\xff\xd8\xff/,
    size: /\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf].{3}(.{2})(.{2})/s,
    bigEndian: true,
    heightFirst: true,
  },
];
const HEADER_BYTES = 64 * 1024;

/** What a picture is and how large, read from its first bytes; null for anything else. Shares no code with the product. */
export function pictureFacts(bytes: Uint8Array): PictureFacts | null {
  const head = Buffer.from(bytes.subarray(0, HEADER_BYTES)).toString("latin1");
  const kind = HEADERS.find(({ mark }) => mark.test(head));
  const [, first = "", second = ""] = kind?.size.exec(head) ?? [];
  if (kind === undefined || first === "") return null;
  const [a, b] = [first, second].map((part) => {
    const raw = Buffer.from(part, "latin1");
    return (kind.bigEndian ? raw : raw.toReversed()).reduce((sum, byte) => sum * 256 + byte, 0);
  });
  const [width = 0, height = 0] = kind.heightFirst === true ? [b, a] : [a, b];
  return width > 0 && height > 0 ? { mime: kind.mime, width, height } : null;
}

/** A grey picture, with so many bytes of nothing in it. */
export function greyPng(width: number, height: number, ballast = 0): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8); // eight bits of grey, not interlaced
  const rows = Buffer.alloc((width + 1) * height, 0xb0);
  for (let row = 0; row < height; row += 1) rows[row * (width + 1)] = 0;
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    ...(ballast === 0 ? [] : [chunk("xtra", Buffer.alloc(ballast))]),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
