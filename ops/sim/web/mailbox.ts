import { clearMails, fetchMails } from "./api.ts";
import type { Mail } from "./api.ts";
import { createRegion, el, icon, part } from "./dom.ts";
import { mailContent } from "./mail-content.ts";
import { fullTime, listTime } from "./moments.ts";
import type { Notices } from "./notices.ts";
import { writeRoute } from "./route.ts";
import { actingPerson } from "./state.ts";
import type { State, Store } from "./state.ts";

const POLL_MS = 2000;

type Row = { mail: Mail; isNew: boolean; isOpen: boolean; href: string };
type Reader = { mail: Mail; isText: boolean; back: string };

/** The simulated mailbox: every mail of this world, whoever it went to. */
export function createMailbox(store: Store, notices: Notices) {
  const { state } = store;
  const drawList = createRegion(part("mail-list", HTMLElement));
  const drawReader = createRegion(part("mail-reader", HTMLElement));
  let prefersText = false;

  function clear(): void {
    void notices.attempt(clearMails().then(() => store.change(() => (state.mails = []))));
  }
  function showAs(isText: boolean): void {
    prefersText = isText;
    store.change(() => undefined);
  }
  async function follow(): Promise<void> {
    // While the server is away the old list stays: the event stream says that contact is lost.
    const mails = document.hidden ? state.mails : await fetchMails().catch(() => state.mails ?? []);
    if (JSON.stringify(mails) !== JSON.stringify(state.mails)) store.change(() => (state.mails = mails));
    if (mails !== null || document.hidden) setTimeout(() => void follow(), POLL_MS);
  }

  return {
    follow,
    render(): void {
      const person = actingPerson(state).id;
      const open = openMail(state);
      const rows = (state.mails ?? []).map((mail) => ({
        mail,
        isNew: !state.mailsSeen.has(mail.id),
        isOpen: mail.id === open?.id,
        href: writeRoute({ person, tab: "mail", mail: mail.id }),
      }));
      drawList(rows, () =>
        rows.length === 0 ? [emptyList()] : [...rows.map(rowElement), clearButton(clear)],
      );
      const isText = prefersText || !open?.html;
      const back = writeRoute({ person, tab: "mail" });
      drawReader({ open, isText, back, isEmpty: rows.length === 0 }, () =>
        open === null ? nothingOpen(rows.length) : readerParts({ mail: open, isText, back }, showAs),
      );
    },
  };
}

/** How many mails nobody has opened in this tab. */
export function newMails(state: State): number {
  return (state.mails ?? []).filter((mail) => !state.mailsSeen.has(mail.id)).length;
}

/** The mail being read; a wide window opens the newest one by itself. */
export function openMail(state: State): Mail | null {
  if (state.route.tab !== "mail") return null;
  const mails = state.mails ?? [];
  const chosen = mails.find((mail) => mail.id === state.route.mail);
  return chosen ?? (state.isNarrow ? null : (mails[0] ?? null));
}

function rowElement({ mail, isNew, isOpen, href }: Row): HTMLElement {
  return el(
    "a",
    {
      class: isNew ? "mail new" : "mail",
      href,
      "data-testid": `mail-${mail.id}`,
      "aria-current": isOpen ? "page" : null,
    },
    el("span", { class: "mail-to" }, mail.to.join(", ")),
    el("span", { class: "mail-time" }, listTime(mail.at)),
    el("span", { class: "mail-subject" }, mail.subject),
  );
}

function emptyList(): HTMLElement {
  return el(
    "div",
    { class: "empty" },
    icon("mail"),
    el("p", {}, "No mail yet"),
    el(
      "p",
      { class: "quiet" },
      "Whatever the product mails, such as a sign-in link, arrives here instead of leaving this machine.",
    ),
  );
}

function clearButton(clear: () => void): HTMLElement {
  return el("button", { class: "pill-button", onclick: clear }, "Empty the mailbox");
}

/** Beside an empty list, which says so itself, there is nothing to choose. */
function nothingOpen(mails: number): Node[] {
  if (mails === 0) return [];
  return [el("div", { class: "empty" }, icon("mail"), el("p", {}, "Choose a mail to read it"))];
}

function readerParts({ mail, isText, back }: Reader, showAs: (isText: boolean) => void): Node[] {
  const view = (label: string, isThis: boolean, wantsText: boolean): HTMLElement =>
    el(
      "button",
      {
        "data-testid": wantsText ? "mail-as-text" : "mail-as-html",
        "aria-pressed": String(isThis),
        onclick: () => showAs(wantsText),
      },
      label,
    );
  const views = el(
    "div",
    { class: "segments" },
    view("Formatted", !isText, false),
    view("Plain text", isText, true),
  );
  return [
    el(
      "header",
      { class: "mail-head" },
      el("a", { class: "back icon-button", href: back, "aria-label": "Back to the mailbox" }, icon("back")),
      el("h1", {}, mail.subject),
      mail.html ? views : null,
      el("p", { class: "quiet" }, `From ${mail.from} to ${mail.to.join(", ")} · ${fullTime(mail.at)}`),
    ),
    mailContent(mail, isText),
  ];
}
