import { el, part } from "./dom.ts";

const TOAST_MS = 4500;
const TOASTS_MAX = 3;

export type Notices = ReturnType<typeof createNotices>;

/** Short notes at the edge of the window, and the dialog for answers that must be read. */
export function createNotices() {
  const shelf = part("toasts", HTMLElement);
  const dialog = part("alert", HTMLDialogElement);
  const sentence = part("alert-text", HTMLElement);
  part("alert-ok", HTMLButtonElement).addEventListener("click", () => dialog.close());

  function toast(text: string): void {
    const note = el("div", { class: "toast" }, text);
    shelf.append(note);
    while (shelf.childElementCount > TOASTS_MAX) shelf.firstElementChild?.remove();
    setTimeout(() => note.remove(), TOAST_MS);
  }

  return {
    toast,
    alert(text: string): void {
      sentence.textContent = text;
      if (!dialog.open) dialog.showModal();
    },
    /** Runs work that a person asked for; a failure becomes a note, and `false`. */
    async attempt(work: Promise<unknown>): Promise<boolean> {
      try {
        await work;
        return true;
      } catch (error) {
        toast(error instanceof Error ? error.message : "That did not work");
        return false;
      }
    },
  };
}
