import { setBlocked } from "./api.ts";
import { part } from "./dom.ts";
import type { Notices } from "./notices.ts";
import type { Outgoing } from "./outgoing.ts";
import { openChat } from "./state.ts";
import type { OpenChat, Store } from "./state.ts";

/** The START button of an empty chat or of a start link, and the way back to a blocked bot. */
export function createStartBar(
  store: Store,
  { notices, outgoing }: { notices: Notices; outgoing: Outgoing },
) {
  const { state } = store;
  const bar = part("start-bar", HTMLElement);
  const start = part("start", HTMLButtonElement);
  const dismiss = part("start-dismiss", HTMLButtonElement);
  const hint = part("start-hint", HTMLElement);
  const composer = part("composer-area", HTMLElement);
  const input = part("composer-text", HTMLTextAreaElement);
  const unblock = part("unblock", HTMLButtonElement);
  const blockedBar = part("blocked-bar", HTMLElement);

  const codeFor = (open: OpenChat): string | null => (open.chat.kind === "private" ? state.startCode : null);
  async function letIn(open: OpenChat): Promise<void> {
    if (!open.person.blocked) return;
    await setBlocked(open.person.id, false);
    store.change(() => (open.person.blocked = false));
  }
  start.addEventListener("click", () => {
    const open = openChat(state);
    if (open === null) return;
    const code = codeFor(open);
    void notices.attempt(
      letIn(open).then(() => {
        outgoing.sendCommand(code === null ? "/start" : `/start ${code}`);
        store.change(() => (state.startCode = null));
        // On a phone this would open its keyboard over the answer.
        if (!state.isNarrow) input.focus();
      }),
    );
  });
  dismiss.addEventListener("click", () => store.change(() => (state.startCode = null)));
  unblock.addEventListener("click", () => {
    const open = openChat(state);
    if (open !== null) void notices.attempt(letIn(open));
  });

  return {
    render(): void {
      const open = openChat(state);
      if (open === null) return;
      const isPrivate = open.chat.kind === "private";
      const isEmpty = isPrivate && state.messages.get(open.chat.id)?.length === 0;
      const hasCode = codeFor(open) !== null;
      const isBlocked = isPrivate && open.person.blocked && !hasCode;
      const wasHidden = bar.hidden;
      bar.hidden = isBlocked || !(isEmpty || hasCode);
      if (wasHidden && !bar.hidden && !state.isNarrow) start.focus();
      dismiss.hidden = isEmpty;
      hint.hidden = !hasCode;
      hint.textContent = `This opens the link as ${open.person.firstName}. Choose another person to open it as them.`;
      blockedBar.hidden = !isBlocked;
      composer.hidden = isBlocked;
    },
  };
}
