import { fetchClaude, setBlocked, setClaudeMode, setFlood } from "./api.ts";
import { createRegion, el, icon, part } from "./dom.ts";
import type { Notices } from "./notices.ts";
import { writeRoute } from "./route.ts";
import { actingPerson } from "./state.ts";
import type { Store } from "./state.ts";

type Switch = {
  name: string;
  label: string;
  text: string;
  isOn: boolean;
  set: (isOn: boolean) => Promise<void>;
};

/** "Make it hard": what can go wrong around the product, switched on by hand. */
export function createPanel(store: Store, notices: Notices) {
  const { state } = store;
  const draw = createRegion(part("panel", HTMLElement));

  function chooseMode(mode: string): void {
    void notices.attempt(setClaudeMode(mode).then((claude) => store.change(() => (state.claude = claude))));
  }
  function switches(): Switch[] {
    const person = actingPerson(state);
    return [
      {
        name: "flood",
        label: "Flood limit",
        text: "Telegram refuses every message of the bot and asks it to wait.",
        isOn: state.world.flood,
        set: async (isOn) => {
          await setFlood(isOn);
          store.change(() => (state.world.flood = isOn));
        },
      },
      {
        name: "block",
        label: `${person.firstName} blocks the bot`,
        text: "Its messages to this person are refused.",
        isOn: person.blocked,
        set: async (isOn) => {
          await setBlocked(person.id, isOn);
          store.change(() => (person.blocked = isOn));
        },
      },
    ];
  }
  function modes(): HTMLElement | null {
    if (state.claude === null) return null;
    const { mode: current, modes } = state.claude;
    const choices = modes.map(({ mode, label }) => {
      const input = el("input", { type: "radio", name: "mode", value: mode, "data-testid": `mode-${mode}` });
      input.checked = mode === current;
      input.addEventListener("change", () => chooseMode(mode));
      return el("label", { class: mode === "ok" ? "choice calm" : "choice" }, input, el("span", {}, label));
    });
    return el("fieldset", {}, el("legend", {}, "Claude"), ...choices);
  }

  return {
    async load(): Promise<void> {
      const claude = await fetchClaude();
      store.change(() => (state.claude = claude));
    },
    render(): void {
      const toggles = switches();
      const back = writeRoute({ person: actingPerson(state).id });
      draw([state.claude, toggles, back], () => [
        el(
          "header",
          {},
          el("a", { class: "back icon-button", href: back, "aria-label": "Back to chats" }, icon("back")),
          el("h2", {}, "Make it hard"),
        ),
        el(
          "p",
          { class: "quiet" },
          "Break something, then write to the bot. Nothing that you send gets lost.",
        ),
        ...[modes()].filter((node) => node !== null),
        el("fieldset", {}, el("legend", {}, "Telegram"), ...toggles.map((t) => toggle(t, notices))),
      ]);
    },
  };
}

function toggle({ name, label, text, isOn, set }: Switch, notices: Notices): HTMLElement {
  const input = el("input", { type: "checkbox", role: "switch", "data-testid": name });
  input.checked = isOn;
  input.addEventListener("change", () => {
    const wanted = input.checked;
    void notices.attempt(set(wanted)).then((isDone) => {
      if (!isDone) input.checked = !wanted;
    });
  });
  return el(
    "label",
    { class: "switch" },
    el("span", { class: "switch-label" }, label),
    el("span", { class: "quiet" }, text),
    input,
  );
}
