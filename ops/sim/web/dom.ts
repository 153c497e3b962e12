type Attribute = string | number | boolean | null | ((event: Event) => void);
type Child = Node | string | null;

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. `true` sets an empty attribute, `false` and null leave it out, `onclick: f` listens. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, Attribute> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The element of the page's frame with this id; throws when index.html has none of that type. */
export function part<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} with id ${id}`);
  return found;
}

/** One of the drawings in index.html, hidden from screen readers: its button carries the name. */
export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Gives a parent these children. Those already there stay attached, with their focus and selection. */
export function setChildren(parent: Element, children: Node[]): void {
  const kept = new Set<Node>(children);
  const gone = Array.from(parent.childNodes).filter((node) => !kept.has(node));
  for (const node of gone) node.remove();
  let at = parent.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
}

/**
 * A part of the page that is built anew only when what it shows has changed. Focus returns to
 * the element with the same `data-testid`.
 */
export function createRegion(parent: HTMLElement) {
  let shown: string | null = null;
  return (model: unknown, build: () => Node[]): void => {
    const signature = JSON.stringify(model);
    if (signature === shown) return;
    shown = signature;
    const focused = parent.contains(document.activeElement) ? document.activeElement : null;
    const name = focused?.getAttribute("data-testid");
    parent.replaceChildren(...build());
    if (name) parent.querySelector<HTMLElement>(`[data-testid="${CSS.escape(name)}"]`)?.focus();
  };
}
