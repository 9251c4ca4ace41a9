import type { App } from "../app.ts";
import { FrameLoop, type Scope } from "../scope.ts";
import type { Line } from "../store/lines.ts";
import { Chips } from "./chips.ts";
import { describePicture, peakDb } from "./describe.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { ErrorPanel } from "./error-panel.ts";
import { panelProblem, runAction } from "./failure.ts";
import { Flags } from "./flags.ts";
import { panByPointer, panByWheel } from "./gestures.ts";
import { Lessons } from "./lessons.ts";
import { LiveEdge } from "./live-edge.ts";
import { Overview } from "./overview.ts";
import { Painter } from "./paint/painter.ts";
import { type Palette, readPalette, watchTheme } from "./paint/palette.ts";
import type { Axis, Layout } from "./paint/scene.ts";
import { Ruler, ticksOf } from "./ruler.ts";
import { Tracks } from "./tracks.ts";
import type { Viewport } from "./viewport.ts";

const DESCRIBE_MS = 2_000; // the sentence about the picture

export interface TimeViewEvents {
  select(line: Line): void;
  chooseFile(): void;
  /** called with every painted frame */
  painted(edge_s: number): void;
}

/** Everything above the transcript that shares one time axis. Draws only while something changes. */
export class TimeView {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #events: TimeViewEvents;
  readonly #canvas = h("canvas", { class: "sp-canvas", role: "img" });
  readonly #tracks: Tracks;
  readonly #ruler = new Ruler();
  readonly #chips: Chips;
  readonly #flags: Flags;
  readonly #overview: Overview;
  readonly #lessons: Lessons;
  readonly #panel: ErrorPanel;
  readonly #painter = new Painter(this.#canvas);
  readonly #edge = new LiveEdge();
  readonly #loop: FrameLoop;
  readonly #still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");
  #palette: Palette | null = null;
  #layout: Layout | null = null;
  #dirty_s = Number.NEGATIVE_INFINITY;
  #rebuild = true;
  #begun = false;
  #place_painted = "";
  #described_ms = Number.NEGATIVE_INFINITY;

