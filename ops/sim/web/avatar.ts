import { el, icon } from "./dom.ts";

const TONES = 6;

/** A round picture made of initials, its colour chosen by the id; the bot gets its own mark. */
export function avatar(owner: { id: number; name: string; isBot: boolean }): HTMLElement {
  if (owner.isBot) return el("span", { class: "avatar bot", "aria-hidden": "true" }, icon("mark"));
  const tone = Math.abs(owner.id) % TONES;
  return el("span", { class: `avatar tone-${tone}`, "aria-hidden": "true" }, initials(owner.name));
}

/** The class that gives a person's name the colour of their picture. */
export function toneOf(id: number): string {
  return `tone-text-${Math.abs(id) % TONES}`;
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const letters = words.slice(0, 2).map((word) => Array.from(word)[0] ?? "");
  return letters.join("").toUpperCase();
}
