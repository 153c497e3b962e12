import { badRequest, violation } from "./api-error.ts";
import type { InlineButton } from "./message.ts";
import { isObject, type Params, refuseUnknownFields } from "./validation.ts";

const BUTTONS_MAX = 100;
const ROW_MAX = 8;
const CALLBACK_DATA_BYTES_MAX = 64;
const URL_SCHEMES = new Set(["http:", "https:", "tg:", "ton:"]);
const ACTIONS = [
  "callback_data",
  "url",
  "web_app",
  "login_url",
  "disabled",
  "switch_inline_query",
  "switch_inline_query_current_chat",
  "switch_inline_query_chosen_chat",
  "copy_text",
  "callback_game",
  "pay",
];
const BUTTON_FIELDS = ["text", "icon_custom_emoji_id", "style", ...ACTIONS];
const STYLES: unknown[] = [undefined, "danger", "success", "primary"];
/** The other kinds of markup, by the field that says which it is. */
const OTHER_MARKUPS: Record<string, string[]> = {
  keyboard: [
    "is_persistent",
    "resize_keyboard",
    "one_time_keyboard",
    "input_field_placeholder",
    "selective",
    "force_reply",
  ],
  remove_keyboard: ["selective"],
  force_reply: ["input_field_placeholder", "selective"],
};

/** The inline keyboard of a new message; null for none and for the other kinds of markup, which only clients see. */
export function keyboardForSend(params: Params): InlineButton[][] | null {
  const markup = params["reply_markup"];
  const other = isObject(markup) && Object.keys(OTHER_MARKUPS).find((kind) => markup[kind] !== undefined);
  if (typeof other !== "string" || (isObject(markup) && markup["inline_keyboard"] !== undefined)) {
    return keyboardForEdit(params);
  }
  if (isObject(markup)) refuseUnknownFields("reply_markup", markup, [other, ...(OTHER_MARKUPS[other] ?? [])]);
  return null;
}

/** The inline keyboard of an edited message; an edit takes no other markup. */
export function keyboardForEdit(params: Params): InlineButton[][] | null {
  const markup = params["reply_markup"];
  if (markup === undefined) return null;
  if (!isObject(markup)) throw violation("object expected as reply markup");
  refuseUnknownFields("reply_markup", markup, ["inline_keyboard", "force_reply"]);
  const rows: unknown = markup["inline_keyboard"];
  if (!Array.isArray(rows)) throw violation('field "inline_keyboard" must be of type Array');
  const keyboard = rows.map(rowOf).filter((row) => row.length > 0);
  if (keyboard.flat().length > BUTTONS_MAX) throw violation("reply markup is too long");
  return keyboard.length === 0 ? null : keyboard;
}

function rowOf(row: unknown): InlineButton[] {
  if (!Array.isArray(row)) throw violation('field "inline_keyboard" must be an Array of Arrays');
  if (row.length > ROW_MAX) throw violation("reply markup is too long");
  return row.map(buttonOf);
}

function buttonOf(raw: unknown): InlineButton {
  if (!isObject(raw)) throw violation("can't parse inline keyboard button: Expected an Object");
  refuseUnknownFields("inline keyboard button", raw, BUTTON_FIELDS);
  const { text, callback_data: data, url, style } = raw;
  if (typeof text !== "string")
    throw violation("can't parse inline keyboard button: Can't find field \"text\"");
  if (text.trim() === "") throw violation("inline keyboard button text must be non-empty");
  if (!STYLES.includes(style)) throw violation("invalid button style specified");
  const actions = ACTIONS.filter((action) => raw[action] !== undefined);
  if (actions.length === 0) {
    throw violation("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
  }
  if (actions.length > 1) throw violation("can't parse inline keyboard button: Only one action is allowed");
  if (data !== undefined) checkData(data);
  if (url !== undefined) checkUrl(url);
  return raw as InlineButton; // safe: the fields that the type names were checked above
}

function checkData(data: unknown): void {
  const length = typeof data === "string" ? Buffer.byteLength(data) : 0;
  if (length < 1 || length > CALLBACK_DATA_BYTES_MAX) throw violation("BUTTON_DATA_INVALID");
}

function checkUrl(url: unknown): void {
  const parsed = typeof url === "string" ? (URL.parse(url) ?? URL.parse(`http://${url}`)) : null;
  if (!parsed || !URL_SCHEMES.has(parsed.protocol)) {
    throw violation(`inline keyboard button URL '${String(url)}' is invalid: Unsupported URL protocol`);
  }
  // The service refuses links to a server that nobody else can reach.
  if (parsed.protocol.startsWith("http") && !parsed.hostname.includes(".")) {
    throw badRequest(`inline keyboard button URL '${String(url)}' is invalid: Wrong HTTP URL`);
  }
}
