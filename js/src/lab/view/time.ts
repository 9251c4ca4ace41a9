import { FrameLoop, Scope } from "../../scope.ts";
import { levelFor } from "../../store/pyramid.ts";
import { h, setAttribute, setText, toggle } from "../../view/dom.ts";
import { panByPointer, panByWheel, pinch } from "../../view/gestures.ts";
import { watchTheme } from "../../view/paint/palette.ts";
import { Axis, type Box } from "../../view/paint/scene.ts";
import { ticksOf } from "../../view/ruler.ts";
import type { Viewport } from "../../view/viewport.ts";
import { type LabApp, serverAsked } from "../app.ts";
import { readLabPalette } from "../palette.ts";
import type { Selection } from "../selection.ts";
import { length_s } from "../spans.ts";
import { type LabPalette, paintLab } from "./paint.ts";
import { boxIn, row } from "./rows.ts";
import { stretchByPointer } from "./stretch.ts";
import { TruthLane } from "./truth-lane.ts";
import { type Before, Tuned } from "./tuned.ts";
import { WhyTip } from "./why-tip.ts";

/** All tracks on one time axis: waveform, truth, and each detector with its lanes. */
export class LabTime {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #selection: Selection;
  readonly #canvas = h("canvas", { class: "sp-canvas", role: "img" });
  readonly #rulerRow = row("sp-ruler", []);
  readonly #wave;
  readonly #truthRow;
  readonly #truth: TruthLane;
  readonly #regions = h("span", { style: "top:8px" });
  readonly #serverRow;
  readonly #heard = h("span");
  readonly #invitation: HTMLElement;
  readonly #head = h("div", { class: "sp-playhead", "aria-hidden": "true" });
  readonly #why: WhyTip;
  readonly #loop: FrameLoop;
  readonly #scope: Scope;
  readonly #detectors = h("div", { role: "radiogroup" });
  #tuned: Tuned[] = [];
  #inner: Scope | null = null;
  #made = "";
  #palette: LabPalette | null = null;
  #axis: Axis | null = null;

  constructor(app: LabApp, viewport: Viewport, selection: Selection, scope: Scope) {
    const { words } = app;
    this.#app = app;
    this.#viewport = viewport;
    this.#selection = selection;
    this.#scope = scope;
    const ends = [h("span", { style: "top:2px" }, "+1"), h("span", { style: "bottom:2px" }, "−1")];
    this.#wave = row("is-wave", [h("span", {}, words.waveform), h("small", {}, words.fullScale)], ends);
    this.#truthRow = row("lab-truth lab-row-end", [h("span", {}, words.truth)], [this.#regions]);
    this.#serverRow = row("lab-server lab-row-end", [h("span", {}, words.serverLane)], [this.#heard]);
    this.#serverRow.node.hidden = true;
    this.#invitation = h("span", { class: "lab-invitation" }, words.noTruth);
    this.#truth = new TruthLane(app, selection, () => this.#axis, scope);
    this.#truthRow.plot.append(this.#invitation, this.#truth.node);
    setAttribute(this.#detectors, "aria-label", words.detector);
    this.#why = new WhyTip(app, () => this.#axis && { axis: this.#axis, node: this.node });
    const rows = [this.#rulerRow, this.#wave, this.#truthRow, this.#serverRow].map(({ node }) => node);
    this.node = h(
      "div",
      { class: "sp-view lab-view", role: "group", tabindex: 0, "aria-label": words.base.timeView },
      this.#canvas,
      ...rows,
      this.#detectors,
      this.#head,
      this.#why.mark,
      this.#why.node,
    );
    this.#loop = new FrameLoop(scope, () => this.#frame());
    this.#bind();
  }

  /** The detector before the line that is being moved, and how many segments it had. */
  get before(): Before | null {
    return this.#tuned.find(({ before }) => before)?.before ?? null;
  }

  refresh(): void {
    this.#make();
    this.#loop.request();
  }

  /** Follows size and theme; `themed` is called when the colours changed. */
  attach(root: HTMLElement, themed: () => void): void {
    watchTheme(root, this.#scope, () => {
      this.#palette = null;
      this.refresh();
      themed();
    });
    const observer = new ResizeObserver(() => this.refresh());
    observer.observe(this.node);
    this.#scope.own(() => observer.disconnect());
    this.#scope.listen(window, "resize", () => this.refresh());
  }

  /** The colours, read when they are first needed after a change of theme. */
  get palette(): LabPalette {
    this.#palette ??= readLabPalette(this.node);
    return this.#palette;
  }

  /** Where the playhead stands. */
  get #head_s(): number {
    return this.#app.player.position_s ?? this.#selection.head_s;
  }

