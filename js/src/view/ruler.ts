import { h, setText, toggle } from "./dom.ts";
import { clock } from "./format.ts";
import type { Axis } from "./paint/scene.ts";

const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const APART_PX = 55;
const FLAG_PX = 47; // half a label and half the flag of the live edge: closer than this they would meet

const FLAG_HALF_PX = 26;

/** Times at which the grid stands: labels at least 55 px apart. */
export function ticksOf(start_s: number, span_s: number, width: number): number[] {
  const step = STEPS_S.find((seconds) => (seconds * width) / span_s >= APART_PX) ?? 7200;
  const ticks: number[] = [];
  for (let i = Math.ceil(start_s / step); i * step <= start_s + span_s; i++) ticks.push(i * step);
  return ticks;
}

/** The time labels and the flag of the live edge. Labels ride on a strip that is only shifted while time passes. */
export class Ruler {
  readonly node: HTMLElement;
  readonly #strip = h("div");
  readonly #now = h("span", { class: "sp-now sp-num", hidden: true });
  readonly #labels = new Map<number, HTMLElement>();
  #px_per_s = 0;
  #now_x = -1;

  constructor() {
    this.node = h("div", { class: "sp-strip", "aria-hidden": "true" }, this.#strip, this.#now);
  }

  update(axis: Axis, ticks: readonly number[], edge_s: number, shown: "live" | "off" | "none"): void {
    if (axis.px_per_s !== this.#px_per_s) {
      this.#px_per_s = axis.px_per_s;
      this.#labels.clear();
      this.#strip.replaceChildren();
    }
    this.#strip.style.transform = `translateX(${-axis.origin / axis.ratio}px)`;
    for (const [tick, label] of this.#labels) {
      if (ticks.includes(tick)) continue;
      label.remove();
      this.#labels.delete(tick);
    }
    const edge_x = axis.x(edge_s);
    for (const tick of ticks) {
      const x = axis.x(tick);
      const hidden = x < 16 || x > axis.width - 16 || (shown !== "none" && Math.abs(x - edge_x) < FLAG_PX);
      const label = this.#label(tick, axis);
      if (label.hidden !== hidden) label.hidden = hidden;
    }
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

  #label(tick: number, axis: Axis): HTMLElement {
    const known = this.#labels.get(tick);
    if (known) return known;
    const decimals = Number.isInteger(tick) ? 0 : 1;
    const label = h("span", { class: "t", style: `left:${tick * axis.px_per_s}px` }, clock(tick, decimals));
    this.#labels.set(tick, label);
    this.#strip.append(label);
    return label;
  }
}
