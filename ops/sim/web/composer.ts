import type { Message } from "./api.ts";
import { createAttachments } from "./attachments.ts";
import { createCommandMenu } from "./command-menu.ts";
import type { CommandMenu } from "./command-menu.ts";
import { createContextBar } from "./context-bar.ts";
import type { Context } from "./context-bar.ts";
import { part } from "./dom.ts";
import type { Notices } from "./notices.ts";
import type { Outgoing } from "./outgoing.ts";
import { openChat } from "./state.ts";
import type { State } from "./state.ts";

type Draft = { text: string; context: Context };
type Listeners = { menu: CommandMenu; attach: (files: FileList) => void } & Record<
  "submit" | "cancel" | "refresh",
  () => void
>;

const NO_DRAFT: Draft = { text: "", context: null };

/** The line to write in, with a draft for each chat. */
export function createComposer(
  state: State,
  { notices, outgoing }: { notices: Notices; outgoing: Outgoing },
) {
  const input = part("composer-text", HTMLTextAreaElement);
  const sendButton = part("send", HTMLButtonElement);
  const drafts = new Map<string, Draft>();
  let context: Context = null;
  let shownKey = "";
  const bar = createContextBar(() => cancel());
  const attachments = createAttachments(notices, { changed: () => refresh() });
  const menu = createCommandMenu(input, {
    commands: () =>
      openChat(state)?.chat.kind === "private" ? state.world.commands : state.world.groupCommands,
    send: outgoing.sendCommand.bind(outgoing),
  });

  function setContext(next: Context): void {
    context = next;
    bar.show(next);
    if (next?.kind === "edit") input.value = next.message.text;
    refresh();
    input.focus();
  }
  function refresh(): void {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    const isReady = input.value.trim() !== "" || attachments.count() > 0;
    sendButton.classList.toggle("ready", isReady);
  }
  function submit(): void {
    const text = input.value.trim();
    const isEdit = context?.kind === "edit";
    if (text === "" && (isEdit || attachments.count() === 0)) return;
    outgoing.send({ text, files: isEdit ? [] : attachments.take(), context });
    input.value = "";
    menu.close();
    setContext(null);
  }
  function cancel(): void {
    if (context?.kind === "edit") input.value = "";
    setContext(null);
  }
  part("skip", HTMLButtonElement).addEventListener("click", () => input.focus());
  listen(input, { menu, submit, cancel, refresh, attach: attachments.add });

  return {
    reply: (message: Message): void => setContext({ kind: "reply", message }),
    edit: (message: Message): void => setContext({ kind: "edit", message }),
    /** Shows the draft of the chat that is open now. */
    render(): void {
      const open = openChat(state);
      const key = open === null ? "" : `${open.person.id}/${open.chat.id}/${open.thread ?? ""}`;
      if (key === shownKey) return;
      drafts.set(shownKey, { text: input.value, context });
      const draft = drafts.get(key) ?? NO_DRAFT;
      shownKey = key;
      context = draft.context;
      input.value = draft.text;
      bar.show(context);
      menu.close();
      refresh();
      if (!state.isNarrow && !part("people", HTMLElement).contains(document.activeElement)) input.focus();
    },
  };
}

function listen(input: HTMLTextAreaElement, on: Listeners): void {
  part("composer", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    on.submit();
  });
  input.addEventListener("input", () => {
    on.menu.typed();
    on.refresh();
  });
  input.addEventListener("blur", on.menu.close);
  input.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    if (files === undefined || files.length === 0) return;
    event.preventDefault();
    on.attach(files);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (on.menu.key(event)) {
      event.preventDefault();
      on.refresh();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      on.submit();
    } else if (event.key === "Escape") on.cancel();
  });
}
