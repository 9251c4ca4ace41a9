import { Scope } from "../scope.ts";
import { type Child, h, setAttribute } from "./dom.ts";
import { type IconName, icon } from "./icons.ts";

export interface Option {
  label: string;
  hint?: string;
  icon?: IconName;
  selected?: boolean;
  choose(): void;
}
export interface OptionGroup {
  title?: string;
  options: readonly Option[];
}

/** One list, menu or panel that hangs under the button that opened it. Esc and a click outside close it. */
export class Popup {
  readonly #root: HTMLElement;
  readonly #scope: Scope;
  #open: { scope: Scope; opener: HTMLElement } | null = null;

  constructor(root: HTMLElement, scope: Scope) {
    this.#root = root;
    this.#scope = scope;
  }

  get isOpen(): boolean {
    return this.#open !== null;
  }

  /** Opens a list of choices; opened again from the same button, it closes. */
  list(opener: HTMLElement, role: "listbox" | "menu", label: string, groups: readonly OptionGroup[]): void {
    const rows = groups.flatMap(({ title, options }) => [
      title ? h("h4", {}, title) : null,
      ...options.map((option) => this.#option(option, role === "menu" ? "menuitem" : "option")),
    ]);
    const list = h("div", { role, "aria-label": label, class: "list" }, ...rows);
    if (this.#show(opener, list, true)) this.#focusOption(list);
  }

  /** Opens a panel of facts. */
  panel(opener: HTMLElement, label: string, facts: readonly (readonly [string, string])[]): void {
    const entries = facts.flatMap(([term, fact]) => [h("dt", {}, term), h("dd", {}, fact)]);
    const panel = h("div", { role: "dialog", "aria-label": label, tabindex: -1 }, h("dl", {}, ...entries));
    if (this.#show(opener, panel, false)) panel.focus();
  }

  close(refocus = true): void {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    open.scope.dispose();
    if (refocus) open.opener.focus();
  }

  #show(opener: HTMLElement, content: HTMLElement, moves: boolean): boolean {
    const again = this.#open?.opener === opener;
    this.close(false);
    if (again) return false;
    const scope = new Scope(this.#scope.signal);
    const box = h("div", { class: "sp-menu" }, content);
    this.#root.append(box);
    this.#place(box, opener);
    setAttribute(opener, "aria-expanded", true);
    scope.own(() => {
      box.remove();
      setAttribute(opener, "aria-expanded", false);
    });
    scope.listen<KeyboardEvent>(box, "keydown", (event) => this.#key(event, content, moves));
    const outside = (event: Event) => {
      const path = event.composedPath();
      if (!path.includes(box) && !path.includes(opener)) this.close(false);
    };
    scope.listen(document, "pointerdown", outside, { capture: true });
    this.#open = { scope, opener };
    return true;
  }

  #option({ label, hint, icon: sign, selected, choose }: Option, role: string): HTMLElement {
    const tick = selected === undefined ? null : h("span", { class: "tick" }, selected ? icon("ok") : null);
    const children: Child[] = [
      tick,
      sign ? icon(sign) : null,
      h("span", { class: "sp-fill" }, label),
      hint ? h("kbd", {}, hint) : null,
    ];
    const row = h(
      "div",
      { role, tabindex: -1, "aria-selected": role === "option" ? selected === true : null },
      ...children,
    );
    row.onclick = () => {
      this.close();
      choose();
    };
    return row;
  }

  #key(event: KeyboardEvent, content: HTMLElement, moves: boolean): void {
    const options = [...content.querySelectorAll<HTMLElement>("[role=option], [role=menuitem]")];
    const here = options.indexOf(event.target as HTMLElement);
    const steps: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1 + (here < 0 ? 1 : 0),
      Home: 0,
      End: -1,
    };
    const there = steps[event.key];
    if (event.key === "Escape" || event.key === "Tab") this.close();
    else if (moves && (event.key === "Enter" || event.key === " ")) options[here]?.click();
    else if (moves && there !== undefined) options.at(there % options.length)?.focus();
    else if (!moves || event.key.length !== 1) return;
    if (event.key.length === 1 && moves) this.#type(event.key, options, here);
    event.preventDefault();
    event.stopPropagation();
  }

  /** A letter jumps to the next choice that begins with it. */
  #type(letter: string, options: HTMLElement[], here: number): void {
    const order = [...options.slice(here + 1), ...options.slice(0, here + 1)];
    order
      .find((option) => option.textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()))
      ?.focus();
  }

  #focusOption(list: HTMLElement): void {
    const selected = list.querySelector<HTMLElement>("[aria-selected=true]");
    (selected ?? list.querySelector<HTMLElement>("[role=option], [role=menuitem]"))?.focus();
  }

  /** Under its button, and inside the widget on both sides. */
  #place(box: HTMLElement, opener: HTMLElement): void {
    const outer = this.#root.getBoundingClientRect();
    const inner = opener.getBoundingClientRect();
    const left = Math.max(8, Math.min(inner.left - outer.left, outer.width - box.offsetWidth - 8));
    box.style.left = `${left}px`;
    box.style.right = "auto";
    box.style.top = `${inner.bottom - outer.top + 2}px`;
  }
}
