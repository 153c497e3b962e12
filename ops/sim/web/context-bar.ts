import type { Message } from "./api.ts";
import { snippetOf } from "./bubble.ts";
import { el, icon, part, setChildren } from "./dom.ts";

/** What the next message refers to: the one it answers, or the one it replaces. */
export type Context = { kind: "reply" | "edit"; message: Message } | null;

/** The line above the composer that says what is being answered or edited. */
export function createContextBar(cancel: () => void) {
  const bar = part("context", HTMLElement);
  const close = el("button", { type: "button", class: "icon-button", "aria-label": "Cancel" }, icon("close"));
  close.addEventListener("click", cancel);
  return {
    show(context: Context): void {
      bar.hidden = context === null;
      if (context === null) return;
      const { kind, message } = context;
      const title = kind === "reply" ? `Reply to ${message.fromName}` : "Edit message";
      setChildren(bar, [
        icon(kind === "reply" ? "reply" : "pencil"),
        el("div", {}, el("strong", {}, title), el("span", {}, snippetOf(message))),
        close,
      ]);
    },
  };
}