  #bind(): void {
    const { store, player, windows } = this.#app;
    const scope = this.#scope;
    const width = () => this.#axis?.width ?? 1;
    panByWheel(this.node, this.#viewport, width, scope);
    pinch(this.node, this.#viewport, width, scope);
    panByPointer(this.#rulerRow.plot, this.#viewport, width, scope);
    stretchByPointer(this.#wave.plot, this.#app, this.#selection, () => this.#axis, scope);
    this.#truth.bind(this.#truthRow.plot, scope);
    const again = () => this.refresh();
    store.on(scope, "change", again);
    windows.on(scope, "filled", again);
    this.#viewport.on(scope, "change", again);
    this.#selection.on(scope, "change", again);
    player.on(scope, "change", again);
    scope.own(() => windows.forget(this));
  }

  /** Builds the rows of the detectors, anew where there are other ones. */
  #make(): void {
    const { store } = this.#app;
    const key = JSON.stringify(store.lanes.map(({ detector }) => detector.label));
    if (key === this.#made) return;
    this.#made = key;
    this.#inner?.dispose();
    const scope = new Scope(this.#scope.signal);
    this.#inner = scope;
    this.#tuned = store.lanes.map(({ detector }, index) => {
      const tuned = new Tuned(this.#app, detector, index, scope);
      this.#why.bind(tuned.rows.segments.plot, index, scope);
      return tuned;
    });
    this.#detectors.replaceChildren(...this.#tuned.flatMap(({ rows }) => rows.rows.map(({ node }) => node)));
  }

  #frame(): void {
    const { store, player, windows } = this.#app;
    if (!this.node.isConnected) return;
    for (const tuned of this.#tuned) tuned.update();
    this.#showServer();
    const { width } = this.#canvas.getBoundingClientRect();
    if (width <= 0) return;
    const { start_s, span_s } = this.#viewport;
    const axis = new Axis(start_s, span_s, width, globalThis.devicePixelRatio || 1);
    this.#axis = axis;
    const level = levelFor(span_s / width / axis.ratio / store.session.signals.column_s);
    windows.want(this, level, start_s, start_s + span_s);
    this.#paint(axis);
    this.#place(axis);
    if (player.position_s !== null) this.#loop.request();
  }

  /** The server's lane is there from when it was asked. */
  #showServer(): void {
    const { store, words } = this.#app;
    const asked = store.state?.server ?? null;
    this.#serverRow.node.hidden = asked === null;
    if (!asked) return;
    setText(this.#heard, words.segmentCount(store.server.length / 2));
    this.#serverRow.node.title = serverAsked(words, asked);
  }

  #paint(axis: Axis): void {
    const canvas = this.#canvas;
    const height = this.#detectors.getBoundingClientRect().bottom - this.node.getBoundingClientRect().top;
    const [w, h_] = [Math.round(axis.width * axis.ratio), Math.round(height * axis.ratio)];
    if (canvas.width !== w || canvas.height !== h_) [canvas.width, canvas.height] = [w, h_];
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    if (!context) return;
    const box = (of: Parameters<typeof boxIn>[1]): Box => boxIn(canvas, of);
    paintLab({
      context,
      axis,
      height,
      ruler: box(this.#rulerRow),
      flag: { time_s: this.#head_s, live: false },
      avoid_x: null,
      palette: this.palette,
      wave: box(this.#wave),
      server: this.#serverRow.node.hidden ? null : box(this.#serverRow),
      detectors: this.#tuned.map(({ rows }) => ({
        score: box(rows.score),
        segments: box(rows.segments),
        errors: box(rows.errors),
      })),
      store: this.#app.store,
      selection: this.#selection,
      ticks: ticksOf(this.#viewport.start_s, this.#viewport.span_s, axis.width),
      words: this.#app.words,
      before: this.before,
    });
  }

  /** What consists of elements: labels, flags, regions, playhead. */
  #place(axis: Axis): void {
    const { store, words } = this.#app;
    const x = axis.x(this.#head_s);
    this.#head.hidden = x < 0 || x > axis.width;
    this.#head.style.transform = `translateX(${x.toFixed(1)}px)`;
    this.#truth.update(axis);
    this.#invitation.hidden = store.truth.length > 0 || store.state === null;
    setText(this.#regions, words.regions(store.truth.length / 2, length_s(store.truth).toFixed(1)));
    toggle(this.#truthRow.plot, "is-painting", this.#selection.painting);
    const [from_s, to_s] = [axis.time(0), Math.min(axis.time(axis.width), store.duration_s)];
    const counted = [
      (store.lane?.spans.length ?? 0) / 2,
      store.errors("missed").length,
      store.errors("false_alarms").length,
    ];
    const [segments = 0, missed = 0, alarms = 0] = counted;
    setAttribute(
      this.#canvas,
      "aria-label",
      words.canvas(from_s.toFixed(0), to_s.toFixed(0), segments, missed, alarms),
    );
  }
}
