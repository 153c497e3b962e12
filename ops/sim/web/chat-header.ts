import { avatar } from "./avatar.ts";
import { createRegion, el, icon, part } from "./dom.ts";
import { writeRoute } from "./route.ts";
import { isTyping, openChat } from "./state.ts";
import type { OpenChat, State } from "./state.ts";

/** The name of the open chat, with a line on who is in it or that the bot is typing. */
export function createChatHeader(state: State) {
  const draw = createRegion(part("chat-header", HTMLElement));
  return {
    render(): void {
      const open = openChat(state);
      if (open === null) return;
      const { chat, thread } = open;
      const topic = chat.topics.find((t) => t.threadId === thread);
      const model = {
        id: chat.id,
        isBot: chat.kind === "private",
        title: topic === undefined ? chat.title : `${chat.title} › ${topic.name}`,
        isTyping: isTyping(state, chat, thread),
        line: describe(state, open),
        back: writeRoute({ person: open.person.id }),
      };
      draw(model, () => [
        el("a", { class: "back icon-button", href: model.back, "aria-label": "Back to chats" }, icon("back")),
        avatar({ id: model.id, name: chat.title, isBot: model.isBot }),
        el("h1", {}, model.title),
        model.isTyping ? typing() : el("p", { class: "chat-line" }, model.line),
      ]);
    },
  };
}

function describe(state: State, { chat }: OpenChat): string {
  if (chat.kind === "private") return `@${state.world.bot.username} · bot`;
  const count = chat.members.length;
  const people = count === 1 ? "1 person" : `${count} people`;
  return chat.kind === "forum" ? `Forum · ${people} and the bot` : `Group · ${people} and the bot`;
}

function typing(): HTMLElement {
  const dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  return el("p", { class: "chat-line typing", "data-testid": "typing", role: "status" }, "typing", dots);
}
