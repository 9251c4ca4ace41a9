import { Scope } from "../scope.ts";
import { type Child, h, setAttribute, signButton } from "./dom.ts";
import { type IconName, icon } from "./icons.ts";

const EDGE_PX = 8;
const LEAST_PX = 160; // with less of the widget in sight, a popup may reach out of it
const ROWS = "[role=option], [role^=menuitem]";

export interface Choice {
  label: string;
  hint?: string;
  /** What is worth knowing before one chooses it. */
  note?: string;
  icon?: IconName;
  /** One of several: which of them it is now. */
  selected?: boolean;
  /** On or off by itself. */
  checked?: boolean;
  /** The list stays open, and shows what has changed. */
  stays?: boolean;
  choose(): void;
}

export interface Group {
  title?: string;
  /** A sentence instead of, or after, the choices. */
  note?: string;
  /** Short choices side by side. */
  row?: boolean;
  choices: readonly Choice[];
}

/** What a dialog is filled with; `close` gives the focus back to the button that opened it. */
type Fill = (scope: Scope, close: () => void) => readonly Node[];

interface Open {
  scope: Scope;
  opener: HTMLElement;
  content: HTMLElement;
}

/** One list, menu or dialog that hangs under the button that opened it. Esc and a click outside close it. */
export class Popup {
  readonly #root: HTMLElement;
  readonly #scope: Scope;
  #open: Open | null = null;

