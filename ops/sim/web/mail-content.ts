import type { Mail } from "./api.ts";
import { el } from "./dom.ts";
import { safeHref, withAddresses } from "./links.ts";

/** Mail is shown without scripts and without our origin; its links open outside of the frame. */
const SANDBOX = "allow-popups allow-popups-to-escape-sandbox";
const FRAME_HEAD =
  '<!doctype html><meta charset="utf-8"><base target="_blank"><style>' +
  "body{font:16px/1.5 -apple-system,Segoe UI,Roboto,Arial,sans-serif;margin:24px;color:#1b2430;background:#fff;overflow-wrap:anywhere}" +
  "</style>";

/** The body of a mail: its HTML in a sealed frame, or its text with links that can be pressed. */
export function mailContent(mail: Mail, isText: boolean): HTMLElement {
  if (!isText) {
    const frame = el("iframe", { class: "mail-frame", sandbox: SANDBOX, title: "The mail", tabindex: 0 });
    frame.srcdoc = FRAME_HEAD + (mail.html ?? "");
    return frame;
  }
  const words = withAddresses(mail.text ?? "This mail has no plain text.").map(({ text, isAddress }) => {
    const href = isAddress ? safeHref(text) : null;
    return href === null ? text : el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);
  });
  return el("div", { class: "mail-text" }, ...words);
}
