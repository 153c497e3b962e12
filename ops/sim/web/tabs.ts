import { part } from "./dom.ts";
import { newMails } from "./mailbox.ts";
import { writeRoute } from "./route.ts";
import { actingPerson, openChat, unreadOf } from "./state.ts";
import type { State } from "./state.ts";

/** The tabs below the lists, and which column a narrow window shows. */
export function createTabs(state: State) {
  const chats = part("tab-chats", HTMLAnchorElement);
  const mail = part("tab-mail", HTMLAnchorElement);
  const hard = part("tab-hard", HTMLAnchorElement);
  const chatsBadge = part("tab-chats-count", HTMLElement);
  const mailBadge = part("tab-mail-count", HTMLElement);

  return {
    render(): void {
      const person = actingPerson(state);
      const { tab } = state.route;
      const links = { chats, mail, hard };
      for (const [name, link] of Object.entries(links)) {
        link.toggleAttribute("aria-current", false);
        if (name === tab) link.setAttribute("aria-current", "page");
      }
      chats.href = writeRoute({ person: person.id });
      mail.href = writeRoute({ person: person.id, tab: "mail" });
      hard.href = writeRoute({ person: person.id, tab: "hard" });
      mail.hidden = state.mails === null;
      const unread = unreadOf(state, person.id);
      showCount(chatsBadge, unread);
      showCount(mailBadge, newMails(state));
      document.title = `${unread > 0 ? `(${unread}) ` : ""}${person.firstName} · ${state.world.bot.firstName}`;
      const isDetail =
        tab === "hard" || (tab === "mail" ? state.route.mail !== null : openChat(state) !== null);
      document.body.dataset["tab"] = tab;
      document.body.dataset["detail"] = String(isDetail);
    },
  };
}

function showCount(badge: HTMLElement, count: number): void {
  badge.hidden = count === 0;
  badge.textContent = String(count);
}
