import { Decrypter, Encrypter } from "age-encryption";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";

// 64 MB and a fraction of a second for whoever tries one passphrase; age's own default would need 256 MB.
const SCRYPT_WORK_FACTOR = 16;
const CHUNK_CHARS = 64 * 1024;

/**
 * Writes lines to a new file, compressed and encrypted with a passphrase. The
 * file is age's format around gzip, so that `age -d FILE | gunzip` opens it
 * without us. Mode 0600; throws when the file exists.
 */
export async function writeSealed(
  path: string,
  passphrase: string,
  lines: AsyncIterable<string>,
): Promise<void> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(SCRYPT_WORK_FACTOR);
  const file = await open(path, "wx", 0o600);
  try {
    const packed = Readable.from(inChunks(lines)).pipe(createGzip());
    for await (const chunk of await encrypter.encrypt(forWeb(packed))) await file.write(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The lines of such a file. Throws when the passphrase is another, or when a byte of it was changed. */
export async function* readSealed(path: string, passphrase: string): AsyncGenerator<string> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  const packed = await decrypter.decrypt(forWeb(createReadStream(path)));
  const plain = Readable.from(packed).pipe(createGunzip());
  yield* createInterface({ input: plain, crlfDelay: Infinity });
}

// safe: both names are for one and the same class in Bun
const forWeb = (stream: Readable) =>
  Readable.toWeb(stream) as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;

async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let text = "";
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length < CHUNK_CHARS) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}
