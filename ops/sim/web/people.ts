import { avatar } from "./avatar.ts";
import { createRegion, el, part } from "./dom.ts";
import { writeRoute } from "./route.ts";
import { actingPerson, chatsOf, unreadOf } from "./state.ts";
import type { State } from "./state.ts";

/** The switcher of people. Each is a link, so a second tab can be a second person. */
export function createPeople(state: State) {
  const draw = createRegion(part("people", HTMLElement));

  function chips() {
    const acting = actingPerson(state);
    return state.world.people.map((person) => {
      const isActing = person.id === acting.id;
      const hasChat = chatsOf(state, person).some((c) => c.id === state.route.chat && c.kind !== "private");
      const stays = hasChat ? { chat: state.route.chat, thread: state.route.thread } : {};
      // A start link that is open follows into the bot's chat with the next person.
      const place = state.startCode === null ? { tab: state.route.tab, ...stays } : { chat: person.id };
      const href = writeRoute({ person: person.id, ...place });
      const name = person.firstName;
      return { id: person.id, name, href, isActing, unread: isActing ? 0 : unreadOf(state, person.id) };
    });
  }

  return {
    render(): void {
      const model = chips();
      draw(model, () =>
        model.map((chip) =>
          el(
            "a",
            {
              class: "person",
              href: chip.href,
              "data-testid": `person-${chip.id}`,
              "aria-current": chip.isActing ? "true" : null,
              "aria-label": chip.unread > 0 ? `${chip.name}, ${chip.unread} unread` : chip.name,
            },
            avatar({ id: chip.id, name: chip.name, isBot: false }),
            el("span", {}, chip.name),
            chip.unread > 0 ? el("span", { class: "dot" }) : null,
          ),
        ),
      );
    },
  };
}
