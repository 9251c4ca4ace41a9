import type { Scope } from "../scope.ts";
import { type IconName, icon } from "./icons.ts";

export type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined>;

/** Makes an element. Words become text nodes, so that nothing a server says is ever read as markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const child of children) if (child) element.append(child);
  return element;
}

/** `false`, `null` and `undefined` remove the attribute; `true` sets it empty, except for aria, which wants words. */
export function setAttribute(element: Element, name: string, value: Attributes[string]): void {
  const text = name.startsWith("aria-") && typeof value === "boolean" ? String(value) : value;
  if (text === false || text === null || text === undefined) element.removeAttribute(name);
  else {
    const written = text === true ? "" : String(text);
    if (element.getAttribute(name) !== written) element.setAttribute(name, written);
  }
}

/** Writes text only where it changed: the same text again would restart selections and announcements. */
export function setText(node: Node, text: string): void {
  const only = node.firstChild;
  // figures that tick: the text node stays, a new one would cost a box in the layout each time
  if (only instanceof Text && only === node.lastChild) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

export function toggle(element: Element, name: string, on: boolean): void {
  element.classList.toggle(name, on);
}

/** Puts the rows in order; rows already in place are not touched, so that focus and selection stay. */
export function place(list: HTMLElement, rows: readonly HTMLElement[]): void {
  for (const [i, row] of rows.entries()) {
    const there = list.children[i];
    if (there === row) continue;
    const focused = row.contains((row.getRootNode() as Document).activeElement);
    list.insertBefore(row, there ?? null);
    if (focused) row.focus({ preventScroll: true });
  }
}

/** A button that does `action`; the listener belongs to the scope. */
export function button(
  scope: Scope,
  attributes: Attributes,
  children: Child[],
  action: (event: MouseEvent) => void,
): HTMLButtonElement {
  const element = h("button", { type: "button", ...attributes }, ...children);
  scope.listen<MouseEvent>(element, "click", action);
  return element;
}

/** A button that is only a sign: its label is read out, and stands in its tooltip. */
export function signButton(
  scope: Scope,
  name: IconName,
  label: string,
  action: () => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  const looks = { class: "sp-btn is-icon", "aria-label": label, title: label };
  return button(scope, { ...looks, ...attributes }, [icon(name)], action);
}

/** What can be on or off. */
export function setPressed(element: HTMLElement, on: boolean): void {
  setAttribute(element, "aria-pressed", on);
  toggle(element, "is-on", on);
}

/** A disabled control says why. */
export function setDisabled(element: HTMLElement, off: boolean, label: string, reason: string): void {
  setAttribute(element, "disabled", off);
  setAttribute(element, "title", off ? reason : label);
}

/** Arrow keys move inside the group, Tab leaves it: one stop in the focus order. */
export function rovingFocus(
  scope: Scope,
  group: HTMLElement,
  selector: string,
  keys: "horizontal" | "vertical",
): void {
  const [back, on] = keys === "horizontal" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  scope.listen<KeyboardEvent>(group, "keydown", (event) => {
    if (event.target instanceof HTMLInputElement) return;
    const stops = [...group.querySelectorAll<HTMLElement>(selector)].filter(isStop);
    const here = stops.indexOf(event.target as HTMLElement);
    if (here < 0) return;
    const there =
      event.key === on
        ? here + 1
        : event.key === back
          ? here - 1
          : event.key === "Home"
            ? 0
            : event.key === "End"
              ? stops.length - 1
              : null;
    if (there === null) return;
    const next = stops[(there + stops.length) % stops.length];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  });
  scope.listen<FocusEvent>(group, "focusin", (event) => {
    const current = (event.target as HTMLElement).closest<HTMLElement>(selector);
    if (current)
      for (const stop of group.querySelectorAll<HTMLElement>(selector))
        stop.tabIndex = stop === current ? 0 : -1;
  });
}

function isStop(element: HTMLElement): boolean {
  return !element.hasAttribute("disabled") && element.offsetParent !== null;
}
