import type { Token } from "markdown-it";
import { codeFileName, shownCode, type CodeBlock } from "./code-block.ts";
import { createDocument, type Mark, type Styled } from "./document.ts";
import { appendInline } from "./inlines.ts";

const CODE_UNITS_MAX = 3500;
const INDENT = "   ";

export type CodeFile = { name: string; language: string; content: string };
export type Segment = { styled: Styled } | { file: CodeFile };
export type Page = ReturnType<typeof createPage>;

/**
 * The text of an answer while it is laid out: knows how deep in lists and quotations it is, and which bullets wait
 * for the first text of their item. Once it `isFinal`, long code becomes a file between two texts.
 */
export function createPage(isFinal: boolean) {
  let document = createDocument();
  const segments: Segment[] = [];
  let listDepth = 0;
  let quoteDepth = 0;
  let quote: Mark | null = null;
  let bullets = "";
  let files = 0;

  const indent = () => INDENT.repeat(listDepth);
  const quoteMarks = () => (quote ? [quote] : []);

  function flush(): void {
    segments.push({ styled: document.finish() });
    document = createDocument();
  }

  function startLine(): void {
    document.append(bullets === "" ? indent() : bullets, quoteMarks());
    bullets = "";
  }

  function endBullets(): void {
    if (bullets === "") return;
    document.append(bullets.trimEnd(), quoteMarks());
    bullets = "";
    document.lineBreak(1);
  }

  /** Monospace lines. Telegram keeps no other style on them, so they interrupt a quotation. */
  function box(content: string, language: string): void {
    endBullets();
    document.append(shownCode(content), [{ type: "pre", language }]);
  }

  return {
    box,
    startLine,
    lineBreak: (lines: number) => document.lineBreak(lines),

    /** Sets a block off: by an empty line, or inside a list by a new line. */
    setOff: () => document.lineBreak(listDepth > 0 ? 1 : 2),

    text: (text: string) => document.append(text, quoteMarks()),

    inline(tokens: readonly Token[], { isBold = false, lead = "" } = {}): void {
      appendInline(document, tokens, { quote, isBold, indent: indent(), lead });
    },

    code({ language, caption, content }: CodeBlock): void {
      // Without code, the language is all there is to see; in a frame the code may still come.
      const label = isFinal && content.trim() === "" ? `${language} ${caption}`.trim() : caption;
      endBullets();
      if (label !== "") document.append(indent() + label, quoteMarks());
      document.lineBreak(1);
      if (!isFinal || content.trimEnd().length <= CODE_UNITS_MAX) return box(content, language);
      flush();
      segments.push({ file: { name: codeFileName(language, ++files), language, content } });
    },

    formula(formula: string): void {
      document.append(formula, quote ? [quote] : [{ type: "code" }]);
    },

    openList: () => void listDepth++,
    closeList: () => void listDepth--,
    openItem(bullet: string): void {
      document.lineBreak(1);
      bullets = bullets === "" ? INDENT.repeat(listDepth - 1) + bullet : bullets + bullet;
    },
    closeItem(): void {
      endBullets();
    },

    openQuote(): void {
      if (quoteDepth++ === 0) quote = { type: "blockquote" };
    },
    closeQuote(): void {
      if (--quoteDepth === 0) quote = null;
    },

    finish(): Segment[] {
      flush();
      return segments;
    },
  };
}
