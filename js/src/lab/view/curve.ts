import type { Scope } from "../../scope.ts";
import { button, h, setAttribute } from "../../view/dom.ts";
import { colourOf } from "../../view/paint/palette.ts";
import { shown } from "../../view/scale.ts";
import type { LabApp } from "../app.ts";
import type { CurvePoint, Metrics } from "../wire.ts";
import { nameOf, shapeOf } from "./detector-rows.ts";
import type { LabPalette } from "./lab-paint.ts";
import { Plane, short, upright } from "./plane.ts";

type Kind = "pr" | "roc";
const [LEFT, BOTTOM, MARGIN, RIGHT] = [30, 30, 6, 11]; // the ring around a perfect detector needs room
const REACH_PX = 40;
const DASHES: Record<string, number[]> = { silero: [], energy: [4, 3], webrtc: [1.5, 2.5] };
const F1_LINES = [0.5, 0.6, 0.7, 0.8, 0.9];

interface Found {
  index: number;
  point: CurvePoint;
  x: number;
  y: number;
}

/** What other start lines would give, the present one ringed; a click on the curve moves the line there. */
export class CurvePanel {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #plane: Plane;
  readonly #tabs: Record<Kind, HTMLButtonElement>;
  #kind: Kind = "pr";
  #palette: LabPalette | null = null;
  #lowest = 0.6;

