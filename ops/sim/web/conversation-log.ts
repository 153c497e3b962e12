import type { Message } from "./api.ts";
import { createBubble } from "./bubble.ts";
import type { Bubble, BubbleActions } from "./bubble.ts";
import { el, part, setChildren } from "./dom.ts";
import { dayName, milliseconds } from "./moments.ts";
import type { ScrollKeeper } from "./scroll.ts";
import { messagesIn, openChat } from "./state.ts";
import type { State } from "./state.ts";

const SHOWN_STEP = 200;
const SAME_GROUP_MS = 5 * 60_000;

type Kept = { bubbles: Map<number, Bubble>; notes: Map<string, HTMLElement> };

/** The messages of the open chat. Elements are kept by message id and only changed where needed. */
export function createConversationLog(
  state: State,
  { actions, scroll }: { actions: BubbleActions; scroll: ScrollKeeper },
) {
  const log = part("log", HTMLElement);
  const intro = part("intro", HTMLElement);
  const groupIntro = part("group-intro", HTMLElement);
  const earlier = el("button", { class: "pill-button" }, "Show earlier messages");
  let kept: Kept = { bubbles: new Map(), notes: new Map() };
  let shownKey = "";
  let shownMax = SHOWN_STEP;
  earlier.addEventListener("click", () => {
    shownMax += SHOWN_STEP;
    scroll.keepPlace(render);
  });

  function render(): void {
    const open = openChat(state);
    const key = open === null ? "" : `${open.person.id}/${open.chat.id}/${open.thread ?? ""}`;
    const isOther = key !== shownKey;
    if (isOther) {
      shownKey = key;
      shownMax = SHOWN_STEP;
      kept = { bubbles: new Map(), notes: new Map() };
    }
    const messages = open === null ? [] : messagesIn(state, open.chat, open.thread);
    const shown = messages.slice(-shownMax);
    const look = { isAmong: open?.chat.kind !== "private", viewer: open?.person.id, pressed: state.pressed };
    const isLoaded = open !== null && state.messages.has(open.chat.id);
    const isUnused = isLoaded && messages.every((message) => message.service !== undefined);
    intro.hidden = !isUnused || look.isAmong;
    groupIntro.hidden = !isUnused || !look.isAmong;
    part("group-intro-name", HTMLElement).textContent = `@${state.world.bot.username}`;
    scroll.around(isOther, () => {
      const rows = rowsOf(shown, { ...look, kept, actions });
      setChildren(log, [groupIntro, intro, ...(shown.length < messages.length ? [earlier] : []), ...rows]);
    });
  }

  return {
    render,
    /** Brings a message into view and lights it up for a moment, when it is among those shown. */
    show(messageId: number): void {
      const element = kept.bubbles.get(messageId)?.element;
      if (element === undefined) return;
      element.scrollIntoView({ block: "center" });
      element.classList.remove("lit");
      requestAnimationFrame(() => element.classList.add("lit"));
    },
  };
}

type Frame = {
  kept: Kept;
  actions: BubbleActions;
  viewer: number | undefined;
  isAmong: boolean;
  pressed: ReadonlySet<string>;
};

function rowsOf(messages: Message[], frame: Frame): Node[] {
  const { kept, viewer } = frame;
  const byId = new Map(messages.map((m) => [m.messageId, m]));
  return messages.flatMap((message, i) => {
    const previous = messages[i - 1];
    const day = dayName(message.date);
    const isNewDay = previous === undefined || dayName(previous.date) !== day;
    const lead = isNewDay ? [noteOf(kept, { kind: "day", key: day, text: day })] : [];
    const { messageId, service } = message;
    if (service !== undefined) {
      return [...lead, noteOf(kept, { kind: "service", key: `${messageId}`, text: service })];
    }
    const bubble = kept.bubbles.get(messageId) ?? createBubble(message, frame.actions);
    kept.bubbles.set(messageId, bubble);
    bubble.update(message, {
      isOwn: message.fromId === viewer,
      isFirst: !isSameGroup(previous, message),
      isLast: !isSameGroup(message, messages[i + 1]),
      hasSender: frame.isAmong,
      repliedTo: message.replyTo === null ? null : (byId.get(message.replyTo) ?? null),
      pressed: frame.pressed,
    });
    return [...lead, bubble.element];
  });
}

function noteOf(kept: Kept, { kind, key, text }: { kind: string; key: string; text: string }): HTMLElement {
  const name = `${kind} ${key}`;
  const note = kept.notes.get(name) ?? el("p", { class: `note ${kind}`, "data-testid": kind });
  kept.notes.set(name, note);
  if (note.textContent !== text) note.textContent = text;
  return note;
}

function isSameGroup(a: Message | undefined, b: Message | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.service !== undefined || b.service !== undefined || a.fromId !== b.fromId) return false;
  const isNear = milliseconds(b.date) - milliseconds(a.date) < SAME_GROUP_MS;
  return isNear && dayName(a.date) === dayName(b.date);
}
