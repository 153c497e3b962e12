import { pictureFacts } from "../picture.ts";
import type { Block, Message } from "./request.ts";

const IMAGE_BASE64_BYTES_MAX = 5 * 1024 * 1024;
const IMAGE_SIDE_MAX = 8000;
const IMAGE_SIDE_MAX_OF_MANY = 2000;
const MANY_IMAGES = 20;
const IMAGES_MAX = 100;
const PDF_PAGES_MAX = 100;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const PIXELS_PER_TOKEN = 750;
const IMAGE_TOKENS_MAX = 1600;
const PAGE_TOKENS = 2000;

type Image = Extract<Block, { type: "image" }>;
type Document = Extract<Block, { type: "document" }>;
type Found<T> = { block: T; at: string };

/** What the API refuses in the pictures and documents of a request, as its sentence; null when all can be opened. */
export function mediaError(messages: readonly Message[]): string | null {
  const images = found<Image>(messages, "image");
  const documents = found<Document>(messages, "document");
  if (images.length > IMAGES_MAX) return `messages: at most ${IMAGES_MAX} images may be provided`;
  const sideMax = images.length > MANY_IMAGES ? IMAGE_SIDE_MAX_OF_MANY : IMAGE_SIDE_MAX;
  const problem =
    images.map((image) => imageError(image, sideMax)).find((error) => error !== null) ??
    documents.map(documentError).find((error) => error !== null);
  if (problem !== undefined) return problem;
  const pages = documents.reduce((sum, { block }) => sum + (pagesIn(block) ?? 0), 0);
  return pages > PDF_PAGES_MAX ? `A maximum of ${PDF_PAGES_MAX} PDF pages may be provided.` : null;
}

/** About how many tokens a picture or a PDF costs; null for any other block. */
export function mediaTokens(block: { readonly type?: unknown }): number | null {
  const known = block as Block; // safe: of a block of any other type nothing else is read
  if (known.type === "image" && known.source.type === "base64") {
    const { width = 0, height = 0 } = pictureFacts(Buffer.from(known.source.data, "base64")) ?? {};
    return Math.min(IMAGE_TOKENS_MAX, Math.ceil((width * height) / PIXELS_PER_TOKEN));
  }
  const pages = known.type === "document" ? pagesIn(known) : null;
  return pages === null ? null : Math.max(1, pages) * PAGE_TOKENS;
}

function found<T extends Block>(messages: readonly Message[], type: T["type"]): Found<T>[] {
  return messages.flatMap(({ content }, at) => {
    const blocks = typeof content === "string" ? [] : content;
    return blocks.flatMap((block, index) =>
      block.type === type ? [{ block: block as T, at: `messages.${at}.content.${index}` }] : [],
    );
  });
}

function imageError({ block: { source }, at }: Found<Image>, sideMax: number): string | null {
  if (source.type !== "base64") return null;
  const path = `${at}.image.source.base64`;
  if (!BASE64.test(source.data)) return `${path}: invalid base64 data`;
  if (source.data.length > IMAGE_BASE64_BYTES_MAX)
    return `${path}: image exceeds 5 MB maximum: ${source.data.length} bytes > ${IMAGE_BASE64_BYTES_MAX} bytes`;
  const facts = pictureFacts(Buffer.from(source.data, "base64"));
  if (facts === null) return "Could not process image";
  if (facts.mime !== source.media_type)
    return `${path}.media_type: The image was specified using the ${source.media_type} media type, but the image appears to be a ${facts.mime} image`;
  const many = sideMax === IMAGE_SIDE_MAX ? "" : " for many-image requests";
  return Math.max(facts.width, facts.height) > sideMax
    ? `${path}.data: At least one of the image dimensions exceed max allowed size${many}: ${sideMax} pixels`
    : null;
}

function documentError({ block: { source }, at }: Found<Document>): string | null {
  if (source.type === "text") return source.data.trim() === "" ? `${at}.text.source.data: empty` : null;
  if (source.type !== "base64") return null;
  const path = `${at}.pdf.source.base64.data`;
  if (!BASE64.test(source.data)) return `${path}: invalid base64 data`;
  const pdf = Buffer.from(source.data, "base64").toString("latin1");
  if (!pdf.startsWith("%PDF-")) return `${path}: The PDF specified was not valid.`;
  return pdf.includes("/Encrypt ") ? `${path}: The PDF specified is password protected.` : null;
}

function pagesIn({ source }: Document): number | null {
  if (source.type !== "base64") return null;
  return Buffer.from(source.data, "base64").toString("latin1").split("/Type /Page ").length - 1;
}
