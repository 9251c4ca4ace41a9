import type { Scope } from "../../scope.ts";
import { button, h, setAttribute, setText } from "../../view/dom.ts";
import { icon } from "../../view/icons.ts";
import { shown } from "../../view/scale.ts";
import type { LabApp } from "../app.ts";
import type { Sweep } from "../wire.ts";
import type { LabPalette } from "./lab-paint.ts";
import { Plane, short, upright } from "./plane.ts";

const [LEFT, BOTTOM, MARGIN] = [34, 30, 6];
const LIGHT_ABOVE = 0.55;

/** F1 by start threshold and min silence: ring = now, star = best; a click goes there. */
export class HeatPanel {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #plane: Plane;
  readonly #range = h("small");
  readonly #best: HTMLButtonElement;

  constructor(app: LabApp, scope: Scope) {
    const { words } = app;
    this.#app = app;
    this.#plane = new Plane(words.sweepLabel);
    this.#best = button(scope, { class: "sp-btn is-s" }, [icon("star", "is-small"), words.best], () =>
      this.#goToBest(),
    );
    this.node = h(
      "section",
      { class: "lab-sweep", "aria-label": words.sweep },
      h(
        "h3",
        {},
        h("span", { class: "sp-cut", title: words.sweep }, words.sweep),
        this.#range,
        h("span", { class: "sp-grow" }),
        this.#best,
      ),
      this.#plane.node,
    );
    scope.listen<MouseEvent>(this.#plane.canvas, "click", (event) => {
      const cell = this.#under(event);
      if (cell) this.#goTo(cell.i, cell.j);
    });
    this.#plane.follow(scope, (event) => this.#values(event));
  }

  /** Of the active detector only: another one's says nothing about it. */
  get #sweep(): Sweep | null {
    const { store } = this.#app;
    return store.sweep?.index === store.active ? store.sweep : null;
  }

  draw(palette: LabPalette | null): void {
    const sweep = this.#sweep;
    const { words } = this.#app;
    this.#best.disabled = sweep === null;
    const low = sweep ? Math.min(...sweep.f1) : 0;
    const high = sweep ? Math.max(...sweep.f1) : 0;
    const range = sweep ? words.sweepRange(short(low, 2), short(high, 2)) : "";
    setText(this.#range, range);
    setAttribute(this.#range, "title", range);
    const context = palette && this.#plane.begin(palette.font);
    if (!context || !palette || !sweep) {
      if (context) context.clearRect(0, 0, this.#plane.width, this.#plane.height);
      return;
    }
    const [columns, rows] = [sweep.threshold.length, sweep.silence_ms.length];
    const share = (i: number) => ((sweep.f1[i] ?? low) - low) / (high - low || 1);
    for (let j = 0; j < rows; j++) {
      for (let i = 0; i < columns; i++) {
        const { x, y, w, h: height } = this.#cell(i, j, sweep);
        context.globalAlpha = 0.06 + 0.84 * share(j * columns + i) ** 1.6;
        context.fillStyle = palette.heat;
        context.fillRect(x + 0.5, y + 0.5, w - 1, height - 1);
      }
    }
    context.globalAlpha = 1;
    const best = bestCell(sweep);
    const now = this.#now(sweep);
    for (const [cell, ring] of [
      [best, false],
      [now, true],
    ] as const) {
      if (!cell) continue;
      const light = share(cell.j * columns + cell.i) > LIGHT_ABOVE;
      context.strokeStyle = context.fillStyle = light ? palette.heatOn : palette.ink;
      const { x, y, w, h: height } = this.#cell(cell.i, cell.j, sweep);
      mark(context, x + w / 2, y + height / 2, ring);
    }
    this.#labels(context, palette, sweep);
  }

  #labels(context: CanvasRenderingContext2D, palette: LabPalette, sweep: Sweep): void {
    const { words, store } = this.#app;
    const { width, height } = this.#plane;
    const unit = store.detector(store.active)?.unit ?? "probability";
    context.fillStyle = palette.secondary;
    context.textAlign = "right";
    for (const [j, ms] of sweep.silence_ms.entries()) {
      const { y, h: cell } = this.#cell(0, j, sweep);
      if (j % 2 === 0 || j === sweep.silence_ms.length - 1)
        context.fillText(short(ms / 1000), LEFT - 4, y + cell / 2 + 4);
    }
    context.textAlign = "center";
    const every = unit === "probability" ? 2 : 4;
    for (const [i, value] of sweep.threshold.entries()) {
      const { x, w } = this.#cell(i, 0, sweep);
      const text = unit === "probability" ? short(value) : shown(value, unit);
      if (i % every === 0) context.fillText(text, x + w / 2, height - BOTTOM + 13);
    }
    context.fillText(words.startThreshold, LEFT + (width - LEFT) / 2, height - 3);
    upright(context, words.minSilenceS, 9, MARGIN + (height - BOTTOM - MARGIN) / 2);
  }

  #cell(i: number, j: number, { threshold, silence_ms }: Sweep) {
    const w = (this.#plane.width - LEFT - 1) / threshold.length;
    const height = (this.#plane.height - BOTTOM - MARGIN) / silence_ms.length;
    return { x: LEFT + i * w, y: MARGIN + (silence_ms.length - 1 - j) * height, w, h: height };
  }

  /** The cell nearest to the present settings. */
  #now(sweep: Sweep): { i: number; j: number } | null {
    const detector = this.#app.store.detector(this.#app.store.active);
    if (!detector) return null;
    return {
      i: nearest(sweep.threshold, detector.threshold),
      j: nearest(sweep.silence_ms, detector.min_silence_duration_ms),
    };
  }

  #goToBest(): void {
    const sweep = this.#sweep;
    const best = sweep && bestCell(sweep);
    if (best) this.#goTo(best.i, best.j);
  }

  #under(event: MouseEvent): { i: number; j: number } | null {
    const sweep = this.#sweep;
    if (!sweep) return null;
    const { x, y } = this.#plane.point(event);
    const { w, h: height } = this.#cell(0, 0, sweep);
    const i = Math.floor((x - LEFT) / w);
    const j = sweep.silence_ms.length - 1 - Math.floor((y - MARGIN) / height);
    const inside = i >= 0 && i < sweep.threshold.length && j >= 0 && j < sweep.silence_ms.length;
    return inside ? { i, j } : null;
  }

  #values(event: MouseEvent): { text: string; x: number; y: number } | null {
    const { store, words } = this.#app;
    const sweep = this.#sweep;
    const cell = this.#under(event);
    const unit = store.detector(store.active)?.unit;
    if (!sweep || !cell || !unit) return null;
    const { x, y, w } = this.#cell(cell.i, cell.j, sweep);
    const f1 = sweep.f1[cell.j * sweep.threshold.length + cell.i] ?? 0;
    const start = shown(sweep.threshold[cell.i] ?? 0, unit);
    return { text: words.heatCell(start, String(sweep.silence_ms[cell.j]), f1.toFixed(3)), x: x + w / 2, y };
  }

  #goTo(i: number, j: number): void {
    const { store } = this.#app;
    const [threshold, silence_ms] = [this.#sweep?.threshold[i], this.#sweep?.silence_ms[j]];
    if (threshold === undefined || silence_ms === undefined) return;
    const lines = store.startAt(store.active, threshold);
    if (lines) void this.#app.setDetector(store.active, { ...lines, min_silence_duration_ms: silence_ms });
  }
}

function nearest(values: readonly number[], value: number): number {
  let best = 0;
  for (const [i, one] of values.entries())
    if (Math.abs(one - value) < Math.abs((values[best] as number) - value)) best = i;
  return best;
}

/** Of equals the one in the middle: it is the least sensitive to a change. */
function bestCell({ f1, threshold }: Sweep): { i: number; j: number } {
  const most = Math.max(...f1);
  const equals = [...f1.keys()].filter((at) => f1[at] === most);
  const at = equals[Math.floor(equals.length / 2)] ?? 0;
  return { i: at % threshold.length, j: Math.floor(at / threshold.length) };
}

function mark(context: CanvasRenderingContext2D, x: number, y: number, ring: boolean): void {
  context.lineWidth = 1.75;
  context.beginPath();
  if (ring) {
    context.arc(x, y, 5, 0, 7);
    context.stroke();
    return;
  }
  for (let s = 0; s < 10; s++) {
    const radius = s % 2 ? 2.6 : 6.2;
    const angle = -Math.PI / 2 + (s * Math.PI) / 5;
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  context.closePath();
  context.fill();
}
