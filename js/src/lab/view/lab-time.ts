import { FrameLoop, Scope } from "../../scope.ts";
import { h, setAttribute, setText, toggle } from "../../view/dom.ts";
import { drawStretches, lookAlong, type Strokes } from "../../view/gestures.ts";
import { Overview } from "../../view/overview.ts";
import { readPalette } from "../../view/paint/palette.ts";
import { ticksOf } from "../../view/paint/ruler.ts";
import { Axis, type Box } from "../../view/paint/scene.ts";
import { boxIn, fitCanvas, followPage, type Row, timeRow, timeView, waveRow } from "../../view/time-rows.ts";
import type { Viewport } from "../../view/viewport.ts";
import { type LabApp, serverAsked } from "../app.ts";
import { length_s } from "../intervals.ts";
import type { Selection } from "../selection.ts";
import { type Before, DetectorView } from "./detector-rows.ts";
import { LAB_COLOURS, type LabPalette, paintLab } from "./lab-paint.ts";
import { SpanHandles } from "./span-handles.ts";
import { TruthLane } from "./truth-lane.ts";
import { WhyTip } from "./why-tip.ts";

/** All tracks on one time axis: waveform, truth, and each detector with its lanes. */
export class LabTime {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #selection: Selection;
  readonly #canvas = h("canvas", { class: "sp-canvas", role: "img" });
  readonly #rulerRow = timeRow("sp-ruler", []);
  readonly #wave: Row;
  readonly #truthRow: Row;
  readonly #truth: TruthLane;
  readonly #span: SpanHandles;
  readonly #overview: Overview;
  #repaint = true;
  readonly #regions = h("span", { style: "top:8px" });
  readonly #serverRow: Row;
  readonly #serverCount = h("span");
  readonly #invitation: HTMLElement;
  readonly #head = h("div", { class: "sp-playhead", "aria-hidden": "true" });
  readonly #why: WhyTip;
  readonly #loop: FrameLoop;
  readonly #scope: Scope;
  readonly #detectors = h("div", { role: "radiogroup" });
  #tuned: DetectorView[] = [];
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
    this.#wave = waveRow(words.base);
    this.#truthRow = timeRow("lab-truth lab-row-end", [h("span", {}, words.truth)], [this.#regions]);
    this.#serverRow = timeRow(
      "lab-server lab-row-end",
      [h("span", {}, words.base.serverVad)],
      [this.#serverCount],
    );
    this.#serverRow.node.hidden = true;
    this.#invitation = h("span", { class: "lab-invitation" }, words.noTruth);
    this.#truth = new TruthLane(app, viewport, selection, () => this.#axis, scope);
    this.#span = new SpanHandles(app, () => this.#axis, scope);
    this.#rulerRow.plot.append(...this.#span.nodes);
    this.#truthRow.plot.append(this.#invitation, this.#truth.node);
    setAttribute(this.#detectors, "aria-label", words.base.detector);
    this.#overview = new Overview(app, viewport, words.recording, scope);
    this.#why = new WhyTip(app, () => this.#axis && { axis: this.#axis, node: this.node });
    const { about } = words.base;
    setAttribute(this.#wave.node.firstElementChild as Element, "title", about.recording);
    setAttribute(this.#truthRow.node.firstElementChild as Element, "title", about.truth);
    setAttribute(this.#serverRow.node.firstElementChild as Element, "title", about.verdict);
    const rows = [this.#rulerRow, this.#wave, this.#truthRow, this.#serverRow].map(({ node }) => node);
    this.node = timeView(
      words.base,
      "lab-view",
      this.#canvas,
      ...rows,
      this.#detectors,
      overviewRow(words.recording, about.recording, this.#overview),
      this.#head,
      this.#why.mark,
      this.#why.node,
    );
    this.#loop = new FrameLoop(scope, (now_ms) => this.#frame(now_ms));
    this.#bind();
  }

  /** The detector before the line that is being moved, and how many segments it had. */
  get before(): Before | null {
    return this.#tuned.find(({ before }) => before)?.before ?? null;
  }

  #refresh(): void {
    this.#make();
    this.#repaint = true;
    this.#loop.request();
  }

  /** The rows may have other places. */
  resized(): void {
    this.#refresh();
  }

  /** Follows size and theme; `themed` is called when the colours changed. */
  attach(root: HTMLElement, themed: () => void): void {
    const changes = {
      themed: () => {
        this.#palette = null;
        this.#refresh();
        themed();
      },
      resized: () => this.#refresh(),
    };
    followPage(root, this.node, changes, this.#scope);
  }

  /** The colours, read when they are first needed after a change of theme. */
  get palette(): LabPalette {
    this.#palette ??= readPalette(this.node, LAB_COLOURS);
    return this.#palette;
  }

  /** Where the playhead stands. */
  get #head_s(): number {
    return this.#app.player.position_s ?? this.#selection.now.head_s;
  }

  #bind(): void {
    const { store, player, windows } = this.#app;
    const scope = this.#scope;
    const width = () => this.#axis?.width ?? 1;
    lookAlong(this.node, this.#rulerRow.plot, this.#viewport, width, scope);
    drawStretches(this.#wave.plot, () => this.#axis, this.#strokes, scope);
    this.#truth.bind(this.#truthRow.plot, scope);
    windows.filled.listen(scope, () => this.#refresh());
    scope.watch(
      () => [store.state, this.#viewport.moves.value, this.#selection.now, player.playing],
      () => this.#refresh(),
    );
    scope.own(() => windows.forget(this));
  }

  /** Drawing over the waveform selects and plays; a click places the playhead. */
  get #strokes(): Strokes {
    const { store, player } = this.#app;
    const selection = this.#selection;
    const inside = (time_s: number) => Math.max(0, Math.min(store.duration_s, time_s));
    return {
      draw: (from_s, to_s) => selection.set({ stretch: { start_s: inside(from_s), end_s: inside(to_s) } }),
      drop: () => {
        const { stretch } = selection.now;
        if (!stretch) return;
        selection.set({ head_s: stretch.start_s });
        void player.play(stretch.start_s, stretch.end_s);
      },
      click: (time_s) => {
        player.stop();
        selection.set({ head_s: inside(time_s), stretch: null });
      },
    };
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
      const tuned = new DetectorView(this.#app, detector, index, scope);
      this.#why.bind(tuned.rows.segments.plot, index, scope);
      return tuned;
    });
    this.#detectors.replaceChildren(...this.#tuned.flatMap(({ rows }) => rows.rows.map(({ node }) => node)));
  }

  #frame(now_ms: number): void {
    const { player, windows } = this.#app;
    if (!this.node.isConnected) return;
    for (const tuned of this.#tuned) tuned.update();
    this.#showServer();
    const { width } = this.#canvas.getBoundingClientRect();
    if (width <= 0) return;
    const { start_s, span_s } = this.#viewport;
    const axis = new Axis(start_s, span_s, width, globalThis.devicePixelRatio || 1);
    this.#axis = axis;
    windows.look(this, start_s, start_s + span_s, span_s / (width * axis.ratio));
    this.#paint(axis);
    this.#place(axis);
    this.#overview.update(this.#app.store.duration_s, this.palette.wave, now_ms, this.#repaint);
    this.#repaint = false;
    if (player.position_s !== null) this.#loop.request();
  }

  /** The server's lane is there from when it was asked. */
  #showServer(): void {
    const { store, words } = this.#app;
    const asked = store.state?.server ?? null;
    this.#serverRow.node.hidden = asked === null;
    if (!asked) return;
    setText(this.#serverCount, words.segmentCount(store.server.length / 2));
    this.#serverRow.node.title = serverAsked(words, asked);
  }

  #paint(axis: Axis): void {
    const canvas = this.#canvas;
    const height = this.#detectors.getBoundingClientRect().bottom - this.node.getBoundingClientRect().top;
    fitCanvas(canvas, axis.width, height, axis.ratio);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    if (!context) return;
    const box = (row: Row): Box => boxIn(canvas, row);
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
      session: this.#app.session,
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
    this.#span.update(axis);
    this.#invitation.hidden = store.truth.length > 0 || store.state === null;
    setText(this.#regions, words.regions(store.truth.length / 2, length_s(store.truth).toFixed(1)));
    toggle(this.#truthRow.plot, "is-painting", this.#selection.now.painting);
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

/** All of the recording, with the window in it. */
function overviewRow(name: string, title: string, { plot, length }: Overview): HTMLElement {
  return h(
    "div",
    { class: "sp-row sp-over" },
    h("div", { class: "sp-name", title }, h("span", {}, name)),
    plot,
    h("div", { class: "sp-rail" }, length),
  );
}
