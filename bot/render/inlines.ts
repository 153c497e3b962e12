import type { Token } from "markdown-it";
import type { Document, Mark } from "./document.ts";
import { hasVisible } from "./graphemes.ts";
import { linkTarget } from "./links.ts";

type InlinePlace = {
  readonly quote: Mark | null;
  /** The whole text is bold already. */
  readonly isBold: boolean;
  /** What a line inside this text begins with. */
  readonly indent: string;
  /** What stands before the text, in its style. */
  readonly lead: string;
};

type StyleName = "strong" | "em" | "s";
type OpenLink = { mark: Mark | null; href: string; title: string; label: string };

const STYLE_TYPES = { strong: "bold", em: "italic", s: "strikethrough" } as const;

/** Writes one text with its styles. Code and links hold no other code; code in a quotation stays as it was written. */
export function appendInline(document: Document, tokens: readonly Token[], place: InlinePlace): void {
  const styles = createStyles(place.isBold);
  let link: OpenLink | null = null;

  function emit(text: string, own: readonly Mark[] = styles.marks()): void {
    if (link) link.label += text;
    document.append(
      text,
      [place.quote, link?.mark ?? null, ...own].filter((mark) => mark !== null),
    );
  }

  function emitCode(content: string, source: string): void {
    if (link) emit(content);
    else if (place.quote) emit(source);
    else emit(content, [{ type: "code" }]);
  }

  emit(place.lead);
  for (const [index, token] of tokens.entries()) {
    switch (token.type) {
      case "text":
        emit(token.content);
        break;
      case "softbreak":
      case "hardbreak":
        emit(`\n${place.indent}`);
        break;
      case "code_inline":
        emitCode(token.content, token.markup + token.content + token.markup);
        break;
      case "math_inline":
        emitCode(token.content.replaceAll("\n", " "), token.markup);
        break;
      case "image_mark":
        if (tokens[index + 1]?.type !== "link_open") emit(token.content);
        break;
      case "link_open":
        link = openLink(token);
        break;
      case "link_close":
        for (const rest of link ? unsaid(link) : []) emit(rest);
        link = null;
        break;
      default:
        styles.turn(token.type);
    }
  }
}

function openLink(token: Token): OpenLink {
  const href = String(token.attrGet("href") ?? "");
  const url = linkTarget(href);
  const mark: Mark | null = url === null ? null : { type: "text_link", url };
  return { mark, href, title: String(token.attrGet("title") ?? ""), label: "" };
}

/** What a reader would not see of a link: the address that is no link, the address without a label, the title. */
function unsaid({ mark, href, title, label }: OpenLink): string[] {
  const rest: string[] = [];
  if (!hasVisible(label)) rest.push(href);
  else if (!mark && hasVisible(href) && label.trim() !== href) rest.push(` (${href})`);
  if (hasVisible(title)) rest.push(` (${title})`);
  return rest;
}

/** Styles nest without limit in Markdown and not at all here: each is one mark from its first opener to its last end. */
function createStyles(isBold: boolean) {
  const depth: Record<StyleName, number> = { strong: isBold ? 1 : 0, em: 0, s: 0 };
  let active: { name: StyleName; mark: Mark }[] = isBold ? [{ name: "strong", mark: { type: "bold" } }] : [];

  return {
    marks: (): readonly Mark[] => active.map(({ mark }) => mark),

    turn(tokenType: string): void {
      const [name, side] = tokenType.split("_");
      if (name !== "strong" && name !== "em" && name !== "s") return;
      depth[name] += side === "open" ? 1 : -1;
      if (depth[name] === 0) active = active.filter((style) => style.name !== name);
      else if (depth[name] === 1 && side === "open") active.push({ name, mark: { type: STYLE_TYPES[name] } });
    },
  };
}
