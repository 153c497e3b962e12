import type { Command } from "./api.ts";
import { el, part } from "./dom.ts";

export type CommandMenu = ReturnType<typeof createCommandMenu>;

/**
 * The list of commands above the composer: opened by its button, or by typing "/". Nothing is
 * chosen until an arrow key is used, so that Enter sends exactly what was typed.
 */
export function createCommandMenu(
  input: HTMLTextAreaElement,
  { commands, send }: { commands: () => Command[]; send: (command: string) => void },
) {
  const list = createCommandList(input, sendCommand);

  function sendCommand(command: Command): void {
    if (input.value.startsWith("/")) input.value = "";
    list.show([]);
    send(`/${command.command}`);
  }
  function complete(command: Command): void {
    input.value = `/${command.command} `;
    list.show([]);
  }
  part("commands-button", HTMLButtonElement).addEventListener("click", () => {
    list.show(list.shown().length > 0 ? [] : commands());
    input.focus();
  });

  return {
    close: (): void => list.show([]),
    /** The text of the input has changed. */
    typed(): void {
      const typed = /^\/([a-z0-9_]*)$/i.exec(input.value)?.[1]?.toLowerCase();
      list.show(typed === undefined ? [] : commands().filter((c) => c.command.startsWith(typed)));
    },
    /** Handles a key of the input; `true` when the menu used it up. */
    key(event: KeyboardEvent): boolean {
      const first = list.shown()[0];
      const chosen = list.chosen();
      if (first === undefined) return false;
      if (event.key === "ArrowDown") list.move(1);
      else if (event.key === "ArrowUp") list.move(-1);
      else if (event.key === "Escape") list.show([]);
      else if (event.key === "Enter" && !event.shiftKey && chosen !== undefined) sendCommand(chosen);
      else if (event.key === "Tab" && !event.shiftKey) complete(chosen ?? first);
      else return false;
      return true;
    },
  };
}

function createCommandList(input: HTMLTextAreaElement, pick: (command: Command) => void) {
  const list = part("commands", HTMLElement);
  const button = part("commands-button", HTMLButtonElement);
  let shown: Command[] = [];
  let chosen = -1;

  function choose(index: number): void {
    chosen = index;
    list.querySelectorAll('[role="option"]').forEach((item, i) => {
      item.setAttribute("aria-selected", String(i === chosen));
      if (i === chosen) item.scrollIntoView({ block: "nearest" });
    });
    if (chosen >= 0) input.setAttribute("aria-activedescendant", `command-${chosen}`);
    else input.removeAttribute("aria-activedescendant");
  }
  function option(command: Command, index: number): HTMLElement {
    const item = el(
      "div",
      { id: `command-${index}`, class: "command-option", role: "option", "aria-selected": "false" },
      el("span", { class: "command-name" }, `/${command.command}`),
      el("span", { class: "command-text" }, command.description),
    );
    item.addEventListener("click", () => pick(command));
    return item;
  }
  // The input keeps the focus, so that typing can go on.
  for (const area of [list, button]) area.addEventListener("mousedown", (event) => event.preventDefault());

  return {
    shown: (): readonly Command[] => shown,
    chosen: (): Command | undefined => shown[chosen],
    move(step: 1 | -1): void {
      const from = chosen < 0 && step < 0 ? 0 : chosen;
      choose((from + step + shown.length) % shown.length);
    },
    show(commands: Command[]): void {
      shown = commands;
      list.replaceChildren(...commands.map(option), ...(commands.length > 0 ? [hint()] : []));
      list.hidden = commands.length === 0;
      button.setAttribute("aria-expanded", String(commands.length > 0));
      choose(-1);
    },
  };
}

function hint(): HTMLElement {
  const pairs = [
    ["↑ ↓", "choose"],
    ["Enter", "send"],
    ["Tab", "add words"],
  ] as const;
  const keys = pairs.flatMap(([key, meaning]) => [el("kbd", {}, key), ` ${meaning}`]);
  return el("p", { class: "command-hint", "aria-hidden": "true" }, ...keys);
}