  constructor(app: LabApp, scope: Scope) {
    const { words } = app;
    this.#app = app;
    this.#plane = new Plane(words.curve);
    const tab = (kind: Kind) =>
      button(scope, { role: "tab" }, [kind.toUpperCase()], () => {
        this.#kind = kind;
        this.draw(this.#palette);
      });
    this.#tabs = { pr: tab("pr"), roc: tab("roc") };
    const tabs = h("span", { class: "tabs", role: "tablist" }, this.#tabs.pr, this.#tabs.roc);
    this.node = h(
      "section",
      { class: "lab-curve", "aria-label": words.curve },
      h(
        "h3",
        {},
        h("span", { class: "sp-cut", title: words.curve }, words.curve),
        h("span", { class: "sp-grow" }),
        tabs,
      ),
      this.#plane.node,
    );
    scope.listen<MouseEvent>(this.#plane.canvas, "click", (event) => this.#click(event));
    this.#plane.follow(scope, (event) => this.#values(event));
  }

  draw(palette: LabPalette | null): void {
    this.#palette = palette;
    for (const [kind, tab] of Object.entries(this.#tabs))
      setAttribute(tab, "aria-selected", kind === this.#kind);
    const { store, words } = this.#app;
    const detector = store.detector(store.active);
    if (detector) {
      const now = shown(detector.threshold, detector.unit);
      setAttribute(this.#plane.canvas, "aria-label", words.curveLabel(nameOf(detector, words), now));
    }
    if (!palette) return;
    const context = this.#plane.begin(palette.font);
    if (!context) return;
    this.#lowest = this.#kind === "pr" ? this.#lowestShown() : 0;
    this.#axes(context, palette);
    for (const index of this.#order()) this.#line(context, palette, index);
    for (const index of this.#order()) this.#mark(context, palette, index);
  }

  /** The active detector is drawn last, above the others. */
  #order(): number[] {
    const { store } = this.#app;
    const others = store.lanes.map((_, index) => index).filter((index) => index !== store.active);
    return [...others.reverse(), store.active].filter((index) => store.lanes[index]);
  }

  #lowestShown(): number {
    const { store } = this.#app;
    const values = store.lanes.flatMap((_, i) => {
      const metrics = store.metrics(i);
      return metrics ? [metrics.precision, metrics.recall] : [];
    });
    const least = Math.min(0.7, ...values);
    return Math.max(0, Math.min(0.6, Math.floor((least - 0.05) * 5) / 5));
  }

  #x(value: number): number {
    const from = this.#kind === "pr" ? this.#lowest : 0;
    return LEFT + ((value - from) / (1 - from)) * (this.#plane.width - LEFT - RIGHT);
  }

  #y(value: number): number {
    return (
      MARGIN + (1 - (value - this.#lowest) / (1 - this.#lowest)) * (this.#plane.height - BOTTOM - MARGIN)
    );
  }

  #at(point: Pick<CurvePoint, "recall" | "precision" | "false_alarm_rate"> | Metrics): [number, number] {
    return this.#kind === "pr"
      ? [this.#x(point.recall), this.#y(point.precision)]
      : [this.#x(point.false_alarm_rate), this.#y(point.recall)];
  }

  #axes(context: CanvasRenderingContext2D, palette: LabPalette): void {
    const { width, height } = this.#plane;
    const { words } = this.#app;
    const pr = this.#kind === "pr";
    context.lineWidth = 1;
    context.strokeStyle = palette.grid;
    if (pr)
      for (const f1 of F1_LINES.filter((value) => value > this.#lowest)) this.#f1Line(context, palette, f1);
    context.strokeStyle = palette.axis;
    context.strokeRect(LEFT + 0.5, MARGIN + 0.5, width - LEFT - RIGHT - 1, height - BOTTOM - MARGIN - 1);
    context.fillStyle = palette.secondary;
    const middle = (this.#lowest + 1) / 2;
    for (const [value, across, down_px, right_px] of [
      [this.#lowest, 0, 0, 6],
      [middle, 0.5, 4, 0],
      [1, 1, 8, -4],
    ] as const) {
      context.textAlign = "right";
      context.fillText(short(value), LEFT - 4, this.#y(value) + down_px);
      context.textAlign = "center";
      const at = pr ? value : across;
      context.fillText(short(at), this.#x(at) + right_px, height - BOTTOM + 13);
    }
    context.fillText(pr ? words.recall : words.falseAlarms, (LEFT + width - RIGHT) / 2, height - 3);
    upright(context, pr ? words.precision : words.recall, 9, (MARGIN + height - BOTTOM) / 2);
  }

  #f1Line(context: CanvasRenderingContext2D, palette: LabPalette, f1: number): void {
    context.beginPath();
    let drawn = false;
    for (let recall = this.#lowest; recall <= 1.001; recall += 0.005) {
      const precision = (f1 * recall) / (2 * recall - f1);
      if (precision < this.#lowest || precision > 1) continue;
      if (drawn) context.lineTo(this.#x(recall), this.#y(precision));
      else context.moveTo(this.#x(recall), this.#y(precision));
      drawn = true;
    }
    context.stroke();
    // a word where the line meets the upper edge, for every other line, if there is room for it
    const corner = f1 / (2 - f1);
    if (corner < this.#lowest + 0.2 * (1 - this.#lowest) || Math.round(f1 * 10) % 2 === 0) return;
    context.fillStyle = palette.secondary;
    context.textAlign = "right";
    context.fillText(`F1 ${f1}`, this.#x(corner) - 2, MARGIN + 13);
  }

  #line(context: CanvasRenderingContext2D, palette: LabPalette, index: number): void {
    const { store } = this.#app;
    const points = store.curves[index];
    const detector = store.lanes[index]?.detector;
    if (!points?.length || !detector) return;
    const active = index === store.active;
    context.save();
    context.beginPath();
    context.rect(LEFT, MARGIN, this.#plane.width - LEFT - RIGHT, this.#plane.height - BOTTOM - MARGIN);
    context.clip();
    context.beginPath();
    for (const [i, point] of points.entries()) {
      const [x, y] = this.#at(point);
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
    const colour = colourOf(detector.name);
    context.strokeStyle = palette.detector(colour).line;
    context.lineWidth = active ? 2 : 1.25;
    context.setLineDash(DASHES[colour] ?? []);
    context.lineJoin = "round";
    context.stroke();
    context.restore();
  }

  /** Where a detector is now: its shape, and a ring around the active one. */
  #mark(context: CanvasRenderingContext2D, palette: LabPalette, index: number): void {
    const { store } = this.#app;
    const metrics = store.metrics(index);
    const detector = store.lanes[index]?.detector;
    if (!metrics || !detector) return;
    const [x, y] = this.#at(metrics);
    const active = index === store.active;
    const k = active ? 6 : 4.5;
    context.beginPath();
    const shape = shapeOf(index);
    if (shape === "square" || shape === "star") context.rect(x - k + 1, y - k + 1, 2 * k - 2, 2 * k - 2);
    else if (shape === "circle") context.arc(x, y, k, 0, 7);
    else {
      context.moveTo(x, y - k - 1);
      context.lineTo(x + k + 1, y + k - 1);
      context.lineTo(x - k - 1, y + k - 1);
      context.closePath();
    }
    context.fillStyle = palette.detector(colourOf(detector.name)).line;
    context.strokeStyle = palette.paper;
    context.lineWidth = 2;
    context.stroke();
    context.fill();
    if (!active) return;
    context.strokeStyle = palette.ink;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, 9, 0, 7);
    context.stroke();
  }

  /** The point of a curve that is nearest to the pointer, within reach: of the active detector's, or of any. */
  #nearest(event: MouseEvent, indices: readonly number[]): Found | null {
    const here = this.#plane.point(event);
    let best: Found | null = null;
    let best_px = REACH_PX;
    for (const index of indices)
      for (const point of this.#app.store.curves[index] ?? []) {
        const [x, y] = this.#at(point);
        const px = Math.hypot(x - here.x, y - here.y);
        if (px < best_px) [best, best_px] = [{ index, point, x, y }, px];
      }
    return best;
  }

  #values(event: MouseEvent): { text: string; x: number; y: number } | null {
    const { store, words } = this.#app;
    // where curves run together, it is the active detector's that a click would move along
    const all = [store.active, ...store.lanes.keys()];
    const found = this.#nearest(event, all);
    const detector = found && store.detector(found.index);
    if (!found || !detector) return null;
    const { threshold, precision, recall } = found.point;
    const f1 = precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
    const figures = [precision, recall, f1].map((value) => value.toFixed(3)) as [string, string, string];
    const start = `${nameOf(detector, words)}: ${shown(threshold, detector.unit)}`;
    return { text: words.curvePoint(start, ...figures), x: found.x, y: found.y };
  }

  #click(event: MouseEvent): void {
    const { store } = this.#app;
    const best = this.#nearest(event, [store.active])?.point;
    // it came as a 32 bit number
    const lines = best && store.startAt(store.active, Number(best.threshold.toPrecision(6)));
    if (lines) void this.#app.setDetector(store.active, lines);
  }
}
