import MarkdownIt, { type MarkdownIt as Parser, type StateCore, type Token } from "markdown-it";
import { blockquote, literalBelow, table } from "./block-rules.ts";
import { autolink, bareUrl, imageMark } from "./inline-rules.ts";
import { mathBlock, mathInline } from "./math.ts";
import { closeOpenEmphasis, findOpenTail, withoutHalfMarks } from "./open-marks.ts";

// More than the depth at which `literalBelow` takes over, so that the parser never drops text.
const PARSER_NESTING_MAX = 32;

const BOX = /^\[([ xX])\]\s+/;

const parser = createParser();

/**
 * Tokens of the Markdown that Claude writes. Time and the number of tokens grow no faster than the source; the
 * caller bounds its length. `streaming` means that the end is not there yet: what it leaves open is closed.
 */
export function parseMarkdown(source: string, streaming: boolean): Token[] {
  return parser.parse(streaming ? withoutHalfMarks(source) : source, { streaming });
}

function createParser(): Parser {
  const md = new MarkdownIt({ html: false, linkify: false, maxNesting: PARSER_NESTING_MAX });
  // A reference definition is text that disappears; `[^1]: …` is one to the parser.
  md.disable(["reference", "html_block", "html_inline", "linkify", "replacements", "smartquotes"]);
  // Addresses are judged where they are shown, once; the parser would encode them on every attempt.
  md.validateLink = () => true;
  md.normalizeLink = (url) => url;

  md.block.ruler.at("table", table, { alt: ["paragraph"] });
  md.block.ruler.at("blockquote", blockquote, { alt: ["paragraph", "blockquote", "list"] });
  md.block.ruler.before("table", "literal_below", literalBelow);
  md.block.ruler.before("fence", "math_block", mathBlock, { alt: ["paragraph", "blockquote", "list"] });
  md.inline.ruler.before("escape", "math_inline", mathInline);
  md.inline.ruler.before("escape", "bare_url", bareUrl);
  md.inline.ruler.at("image", imageMark);
  md.inline.ruler.at("autolink", autolink);
  md.inline.ruler2.after("emphasis", "open_emphasis", closeOpenEmphasis);
  md.core.ruler.before("inline", "task_boxes", takeBoxes);
  md.core.ruler.before("inline", "open_tail", findOpenTail);
  return md;
}

/** `- [x] done`: the box leaves the text and becomes the `box` of the list item. */
function takeBoxes({ tokens }: StateCore): void {
  for (let index = 2; index < tokens.length; index++) {
    const item = tokens[index - 2];
    const inline = tokens[index];
    if (item?.type !== "list_item_open" || inline?.type !== "inline") continue;
    const box = BOX.exec(inline.content);
    if (!box) continue;
    item.meta = { box: box[1] === " " ? "☐" : "☑" };
    inline.content = inline.content.slice(box[0].length);
  }
}
