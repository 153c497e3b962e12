import type { Message, MessageButton, MessageFile } from "./api.ts";
import { avatar, toneOf } from "./avatar.ts";
import { el, icon } from "./dom.ts";
import { clockTime, fullTime } from "./moments.ts";
import { richText } from "./rich-text.ts";
import type { TextActions } from "./rich-text.ts";

const SNIPPET_CHARS_MAX = 120;
/** A screen reader reads a streamed answer once it has been quiet for this long. */
const SETTLED_MS = 2000;
const BYTES_PER_KB = 1024;

/** Everything about a bubble that its message does not say itself. */
type Look = {
  isOwn: boolean;
  isFirst: boolean;
  isLast: boolean;
  hasSender: boolean;
  repliedTo: Message | null;
  pressed: ReadonlySet<string>;
};
export type BubbleActions = TextActions & {
  reply: (message: Message) => void;
  edit: (message: Message) => void;
  press: (message: Message, button: MessageButton) => void;
  show: (messageId: number) => void;
};
export type Bubble = ReturnType<typeof createBubble>;

export const pressKey = (message: Message, data: string): string =>
  `${message.chat}/${message.messageId}/${data}`;

/** What a message says in one line, for quotes and lists. */
export function snippetOf(message: Message): string {
  const text = message.service ?? message.text;
  const line = Array.from(text.replace(/\s+/g, " ").trim()).slice(0, SNIPPET_CHARS_MAX).join("");
  if (line !== "") return line;
  return message.file?.kind === "photo" ? "Photo" : (message.file?.name ?? "Message");
}

/** One message. `update` touches only what changed, so a selection or a focused button survives an edit. */
export function createBubble(first: Message, actions: BubbleActions) {
  let message = first;
  let settling: ReturnType<typeof setTimeout> | undefined;
  const head = slot("bubble-head");
  const text = slot("text");
  const keyboard = slot("keyboard");
  const picture = slot("picture");
  const meta = el("span", { class: "meta" });
  text.element.dataset["testid"] = "text";
  const reply = el("button", { "aria-label": "Reply", title: "Reply" }, icon("reply"));
  reply.addEventListener("click", () => actions.reply(message));
  const edit = el("button", { "aria-label": "Edit", title: "Edit" }, icon("pencil"));
  edit.addEventListener("click", () => actions.edit(message));
  const element = el(
    "article",
    {
      class: "row",
      "data-testid": "message",
      "data-message-id": first.messageId,
      "data-from-bot": String(first.fromBot),
    },
    picture.element,
    el("div", { class: "bubble" }, head.element, text.element, meta),
    el("div", { class: "bubble-actions" }, reply, edit),
    keyboard.element,
  );

  function showText(): void {
    const { text: words, entities } = message;
    text.show(JSON.stringify([words, entities]), () => richText(words, entities, actions));
    text.element.hidden = words === "";
  }

  function update(next: Message, look: Look): void {
    if (next.text !== message.text) {
      element.setAttribute("aria-busy", "true");
      clearTimeout(settling);
      settling = setTimeout(() => element.removeAttribute("aria-busy"), SETTLED_MS);
    }
    message = next;
    const owner = { id: message.fromId, name: message.fromName, isBot: message.fromBot };
    element.classList.toggle("own", look.isOwn);
    element.classList.toggle("first", look.isFirst);
    element.classList.toggle("last", look.isLast);
    element.setAttribute("aria-label", `${message.fromName}, ${clockTime(message.date)}`);
    const hasSender = look.hasSender && !look.isOwn;
    picture.element.hidden = !hasSender;
    picture.show(`${look.isLast}`, () => (look.isLast ? [avatar(owner)] : []));
    const parent = look.repliedTo;
    const sender = hasSender && look.isFirst;
    head.show(JSON.stringify([sender, message.replyTo, parent && snippetOf(parent), message.file?.url]), () =>
      [
        sender ? senderName(message) : null,
        replyQuote(message, parent, actions),
        fileOf(message.file),
      ].filter((node) => node !== null),
    );
    showText();
    edit.hidden = !look.isOwn || message.text === "" || message.file !== undefined;
    meta.replaceChildren(message.editDate === null ? "" : "edited ", clockTime(message.date));
    meta.title = fullTime(message.date);
    keyboard.element.hidden = message.buttons.length === 0;
    keyboard.show(JSON.stringify(message.buttons), () => keyboardRows(() => message, actions));
    for (const button of keyboard.element.querySelectorAll("button")) {
      const isBusy = look.pressed.has(pressKey(message, button.dataset["data"] ?? ""));
      button.setAttribute("aria-busy", String(isBusy));
    }
  }

  return { element, update };
}

