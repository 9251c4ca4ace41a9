import { type Child, h, setAttribute } from "./dom.ts";
import { type IconName, icon } from "./icons.ts";

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

export const ROWS = "[role=option], [role^=menuitem]";

/** The groups of a list or menu, as ARIA wants them. */
export function choiceRows(
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
export function choiceRow(list: HTMLElement, key: string): HTMLElement | undefined {
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