  constructor(app: App, viewport: Viewport, events: TimeViewEvents, scope: Scope) {
    const words = app.strings;
    this.#app = app;
    this.#viewport = viewport;
    this.#events = events;
    this.#tracks = new Tracks(words);
    this.#chips = new Chips(app.session.lines, words.text, events.select, scope);
    this.#flags = new Flags(
      words,
      app.synced.detector,
      (changes) => void app.setDetector({ ...changes }),
      () => this.refresh(),
      scope,
    );
    this.#overview = new Overview(app.session, viewport, words.session, scope);
    this.#lessons = new Lessons(words, this.#tracks);
    this.#panel = new ErrorPanel(words, (action) => runAction(app, action, events.chooseFile), scope);
    this.#loop = new FrameLoop(scope, (now_ms) => this.#frame(now_ms));
    this.node = this.#assemble();
    panByWheel(this.node, viewport, () => this.#layout?.width ?? 1, scope);
    panByPointer(this.#tracks.get("ruler").plot, viewport, () => this.#layout?.width ?? 1, scope);
    this.#subscribe(scope);
  }

  /** Everything may look different: traits, selection, size, theme. */
  refresh(): void {
    this.#dirty_s = Number.NEGATIVE_INFINITY;
    this.#rebuild = true;
    this.#refreshState();
    this.#loop.request();
  }

  /** Follows the root's size and theme; called once the root is in the page. */
  attach(root: HTMLElement, scope: Scope): void {
    watchTheme(root, scope, () => {
      this.#palette = null;
      this.refresh();
    });
    const resized = () => {
      this.#layout = null;
      this.refresh();
    };
    const observer = new ResizeObserver(resized);
    observer.observe(this.node);
    scope.own(() => observer.disconnect());
    scope.listen(window, "resize", resized); // the pixel ratio may have changed
  }

  #assemble(): HTMLElement {
    const tracks = this.#tracks;
    tracks.get("ruler").plot.append(this.#ruler.node);
    tracks.get("text").plot.append(this.#chips.node);
    tracks.get("score").rail.append(...this.#flags.nodes);
    const overview = tracks.get("overview");
    overview.plot.replaceWith(this.#overview.plot);
    overview.rail.append(this.#overview.length);
    const rows = [...tracks.rows.values()].map(({ node }) => node);
    return h(
      "div",
      { class: "sp-view", role: "group", tabindex: 0, "aria-label": this.#app.strings.timeView },
      this.#canvas,
      ...rows,
      this.#panel.node,
    );
  }

  #subscribe(scope: Scope): void {
    const { session, synced, page } = this.#app;
    const changed = ({ from_s }: { from_s: number }) => {
      this.#dirty_s = Math.min(this.#dirty_s, from_s);
      this.#loop.request();
    };
    session.on(scope, "frames", (event) => {
      if (!this.#begun) this.refresh(); // the first sound ends the lessons
      this.#begun = true;
      changed(event);
    });
    session.on(scope, "events", (event) => {
      this.#rebuild = true;
      changed(event);
    });
    session.on(scope, "reset", () => {
      this.#begun = false;
      this.#viewport.reset();
      this.refresh();
    });
    synced.on(scope, "change", () => {
      this.#flags.confirm(synced.detector);
      this.refresh();
    });
    page.on(scope, "change", () => this.refresh());
    this.#viewport.on(scope, "change", () => this.refresh());
    this.#viewport.on(scope, "selection", () => this.refresh());
  }

  #frame(now_ms: number): void {
    if (!this.node.isConnected) return;
    const { session, phase } = this.#app;
    const running = phase === "live";
    const more = this.#edge.advance(now_ms, session.clock_s, running, this.#still?.matches ?? false);
    const edge_s = this.#edge.value;
    this.#viewport.moveEdge(edge_s);
    const layout = this.#measure();
    if (layout.width > 0 && this.#differs(layout, edge_s)) {
      const axis = this.#paint(layout, edge_s);
      this.#place(axis, edge_s, now_ms);
    }
    this.#events.painted(edge_s);
    if (more) this.#loop.request();
    else if (!running) this.#edge.rest();
  }

  /** Whether a new frame would differ: the edge is on another pixel, or its clock shows another tenth. */
  #differs({ width, ratio }: Layout, edge_s: number): boolean {
    const place = `${Math.floor((edge_s * width * ratio) / this.#viewport.span_s)} ${Math.floor(edge_s * 10)}`;
    const differs = this.#rebuild || place !== this.#place_painted;
    this.#place_painted = place;
    return differs;
  }

  #measure(): Layout {
    if (!this.#layout) {
      this.#layout = this.#tracks.layout(this.#canvas, globalThis.devicePixelRatio || 1);
      this.#canvas.style.height = `${this.#layout.height}px`;
    }
    return this.#layout;
  }

  get #fresh(): boolean {
    return this.#app.session.clock_s === 0;
  }

  #paint(layout: Layout, edge_s: number): Axis {
    const { session, synced, phase } = this.#app;
    const { start_s, span_s, selected } = this.#viewport;
    this.#palette ??= readPalette(this.node);
    const line = selected === null ? undefined : session.lines.get(selected);
    const axis = this.#painter.paint(
      {
        layout,
        palette: this.#palette,
        session,
        detector: this.#flags.detector,
        whose: synced.whose,
        edge_s,
        recording: phase === "live",
        ticks: ticksOf(start_s, span_s, layout.width),
        selection: line ? { start_s: line.start_s, end_s: Math.max(line.end_s, line.start_s) } : null,
        fresh: this.#fresh,
      },
      { start_s, span_s },
      this.#dirty_s,
    );
    this.#dirty_s = Number.POSITIVE_INFINITY;
    return axis;
  }

  /** The parts that are elements: labels, chips, flags, overview, panel. */
  #place(axis: Axis, edge_s: number, now_ms: number): void {
    const { phase, session, synced, strings: words } = this.#app;
    const { start_s, span_s, selected } = this.#viewport;
    const rebuild = this.#rebuild;
    this.#rebuild = false;
    const flag = this.#fresh ? "none" : phase === "live" ? "live" : "off";
    this.#ruler.update(axis, ticksOf(start_s, span_s, axis.width), edge_s, flag);
    if (rebuild) this.#chips.rebuild(axis, edge_s, selected);
    this.#chips.move(axis, edge_s, selected);
    this.#overview.update(edge_s, this.#palette?.wave ?? "", now_ms, rebuild);
    if (rebuild) this.#flags.update(this.#measure().score.h, this.#measure().named);
    setText(this.#tracks.peak, words.peak(peakDb(session, axis)));
    this.#tracks.peak.hidden = this.#fresh;
    if (!rebuild && now_ms - this.#described_ms < DESCRIBE_MS) return;
    this.#described_ms = now_ms;
    setAttribute(this.#canvas, "aria-label", describePicture(session, synced.whose, axis, edge_s, words));
  }

  /** What follows from the state alone. At once: it must not wait for a frame, which a hidden page never gets. */
  #refreshState(): void {
    const { strings: words, phase } = this.#app;
    const { detector } = this.#flags;
    const name = detector.name.toLowerCase();
    this.#tracks.showDetector(
      name,
      `${words.detectorNames[name] ?? detector.name}, ${words.scoreRange[detector.unit]}`,
    );
    const problem = panelProblem(this.#app);
    this.#panel.show(problem);
    this.#canvas.classList.toggle("is-hidden", problem !== null);
    const before = phase === "idle" || phase === "asking" || phase === "connecting";
    this.#lessons.show(this.#fresh && problem === null && before);
  }
}