function slot(className: string) {
  const element = el("div", { class: className });
  let shown = "";
  return {
    element,
    /** Rebuilds the content when the signature is another one, and keeps what a reader has opened. */
    show(signature: string, build: () => Node[]): void {
      if (signature === shown) return;
      const opened = openedIn(element);
      shown = signature;
      element.replaceChildren(...build());
      reopen(element, opened);
    },
  };
}

type Opened = { spoilers: boolean[]; quotes: boolean[] };

function openedIn(element: HTMLElement): Opened {
  return {
    spoilers: [...element.querySelectorAll(".spoiler")].map((s) => s.classList.contains("revealed")),
    quotes: [...element.querySelectorAll(".unfold")].map((b) => b.getAttribute("aria-expanded") === "true"),
  };
}

function reopen(element: HTMLElement, { spoilers, quotes }: Opened): void {
  element.querySelectorAll<HTMLElement>(".spoiler").forEach((s, i) => spoilers[i] && s.click());
  element.querySelectorAll<HTMLElement>(".unfold").forEach((b, i) => quotes[i] && b.click());
}

function senderName(message: Message): HTMLElement {
  const tone = message.fromBot ? "tone-text-bot" : toneOf(message.fromId);
  const badge = message.fromBot ? el("span", { class: "badge" }, "bot") : null;
  return el("div", { class: `sender ${tone}` }, message.fromName, badge);
}

function replyQuote(message: Message, parent: Message | null, actions: BubbleActions): HTMLElement | null {
  const { replyTo } = message;
  if (replyTo === null) return null;
  return el(
    "button",
    { class: "reply-quote", onclick: () => actions.show(replyTo) },
    el("strong", {}, parent?.fromName ?? "Reply"),
    el("span", {}, parent === null ? "Deleted message" : snippetOf(parent)),
  );
}

function fileOf(file: MessageFile | undefined): HTMLElement | null {
  if (file === undefined) return null;
  if (file.kind === "photo") {
    const image = el("img", { src: file.url, alt: file.name, loading: "lazy" });
    return el("a", { class: "photo", href: file.url, target: "_blank", rel: "noopener" }, image);
  }
  return el(
    "a",
    { class: "file", href: file.url, download: file.name },
    el("span", { class: "file-mark" }, icon("file")),
    el("span", { class: "file-name" }, file.name),
    el("span", { class: "file-size" }, `${sizeText(file.size)} · ${file.kind}`),
  );
}

/** A size for people, such as "12 KB" or "3.4 MB". */
export function sizeText(bytes: number): string {
  if (bytes < BYTES_PER_KB) return `${bytes} B`;
  const kilobytes = bytes / BYTES_PER_KB;
  return kilobytes < BYTES_PER_KB
    ? `${kilobytes.toFixed(0)} KB`
    : `${(kilobytes / BYTES_PER_KB).toFixed(1)} MB`;
}

function keyboardRows(message: () => Message, actions: BubbleActions): Node[] {
  return message().buttons.map((row) => {
    const keys = row.map((button) => {
      const mark = button.url === undefined ? null : icon("out");
      const key = el("button", { class: "key", "data-data": button.data ?? null }, button.text, mark);
      key.addEventListener("click", () => actions.press(message(), button));
      return key;
    });
    return el("div", { class: "key-row" }, ...keys);
  });
}
