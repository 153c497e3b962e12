import { el, part } from "./dom.ts";

/** How near to the end counts as reading the newest message. */
const END_PX = 60;

export type ScrollKeeper = ReturnType<typeof createScrollKeeper>;

/**
 * Keeps the log at its end while the reader is there, and where they are when they have scrolled up;
 * then a button counts what arrived below.
 */
export function createScrollKeeper() {
  const log = part("log", HTMLElement);
  const button = part("to-end", HTMLButtonElement);
  const badge = el("span", { class: "count" });
  button.append(badge);
  let isAtEnd = true;
  let missed = 0;

  function showButton(): void {
    button.hidden = isAtEnd;
    badge.textContent = missed > 0 ? String(missed) : "";
    button.setAttribute(
      "aria-label",
      missed > 0 ? `To the newest message, ${missed} unread` : "To the newest message",
    );
  }
  function measure(): void {
    isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < END_PX;
    if (isAtEnd) missed = 0;
  }
  function toEnd(): void {
    log.scrollTop = log.scrollHeight;
    isAtEnd = true;
    missed = 0;
    showButton();
  }
  log.addEventListener("scroll", () => {
    measure();
    showButton();
  });
  button.addEventListener("click", () => {
    toEnd();
    log.focus();
  });
  // Images that load and a composer that grows move the end without a scroll.
  const resized = new ResizeObserver(() => {
    if (isAtEnd) toEnd();
  });
  resized.observe(log);
  log.addEventListener("load", () => isAtEnd && toEnd(), { capture: true });

  return {
    toEnd,
    /** Redraws; `isOther` means another chat, which opens at its end. */
    around(isOther: boolean, redraw: () => void): void {
      measure();
      redraw();
      if (isOther || isAtEnd) toEnd();
      else showButton();
    },
    /** Redraws with more above, and leaves what the reader looks at where it is. */
    keepPlace(redraw: () => void): void {
      const below = log.scrollHeight - log.scrollTop;
      redraw();
      log.scrollTop = log.scrollHeight - below;
    },
    /** A message has arrived in the open chat. */
    arrived(): void {
      measure();
      if (!isAtEnd) missed += 1;
    },
  };
}
