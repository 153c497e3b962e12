import { el, icon } from "./dom.ts";
import { isBlock, isQuote, segmentsOf } from "./entities.ts";
import type { Entity, Segment } from "./entities.ts";
import { botLink, safeHref } from "./links.ts";

const COPIED_MS = 1600;
const FOLD_CHARS_MIN = 180;
const FOLD_LINES_MIN = 4;

export type TextActions = {
  botUsername: string;
  sendCommand: (command: string) => void;
  startBot: (code: string | null) => void;
};

/** Shows a text with its marks. Builds nodes only: text of a message is never read as HTML. */
export function richText(text: string, entities: readonly Entity[], actions: TextActions): Node[] {
  return nodesOf(segmentsOf(text, entities), actions);
}

/** A link that leaves the page, or one into this bot's chat, which is opened here. */
function linkTo(address: string, content: Node[], actions: TextActions): Node {
  const start = botLink(address, actions.botUsername);
  const href = safeHref(address);
  if (start === null && href === null) return el("span", {}, ...content);
  const link = el("a", { href: href ?? "#", title: address, target: "_blank", rel: "noopener noreferrer" });
  if (start !== null) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      actions.startBot(start.code);
    });
  }
  link.append(...content);
  return link;
}

function nodesOf(segments: Segment[], actions: TextActions): Node[] {
  let isAfterBlock = false;
  return segments.map((segment) => {
    const wasAfterBlock = isAfterBlock;
    isAfterBlock = segment.kind === "entity" && isBlock(segment.entity);
    if (segment.kind === "entity") return nodeOf(segment, actions);
    // A block already ends its line, so the line break after it would show as an empty line.
    return document.createTextNode(wasAfterBlock ? segment.text.replace(/^\n/, "") : segment.text);
  });
}

function nodeOf(segment: Segment & { kind: "entity" }, actions: TextActions): Node {
  const { entity, children } = segment;
  const text = plainText(segment);
  const content = (): Node[] => nodesOf(children, actions);
  if (isQuote(entity)) return quote(content(), entity.type === "expandable_blockquote" && isLong(text));
  switch (entity.type) {
    case "bold":
      return el("strong", {}, ...content());
    case "italic":
      return el("em", {}, ...content());
    case "underline":
      return el("u", {}, ...content());
    case "strikethrough":
      return el("s", {}, ...content());
    case "code":
      return el("code", {}, ...content());
    case "pre":
      return codeBlock(text, entity.language ?? "", content());
    case "spoiler":
      return spoiler(content());
    case "text_link":
      return linkTo(entity.url ?? "", content(), actions);
    case "url":
      return linkTo(text, content(), actions);
    case "email":
      return linkTo(`mailto:${text}`, content(), actions);
    case "bot_command":
      return el("button", { class: "command", onclick: () => actions.sendCommand(text) }, ...content());
    case "mention":
    case "text_mention":
    case "hashtag":
    case "cashtag":
    case "phone_number":
      return el("span", { class: "mention" }, ...content());
    default:
      return el("span", {}, ...content());
  }
}

function plainText(segment: Segment): string {
  return segment.kind === "text" ? segment.text : segment.children.map(plainText).join("");
}

function codeBlock(text: string, language: string, content: Node[]): HTMLElement {
  const label = el("span", {}, "Copy");
  const copy = el("button", { class: "copy", "aria-label": "Copy code" }, icon("copy"), label);
  copy.addEventListener("click", () => {
    const show = (outcome: string): void => {
      label.textContent = outcome;
      setTimeout(() => (label.textContent = "Copy"), COPIED_MS);
    };
    navigator.clipboard.writeText(text).then(
      () => show("Copied"),
      () => show("Copying is blocked"),
    );
  });
  return el(
    "figure",
    { class: "code-block" },
    el("figcaption", {}, el("span", {}, language), copy),
    el("pre", { tabindex: 0, "aria-label": "Code" }, el("code", {}, ...content)),
  );
}

function spoiler(content: Node[]): HTMLElement {
  const hidden = el("span", { class: "spoiler-text" }, ...content);
  const cover = el("span", {
    class: "spoiler",
    role: "button",
    tabindex: 0,
    "aria-label": "Show hidden text",
  });
  const reveal = (event: Event): void => {
    if (event instanceof KeyboardEvent && event.key !== "Enter" && event.key !== " ") return;
    if (cover.classList.contains("revealed")) return;
    event.preventDefault();
    cover.classList.add("revealed");
    for (const name of ["role", "tabindex", "aria-label"]) cover.removeAttribute(name);
  };
  cover.addEventListener("click", reveal);
  cover.addEventListener("keydown", reveal);
  cover.append(hidden);
  return cover;
}

function quote(content: Node[], isFolded: boolean): HTMLElement {
  const body = el("div", { class: "quote-text" }, ...content);
  if (!isFolded) return el("blockquote", {}, body);
  const toggle = el("button", { class: "unfold", "aria-expanded": "false" }, "Show more");
  const block = el("blockquote", { class: "folded" }, body, toggle);
  toggle.addEventListener("click", () => {
    const isOpen = !block.classList.toggle("folded");
    toggle.setAttribute("aria-expanded", String(isOpen));
    toggle.textContent = isOpen ? "Show less" : "Show more";
  });
  return block;
}

function isLong(text: string): boolean {
  return text.length >= FOLD_CHARS_MIN || text.split("\n").length >= FOLD_LINES_MIN;
}
