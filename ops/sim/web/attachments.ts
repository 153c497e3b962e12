import { isPhoto } from "./api.ts";
import { sizeText } from "./bubble.ts";
import { el, icon, part } from "./dom.ts";
import type { Notices } from "./notices.ts";

const FILES_MAX = 10;
const FILE_BYTES_MAX = 50 * 1024 * 1024;

/** Files waiting to be sent: chosen with the button, pasted, or dropped on the conversation. */
export function createAttachments(notices: Notices, { changed }: { changed: () => void }) {
  const shelf = part("attachments", HTMLElement);
  const picker = part("file-picker", HTMLInputElement);
  const stage = part("conversation", HTMLElement);
  let files: File[] = [];

  function add(more: Iterable<File>): void {
    for (const file of more) {
      if (files.length >= FILES_MAX) notices.toast(`At most ${FILES_MAX} files at once`);
      else if (file.size > FILE_BYTES_MAX) notices.toast(`${file.name} is over ${sizeText(FILE_BYTES_MAX)}`);
      else if (file.size === 0) notices.toast(`${file.name} is empty`);
      else files.push(file);
    }
    draw();
    changed();
  }
  function draw(): void {
    shelf.replaceChildren(...files.map(chip));
    shelf.hidden = files.length === 0;
  }
  function chip(file: File): HTMLElement {
    const remove = el("button", { type: "button", "aria-label": `Remove ${file.name}` }, icon("close"));
    remove.addEventListener("click", () => {
      files = files.filter((f) => f !== file);
      draw();
      changed();
    });
    return el(
      "li",
      { class: "attachment" },
      icon(isPhoto(file) ? "picture" : "file"),
      el("span", { class: "attachment-name" }, file.name),
      el("span", { class: "attachment-size" }, sizeText(file.size)),
      remove,
    );
  }

  part("attach", HTMLButtonElement).addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    add(picker.files ?? []);
    picker.value = "";
  });
  stage.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    stage.classList.add("dropping");
  });
  stage.addEventListener("dragleave", (event) => {
    const isInside = event.relatedTarget instanceof Node && stage.contains(event.relatedTarget);
    if (!isInside) stage.classList.remove("dropping");
  });
  stage.addEventListener("drop", (event) => {
    stage.classList.remove("dropping");
    if (event.dataTransfer === null || event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });

  return {
    add,
    count: (): number => files.length,
    /** Empties the shelf and returns what was on it. */
    take(): File[] {
      const taken = files;
      files = [];
      draw();
      return taken;
    },
  };
}
