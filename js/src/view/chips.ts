import type { Scope } from "../scope.ts";
import type { Line, Lines } from "../store/lines.ts";
import { h, rovingFocus, setAttribute, setText, toggle } from "./dom.ts";
import { languageTag } from "./format.ts";
import type { Axis } from "./paint/scene.ts";

const MIN_PX = 3;
const AHEAD = 1 / 4; // of the window: chips that are there before they come into view
const HIDDEN_PX = 8; // so far left of the plot a chip that is cut by its edge begins
const WORDS_PX = 22; // narrower than this, a chip is a mark without words

/** The text lane: a chip as long as its speech. Real elements, because words are read, selected and spoken. */
export class Chips {
  readonly node: HTMLElement;
  readonly #strip = h("div");
  readonly #chips = new Map<string, HTMLButtonElement>();
  readonly #lines: Lines;
  #px_per_s = 0;
  #first_s = 0;
  #base_s = 0; // the strip's own zero: far into a long session, pixels from the start would be too large to be exact

  constructor(lines: Lines, label: string, select: (line: Line) => void, scope: Scope) {
    this.#lines = lines;
    this.node = h("div", { class: "sp-strip", role: "group", "aria-label": label }, this.#strip);
    scope.listen<MouseEvent>(this.node, "click", (event) => {
      const key = (event.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
      const line = key === undefined ? undefined : lines.get(key);
      if (line) select(line);
    });
    rovingFocus(scope, this.node, ".sp-chip", "horizontal");
  }

  /** Makes, removes and refills chips; needed after events and after jumps of the window. */
  rebuild(axis: Axis, edge_s: number, selected: string | null): void {
    this.#px_per_s = axis.px_per_s;
    const [from_s, to_s] = [axis.time(0), axis.time(axis.width * (1 + AHEAD))];
    this.#base_s = Math.floor(from_s);
    const shown = new Set<string>();
    let free_s = Number.NEGATIVE_INFINITY; // where the chip before ends: in long windows they would lie on each other
    for (const line of this.#lines.all) {
      if (line.kind === "gap" || line.start_s > to_s || endOf(line, edge_s) < from_s) continue;
      if (line.start_s < free_s && line.key !== selected) continue;
      free_s = line.start_s + (MIN_PX + 1) / axis.px_per_s;
      shown.add(line.key);
      const chip = this.#chip(line);
      this.#fill(chip, line, selected);
      this.#place(chip, line, axis, edge_s);
    }
    for (const [key, chip] of this.#chips) {
      if (shown.has(key)) continue;
      chip.remove();
      this.#chips.delete(key);
    }
    this.#first_s = from_s;
    this.#tabStop();
  }

  /** Called every frame: shifts the strip. Chips at the left edge and growing ones are laid out anew when `layOut` says
   * so, some times a second: a layout in every frame would cost more than all the drawing.
   */
  move(axis: Axis, edge_s: number, selected: string | null, layOut: boolean): void {
    const from_s = axis.time(0);
    const far = Math.abs(from_s - this.#first_s) * axis.px_per_s > axis.width / 8;
    if (axis.px_per_s !== this.#px_per_s || far) this.rebuild(axis, edge_s, selected);
    shift(this.#strip, axis, this.#base_s);
    if (!layOut) return;
    for (const [key, chip] of this.#chips) {
      const line = this.#lines.get(key);
      if (line && (line.kind === "partial" || line.start_s < from_s)) this.#place(chip, line, axis, edge_s);
    }
  }

  #chip(line: Line): HTMLButtonElement {
    const known = this.#chips.get(line.key);
    if (known) return known;
    const chip = h("button", {
      type: "button",
      class: "sp-chip",
      dir: "auto",
      "data-key": line.key,
      tabindex: -1,
    });
    const after = [...this.#chips.entries()].find(
      ([key]) => (this.#lines.get(key)?.start_s ?? 0) > line.start_s,
    )?.[1];
    this.#strip.insertBefore(chip, after ?? null);
    this.#chips.set(line.key, chip);
    return chip;
  }

  #fill(chip: HTMLButtonElement, line: Line, selected: string | null): void {
    const partial = line.kind === "partial";
    setText(chip, partial ? `${line.text.trimEnd()}…` : line.text);
    setAttribute(chip, "title", line.text);
    setAttribute(chip, "lang", languageTag(line.language) || null);
    setAttribute(chip, "aria-pressed", String(line.key === selected));
    toggle(chip, "is-partial", partial);
    toggle(chip, "is-sel", line.key === selected);
  }

  /** As long as its speech, less a gap to the next; the text of a chip cut by the left edge stays in view. */
  #place(chip: HTMLElement, line: Line, axis: Axis, edge_s: number): void {
    const from_x = axis.x(line.start_s);
    const left = Math.max(from_x, -HIDDEN_PX);
    const width = Math.max(MIN_PX, axis.x(endOf(line, edge_s)) - left - 2);
    const base_x = axis.x(this.#base_s);
    const [l, w] = [`${(left - base_x).toFixed(1)}px`, `${width.toFixed(1)}px`];
    if (chip.style.left !== l) chip.style.left = l;
    if (chip.style.width !== w) chip.style.width = w;
    toggle(chip, "is-mark", width < WORDS_PX);
  }

  /** One chip is in the focus order; arrow keys reach the others. */
  #tabStop(): void {
    const chips = [...this.#chips.values()];
    if (chips.some((chip) => chip.tabIndex === 0)) return;
    const last = chips.at(-1);
    if (last) last.tabIndex = 0;
  }
}

/** A partial still grows: its chip reaches to now. */
function endOf(line: Line, edge_s: number): number {
  return line.kind === "partial" ? Math.max(line.start_s, edge_s) : line.end_s;
}

/** Moves a strip of elements that hang on the time axis from `base_s` on. */
export function shift(strip: HTMLElement, axis: Axis, base_s: number): void {
  const x = Math.round(axis.x(base_s) * axis.ratio) / axis.ratio;
  strip.style.transform = `translateX(${x}px)`;
}
