import { Scope } from "../scope.ts";
import { h, setAttribute } from "./dom.ts";
import { type Choice, choiceRow, choiceRows, type Group, ROWS } from "./popup-list.ts";

export type { Choice, Group };

/** What a dialog is filled with; `close` gives the focus back to the button that opened it. */
export type Fill = (scope: Scope, close: () => void) => readonly Node[];

interface Open {
  scope: Scope;
  opener: HTMLElement;
  content: HTMLElement;
  rebuild: (() => void) | null;
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

  /** Opens a list of choices; opened again from the same button, it closes. */
  list(opener: HTMLElement, role: "listbox" | "menu", label: string, groups: () => readonly Group[]): void {
    const list = h("div", { role, "aria-label": label, class: "list" });
    const choose = (choice: Choice) => {
      if (choice.stays !== true) this.close();
      choice.choose();
      if (choice.stays === true) this.refresh();
    };
    const fill = () => list.replaceChildren(...choiceRows(groups(), role, choose));
    fill();
    const rebuild = () => {
      const focused = list.querySelector<HTMLElement>(":focus")?.dataset.choice;
      fill();
      if (focused !== undefined) choiceRow(list, focused)?.focus();
    };
    if (this.#show(opener, list, rebuild)) this.#focusFirst(list);
  }

  /** Opens a dialog; the focus goes to its first field, but for those that come later, or to itself. */
  dialog(opener: HTMLElement, label: string, fill: Fill, className = ""): void {
    const dialog = h("div", {
      role: "dialog",
      "aria-label": label,
      tabindex: -1,
      class: `dialog ${className}`.trim(),
    });
    if (!this.#show(opener, dialog, null)) return;
    const scope = this.#open?.scope;
    if (!scope) return;
    dialog.append(h("h3", {}, label), ...fill(scope, () => this.close()));
    this.#placeOpen();
    (dialog.querySelector<HTMLElement>("input:not([data-later]), select") ?? dialog).focus();
  }

  /** Brings an open list up to date: what it offers may have changed under it. */
  refresh(): void {
    this.#open?.rebuild?.();
  }

  close(refocus = true): void {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    open.scope.dispose();
    if (refocus) open.opener.focus();
  }

  #show(opener: HTMLElement, content: HTMLElement, rebuild: (() => void) | null): boolean {
    const again = this.#open?.opener === opener && this.#open.content.ariaLabel === content.ariaLabel;
    this.close(false);
    if (again) return false;
    const scope = new Scope(this.#scope.signal);
    const box = h("div", { class: "sp-menu" }, content);
    this.#root.append(box);
    setAttribute(opener, "aria-expanded", opener.hasAttribute("aria-haspopup") ? true : null);
    scope.own(() => {
      box.remove();
      setAttribute(opener, "aria-expanded", opener.hasAttribute("aria-haspopup") ? false : null);
    });
    scope.listen<KeyboardEvent>(box, "keydown", (event) =>
      rebuild ? this.#listKey(event, content) : this.#dialogKey(event, content),
    );
    const outside = (event: Event) => {
      const path = event.composedPath();
      if (!path.includes(box) && !path.includes(opener)) this.close(false);
    };
    scope.listen(document, "pointerdown", outside, { capture: true });
    this.#open = { scope, opener, content, rebuild };
    this.#placeOpen();
    return true;
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

  /** Under its button, and inside the widget on all sides; what is longer scrolls. */
  #placeOpen(): void {
    const box = this.#open?.content.parentElement;
    if (!this.#open || !box) return;
    const outer = this.#root.getBoundingClientRect();
    const inner = this.#open.opener.getBoundingClientRect();
    const left = Math.max(8, Math.min(inner.left - outer.left, outer.width - box.offsetWidth - 8));
    const top = Math.max(8, Math.min(inner.bottom - outer.top + 2, outer.height - box.offsetHeight - 8));
    box.style.left = `${left}px`;
    box.style.right = "auto";
    box.style.top = `${top}px`;
    if (outer.height > 0) box.style.maxHeight = `${outer.height - 16}px`;
  }
}

/** A letter jumps to the next choice that begins with it. */
function typeAhead(letter: string, rows: HTMLElement[], here: number): void {
  const order = [...rows.slice(here + 1), ...rows.slice(0, here + 1)];
  order.find((row) => row.textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()))?.focus();
}
