import type { Scope } from "../scope.ts";
import { endOf, type Line, type Lines } from "../store/lines.ts";
import { h, rovingFocus, setAttribute, setText, toggle } from "./dom.ts";
import { languageTag } from "./format.ts";
import { chipPlace, chipText, MIN_PX } from "./paint/chips.ts";
import type { Axis, Chip } from "./paint/scene.ts";

const AROUND = 1 / 4; // of the window: chips that are there before they come into view
const FAR = 1 / 8; // of the window: so far it moves until others come near
const STALE_MS = 250; // so long the elements may stay behind the picture while nobody is at them
const HIDDEN_PX = 8; // so far left of the plot a chip that is cut by its edge begins

/** Which chip is selected, how far the last one may reach, and how wide the words of a row are. */
interface Wish {
  selected: string | null;
  reach_s: number;
  wanted(line: Line): number;
}

/** The chips of the text lane as elements: what is clicked, focused, pointed at and read out. They are not seen, the
 * picture below them is: it moves in every frame, they follow as long as somebody is at them, else now and then.
 */
export class Chips {
  readonly node: HTMLElement;
  /** those in or near the window, in order; another list where any of it is another */
  shown: readonly Chip[] = [];
  readonly #strip = h("div");
  readonly #chips = new Map<string, HTMLButtonElement>();
  readonly #lines: Lines;
  #px_per_s = 0;
  #first_s = 0;
  #base_s = 0; // the strip's own zero: far into a long session, pixels from the start would be too large to be exact
  #attended = false;
  #moved_ms = Number.NEGATIVE_INFINITY;
  #last: { axis: Axis; edge_s: number } | null = null;

  constructor(lines: Lines, label: string, select: (line: Line) => void, scope: Scope) {
    this.#lines = lines;
    this.node = h("div", { class: "sp-strip", role: "group", "aria-label": label }, this.#strip);
    scope.listen<MouseEvent>(this.node, "click", (event) => {
      const key = (event.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
      const line = key === undefined ? undefined : lines.get(key);
      if (line) select(line);
    });
    rovingFocus(scope, this.node, ".sp-chip", "horizontal");
    for (const type of ["pointerenter", "focusin"]) scope.listen(this.node, type, () => this.#attend());
    for (const type of ["pointerleave", "focusout"])
      scope.listen(this.node, type, () => {
        this.#attended = false;
      });
  }

  /** Chooses the rows around the window, before they are painted; anew with `force`, and where others come near. */
  choose(axis: Axis, edge_s: number, { selected, reach_s, wanted }: Wish, force: boolean): void {
    const far = Math.abs(axis.time(0) - this.#first_s) * axis.px_per_s > axis.width * FAR;
    if (!force && !far && axis.px_per_s === this.#px_per_s) return;
    this.#px_per_s = axis.px_per_s;
    this.#first_s = axis.time(0);
    const [from_s, to_s] = [axis.time(-axis.width * AROUND), axis.time(axis.width * (1 + AROUND))];
    const shown: Chip[] = [];
    let free_s = Number.NEGATIVE_INFINITY; // where the chip before ends: in long windows they would lie on each other
    for (const line of this.#lines.all) {
      const end_s = endOf(line, edge_s);
      if (line.kind === "gap" || line.start_s > to_s || end_s < from_s) continue;
      if (line.start_s < free_s && line.key !== selected) continue;
      free_s = line.start_s + (MIN_PX + 1) / axis.px_per_s;
      const before = shown.at(-1);
      if (before) before.until_s = line.start_s;
      shown.push({ line, until_s: reach_s, wanted_px: wanted(line) });
    }
    this.shown = shown;
    this.#base_s = Math.floor(from_s);
    this.#rebuild(selected);
    this.#moved_ms = Number.NEGATIVE_INFINITY;
  }

  /** Brings the elements to their places, when it is time. */
  move(axis: Axis, edge_s: number, now_ms: number, live: boolean): void {
    this.#last = { axis, edge_s };
    if (live && !this.#attended && now_ms - this.#moved_ms < STALE_MS) return;
    this.#moved_ms = now_ms;
    this.#place(axis, edge_s);
  }

  #attend(): void {
    this.#attended = true;
    if (this.#last) this.#place(this.#last.axis, this.#last.edge_s);
  }

  #rebuild(selected: string | null): void {
    const keys = new Set(this.shown.map(({ line }) => line.key));
    for (const [key, chip] of this.#chips) {
      if (keys.has(key)) continue;
      chip.remove();
      this.#chips.delete(key);
    }
    for (const { line } of this.shown) this.#fill(this.#chip(line), line, selected);
    this.#tabStop();
  }

  #chip(line: Line): HTMLButtonElement {
    const known = this.#chips.get(line.key);
    if (known) return known;
    const attributes = { type: "button", class: "sp-chip", dir: "auto", "data-key": line.key, tabindex: -1 };
    const chip = h("button", attributes, h("span"));
    const after = [...this.#chips.entries()].find(
      ([key]) => (this.#lines.get(key)?.start_s ?? 0) > line.start_s,
    )?.[1];
    this.#strip.insertBefore(chip, after ?? null);
    this.#chips.set(line.key, chip);
    return chip;
  }

  #fill(chip: HTMLButtonElement, line: Line, selected: string | null): void {
    setText(chip.firstChild as HTMLElement, chipText(line));
    setAttribute(chip, "title", line.text);
    setAttribute(chip, "lang", languageTag(line) || null);
    setAttribute(chip, "aria-pressed", String(line.key === selected));
    toggle(chip, "is-sel", line.key === selected);
  }

  #place(axis: Axis, edge_s: number): void {
    const base_x = axis.x(this.#base_s);
    this.#strip.style.transform = `translateX(${Math.round(base_x * axis.ratio) / axis.ratio}px)`;
    for (const shown of this.shown) {
      const chip = this.#chips.get(shown.line.key);
      if (!chip) continue;
      const { x, width } = chipPlace(shown, axis, edge_s);
      const left = Math.max(x, -HIDDEN_PX);
      const [l, w] = [
        `${(left - base_x).toFixed(1)}px`,
        `${Math.max(MIN_PX, x + width - left).toFixed(1)}px`,
      ];
      if (chip.style.left !== l) chip.style.left = l;
      if (chip.style.width !== w) chip.style.width = w;
    }
  }

  /** One chip is in the focus order; arrow keys reach the others. */
  #tabStop(): void {
    const chips = [...this.#chips.values()];
    if (chips.some((chip) => chip.tabIndex === 0)) return;
    const last = chips.at(-1);
    if (last) last.tabIndex = 0;
  }
}
