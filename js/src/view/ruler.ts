import { shift } from "./chips.ts";
import { h, setText, toggle } from "./dom.ts";
import { clock } from "./format.ts";
import type { Axis } from "./paint/scene.ts";

const STEPS_S = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800,
];
const APART_PX = 55;
const APART_LONG_PX = 66; // "1:01:21.5"
const FAR_PX = 10_000;
const FLAG_PX = 47; // half a label and half the flag of the live edge: closer than this they would meet

const FLAG_HALF_PX = 26;

/** Times at which the grid stands: labels at least 55 px apart, fractions of seconds after an hour more. */
export function ticksOf(start_s: number, span_s: number, width: number): number[] {
  const long = start_s + span_s >= 3600;
  const fits = (seconds: number) =>
    (seconds * width) / span_s >= (long && seconds < 1 ? APART_LONG_PX : APART_PX);
  const step = STEPS_S.find(fits) ?? STEPS_S.at(-1) ?? 7200;
  const ticks: number[] = [];
  // whole tenths are exact, sums of them are not
  for (let i = Math.ceil(start_s / step); i * step <= start_s + span_s; i++)
    ticks.push(Math.round(i * step * 10) / 10);
  return ticks;
}

/** "00:24", "00:24.5", "1:01:21", and where seconds are divided after an hour "1:01:21.5". */
export function tickLabel(tick: number): string {
  if (Number.isInteger(tick)) return clock(tick, 0);
  return tick < 3600 ? clock(tick, 1) : `${clock(tick, 0)}.${Math.floor((tick % 1) * 10 + 1e-6)}`;
}

/** The time labels and the flag of the live edge. Labels ride on a strip that is only shifted while time passes. */
export class Ruler {
  readonly node: HTMLElement;
  readonly #strip = h("div");
  readonly #now = h("span", { class: "sp-now sp-num", hidden: true });
  readonly #labels = new Map<number, HTMLElement>();
  #px_per_s = 0;
  #now_x = -1;
  #edge_x: number | null = null;
  #avoided_x: number | null = null;
  #base_s = 0; // the strip's own zero: pixels from the start of hours would be too large to be exact

  constructor() {
    this.node = h("div", { class: "sp-strip", "aria-hidden": "true" }, this.#strip, this.#now);
  }

  update(axis: Axis, ticks: readonly number[], edge_s: number, shown: "live" | "off" | "none"): void {
    if (axis.px_per_s !== this.#px_per_s) {
      this.#px_per_s = axis.px_per_s;
      this.#labels.clear();
      this.#strip.replaceChildren();
    }
    const first = ticks[0] ?? 0;
    if (Math.abs(first - this.#base_s) * axis.px_per_s > FAR_PX) this.#rebase(first);
    shift(this.#strip, axis, this.#base_s);
    for (const [tick, label] of this.#labels) {
      if (ticks.includes(tick)) continue;
      label.remove();
      this.#labels.delete(tick);
    }
    const edge_x = axis.x(edge_s);
    for (const tick of ticks) this.#label(tick, axis);
    this.#edge_x = shown === "none" ? null : edge_x;
    this.#hide(axis);
    const inside = edge_x >= 0 && edge_x <= axis.width;
    const hidden = shown === "none" || !inside;
    if (this.#now.hidden !== hidden) this.#now.hidden = hidden;
    if (hidden) return;
    setText(this.#now, clock(edge_s));
    toggle(this.#now, "is-off", shown === "off");
    // the flag stops inside the ruler; its line goes on
    const flag_x = Math.min(Math.max(edge_x, FLAG_HALF_PX), axis.width - FLAG_HALF_PX);
    // while the view follows, the flag stands where it is
    const rounded = Math.round(flag_x * axis.ratio) / axis.ratio;
    if (rounded === this.#now_x) return;
    this.#now_x = rounded;
    this.#now.style.transform = `translateX(calc(${rounded}px - 50%))`;
  }

  /** A playhead has its flag at `x`: no label may stand under it. */
  avoid(axis: Axis, x: number | null): void {
    const rounded = x === null ? null : Math.round(x / 4) * 4;
    if (rounded === this.#avoided_x) return;
    this.#avoided_x = rounded;
    this.#hide(axis);
  }

  /** Labels that would be cut or stand under a flag are left out. */
  #hide(axis: Axis): void {
    const under = (x: number, flag_x: number | null) => flag_x !== null && Math.abs(x - flag_x) < FLAG_PX;
    for (const [tick, label] of this.#labels) {
      const x = axis.x(tick);
      const cut = x < 16 || x > axis.width - 16;
      const hidden = cut || under(x, this.#edge_x) || under(x, this.#avoided_x);
      if (label.hidden !== hidden) label.hidden = hidden;
    }
  }

  #rebase(base_s: number): void {
    this.#base_s = base_s;
    this.#labels.clear();
    this.#strip.replaceChildren();
  }

  #label(tick: number, axis: Axis): HTMLElement {
    const known = this.#labels.get(tick);
    if (known) return known;
    const left = (tick - this.#base_s) * axis.px_per_s;
    const label = h("span", { class: "t", style: `left:${left}px` }, tickLabel(tick));
    this.#labels.set(tick, label);
    this.#strip.append(label);
    return label;
  }
}
