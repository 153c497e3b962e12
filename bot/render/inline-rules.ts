import type { StateInline } from "markdown-it";

const AUTOLINK_UNITS_MAX = 2048;

const URL_AUTOLINK = /^(?:https?:\/\/|tg:\/\/|mailto:|tel:)[^\s<>]+$/i;
const EMAIL_AUTOLINK = /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/;
const URL_STOP = /[\s<>"`*()[\]|\\]/;
const URL_TRAILING = "_~.,;:!?'";

/** `<https://…>` and `<me@example.org>`; any other text in angle brackets, such as a type, stays as it is. */
export function autolink(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  if (src.charAt(pos) !== "<") return false;
  const window = src.slice(pos + 1, Math.min(state.posMax, pos + 1 + AUTOLINK_UNITS_MAX));
  const length = window.search(/[<>\s]/);
  if (length < 1 || window.charAt(length) !== ">") return false;
  const address = window.slice(0, length);
  const isEmail = EMAIL_AUTOLINK.test(address);
  if (!isEmail && !URL_AUTOLINK.test(address)) return false;
  if (!silent) {
    state.push("link_open", "a", 1).attrs = [["href", isEmail ? `mailto:${address}` : address]];
    state.push("text", "", 0).content = address;
    state.push("link_close", "a", -1);
  }
  state.pos = pos + length + 2;
  return true;
}

/** Keeps a bare address whole: `__init__` in it is no emphasis. Telegram makes it a link by itself. */
export function bareUrl(state: StateInline, silent: boolean): boolean {
  const { src, pos, posMax } = state;
  if (src.charAt(pos) !== ":" || !src.startsWith("://", pos)) return false;
  if (!/https?$/i.test(src.slice(Math.max(0, pos - 5), pos))) return false;
  let end = pos + 3;
  while (end < posMax && !URL_STOP.test(src.charAt(end))) end++;
  while (end > pos + 3 && URL_TRAILING.includes(src.charAt(end - 1))) end--;
  if (end === pos + 3) return false;
  if (!silent) state.pending += src.slice(pos, end);
  state.pos = end;
  return true;
}

/** The `!` of an image: the link rule reads what follows, so that images nest no deeper than links do. */
export function imageMark(state: StateInline, silent: boolean): boolean {
  if (!state.src.startsWith("![", state.pos)) return false;
  if (!silent) state.push("image_mark", "", 0).content = "!";
  state.pos++;
  return true;
}