  constructor(root: HTMLElement, scope: Scope) {
    this.#root = root;
    this.#scope = scope;
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Opens a list of choices, which follows the signals that `groups` reads; opened again from the same button, it closes. */
  list(opener: HTMLElement, role: "listbox" | "menu", label: string, groups: () => readonly Group[]): void {
    const list = h("div", { role, "aria-label": label, class: "list" });
    const scope = this.#show(opener, list, (event) => this.#listKey(event, list));
    if (!scope) return;
    const choose = (choice: Choice) => {
      if (!choice.stays) this.close();
      choice.choose();
    };
    scope.effect(() => {
      const focused = list.querySelector<HTMLElement>(":focus")?.dataset.choice;
      list.replaceChildren(...choiceRows(groups(), role, choose));
      if (focused !== undefined) choiceRow(list, focused)?.focus();
    });
    this.#placeOpen();
    this.#focusFirst(list);
  }

  /** Opens a dialog; the focus goes to its first field, but for those that come later, or to itself. */
  dialog(opener: HTMLElement, label: string, fill: Fill, className = ""): void {
    const dialog = h("div", {
      role: "dialog",
      "aria-label": label,
      tabindex: -1,
      class: `dialog ${className}`.trim(),
    });
    const scope = this.#show(opener, dialog, (event) => this.#dialogKey(event, dialog));
    if (!scope) return;
    dialog.append(h("h3", {}, label), ...fill(scope, () => this.close()));
    this.#placeOpen();
    (dialog.querySelector<HTMLElement>("input:not([data-later]), select") ?? dialog).focus();
  }

  close(refocus = true): void {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    open.scope.dispose();
    if (refocus) open.opener.focus();
  }

  /** Returns the scope of what is open; null where it was open already, and is closed now. */
  #show(opener: HTMLElement, content: HTMLElement, key: (event: KeyboardEvent) => void): Scope | null {
    const again = this.#open?.opener === opener && this.#open.content.ariaLabel === content.ariaLabel;
    this.close(false);
    if (again) return null;
    const scope = new Scope(this.#scope.signal);
    const box = h("div", { class: "sp-menu" }, content);
    this.#root.append(box);
    setAttribute(opener, "aria-expanded", opener.hasAttribute("aria-haspopup") ? true : null);
    scope.own(() => {
      box.remove();
      setAttribute(opener, "aria-expanded", opener.hasAttribute("aria-haspopup") ? false : null);
    });
    scope.listen<KeyboardEvent>(box, "keydown", key);
    const observer = new ResizeObserver(() => this.#placeOpen()); // what it says may grow, and the view shrink
    for (const sized of [box, this.#root]) observer.observe(sized);
    scope.own(() => observer.disconnect());
    const outside = (event: Event) => {
      const path = event.composedPath();
      if (!path.includes(box) && !path.includes(opener)) this.close(false);
    };
    scope.listen(document, "pointerdown", outside, { capture: true });
    this.#open = { scope, opener, content };
    return scope;
  }

  #listKey(event: KeyboardEvent, list: HTMLElement): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...list.querySelectorAll<HTMLElement>(ROWS)];
    const here = rows.indexOf(event.target as HTMLElement);
    const steps: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowRight: here + 1,
      ArrowUp: here - 1 + (here < 0 ? 1 : 0),
      ArrowLeft: here - 1 + (here < 0 ? 1 : 0),
      Home: 0,
      End: -1,
    };
    const there = steps[event.key];
    if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (event.key === "Enter" || event.key === " ") rows[here]?.click();
    else if (there !== undefined) rows.at(there % rows.length)?.focus();
    else if (event.key.length === 1) typeAhead(event.key, rows, here);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Tab goes round inside the dialog; no key inside it reaches the shortcuts. */
  #dialogKey(event: KeyboardEvent, dialog: HTMLElement): void {
    if (event.defaultPrevented) return;
    if (event.key === "Escape") {
      this.close();
      event.preventDefault();
    } else if (event.key === "Tab") {
      const stops = [...dialog.querySelectorAll<HTMLElement>("input, select, button")].filter(
        (stop) => !stop.hasAttribute("disabled") && !stop.hidden,
      );
      const last = event.shiftKey ? stops[0] : stops.at(-1);
      const active = (dialog.getRootNode() as Document).activeElement;
      if (active === last || active === dialog) {
        (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
        event.preventDefault();
      }
    }
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  }

  #focusFirst(list: HTMLElement): void {
    const selected = list.querySelector<HTMLElement>(
      "[aria-selected=true], [role=menuitemradio][aria-checked=true]",
    );
    (selected ?? list.querySelector<HTMLElement>(ROWS))?.focus();
  }

  /** Under its button, and inside what can be seen of the widget; what is longer scrolls. */
  #placeOpen(): void {
    const box = this.#open?.content.parentElement;
    if (!this.#open || !box) return;
    const outer = this.#root.getBoundingClientRect();
    const inner = this.#open.opener.getBoundingClientRect();
    const seen = seenOf(this.#root);
    const [first, last] = [seen.top - outer.top + EDGE_PX, seen.bottom - outer.top - EDGE_PX];
    if (outer.height > 0) box.style.maxHeight = `${last - first}px`;
    const left = Math.max(
      EDGE_PX,
      Math.min(inner.left - outer.left, outer.width - box.offsetWidth - EDGE_PX),
    );
    const top = Math.max(first, Math.min(inner.bottom - outer.top + 2, last - box.offsetHeight));
    box.style.left = `${left}px`;
    box.style.right = "auto";
    box.style.top = `${top}px`;
  }
}

/** What of an element is in sight: inside the window, and inside everything that scrolls around it. */
function seenOf(element: HTMLElement): { top: number; bottom: number } {
  const { top, bottom } = element.getBoundingClientRect();
  const seen = { top: Math.max(top, 0), bottom: Math.min(bottom, innerHeight) };
  for (let around = outside(element); around; around = outside(around)) {
    if (getComputedStyle(around).overflowY === "visible") continue;
    const box = around.getBoundingClientRect();
    seen.top = Math.max(seen.top, box.top);
    seen.bottom = Math.min(seen.bottom, box.bottom);
  }
  return seen.bottom - seen.top < LEAST_PX ? { top, bottom } : seen;
}

function outside(element: Element): Element | null {
  return element.parentElement ?? (element.getRootNode() as ShadowRoot).host ?? null;
}

/** The three dots, with a menu behind them. */
export function moreButton(
  label: string,
  scope: Scope,
  open: (opener: HTMLElement) => void,
): HTMLButtonElement {
  const attributes = { class: "sp-btn is-icon is-quiet", "aria-haspopup": "menu", "aria-expanded": false };
  const made: HTMLButtonElement = signButton(scope, "more", label, () => open(made), attributes);
  return made;
}

/** A letter jumps to the next choice that begins with it. */
function typeAhead(letter: string, rows: HTMLElement[], here: number): void {
  const order = [...rows.slice(here + 1), ...rows.slice(0, here + 1)];
  order.find((row) => row.textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()))?.focus();
}

/** The groups of a list or menu, as ARIA wants them. */
function choiceRows(
  groups: readonly Group[],
  kind: "listbox" | "menu",
  choose: (choice: Choice) => void,
): HTMLElement[] {
  return groups
    .filter(({ choices, note }) => choices.length > 0 || note)
    .map((group, i) => {
      const { title, note, row } = group;
      const heading = title ? h("h4", { role: "presentation" }, title) : null;
      const rows = group.choices.map((choice, j) =>
        choiceElement(choice, kind, `${i} ${choice.label} ${j}`, choose),
      );
      const content = row ? [h("div", { class: "fmt", role: "presentation" }, ...rows)] : rows;
      const said = note ? h("p", { class: "note", role: "presentation" }, note) : null;
      return h(
        "div",
        { role: "group", "aria-label": title ?? null, class: "group" },
        heading,
        ...content,
        said,
      );
    });
}

/** The row of a choice, found again after the list was filled anew. */
function choiceRow(list: HTMLElement, key: string): HTMLElement | undefined {
  return [...list.querySelectorAll<HTMLElement>(ROWS)].find((row) => row.dataset.choice === key);
}

function roleOf({ selected, checked }: Choice, kind: "listbox" | "menu"): string {
  if (kind === "listbox") return "option";
  if (selected !== undefined) return "menuitemradio";
  return checked === undefined ? "menuitem" : "menuitemcheckbox";
}

function choiceElement(
  choice: Choice,
  kind: "listbox" | "menu",
  key: string,
  choose: (choice: Choice) => void,
): HTMLElement {
  const { label, hint, note, icon: sign, selected, checked } = choice;
  const state = selected ?? checked;
  const tick = state === undefined || sign ? null : h("span", { class: "tick" }, state ? icon("ok") : null);
  const text = h("span", { class: "sp-fill", dir: "auto" }, label);
  const aside = note ? h("span", { class: "aside" }, note) : null;
  const children: Child[] = [tick, sign ? icon(sign) : null, text, aside, hint ? h("kbd", {}, hint) : null];
  const role = roleOf(choice, kind);
  const row = h("div", { role, tabindex: -1, "data-choice": key }, ...children);
  setAttribute(
    row,
    role === "option" ? "aria-selected" : "aria-checked",
    role === "menuitem" ? null : state === true,
  );
  row.onclick = () => choose(choice);
  return row;
}
