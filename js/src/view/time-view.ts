import type { App } from "../app.ts";
import { FrameLoop, type Scope } from "../scope.ts";
import type { Line } from "../store/lines.ts";
import { linesOf } from "../store/thresholds.ts";
import { Chips } from "./chip-elements.ts";
import { setAttribute, setText, toggle } from "./dom.ts";
import { type Doors, ErrorPanel, panelProblem, waysOut } from "./failure.ts";
import { Flags } from "./flags.ts";
import { drawStretches, lookAlong } from "./gestures.ts";
import { dragLines } from "./line-drag.ts";
import { FrameChange, LiveEdge } from "./live-edge.ts";
import { Marks } from "./marks.ts";
import { Overview } from "./overview.ts";
import { Axis } from "./paint/scene.ts";
import { Picture } from "./picture.ts";
import { Recutting } from "./recutting.ts";
import { describePicture, peakDb, SegmentTable } from "./segment-table.ts";
import { Selecting } from "./selecting.ts";
import { followPage, timeView } from "./time-rows.ts";
import { Lessons, Tracks } from "./tracks.ts";
import type { Viewport } from "./viewport.ts";

const PEAK_MS = 200; // the peak of the window, as often as the level in figures
const DESCRIBE_MS = 2_000; // the sentence about the picture

interface TimeViewEvents extends Doors {
  /** called with every frame that differs from the one before */
  painted(edge_s: number, now_ms: number): void;
  /** a mark's flag was pressed */
  rename(opener: HTMLElement, id: number): void;
  /** stands over the names of the rows */
  take: HTMLElement;
}

/** Everything above the transcript that shares one time axis. Draws only while something changes. */
export class TimeView {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #events: TimeViewEvents;
  readonly #picture: Picture;
  readonly #tracks: Tracks;
  readonly #chips: Chips;
  readonly #flags: Flags;
  readonly #recutting: Recutting;
  readonly #selecting: Selecting;
  readonly #overview: Overview;
  readonly #lessons: Lessons;
  readonly #marks: Marks;
  readonly #table: SegmentTable;
  readonly #panel: ErrorPanel;
  readonly #edge = new LiveEdge();
  readonly #change = new FrameChange();
  readonly #loop: FrameLoop;
  readonly #still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");
  #rebuild = true;
  #axis: Axis | null = null;
  #described_ms = Number.NEGATIVE_INFINITY;
  #measured_ms = Number.NEGATIVE_INFINITY;

  constructor(app: App, viewport: Viewport, events: TimeViewEvents, scope: Scope) {
    const words = app.words;
    this.#app = app;
    this.#viewport = viewport;
    this.#events = events;
    this.#tracks = new Tracks(words);
    this.#selecting = new Selecting(app, viewport);
    this.#chips = new Chips(app.session.lines, words.text, (line) => this.select(line), scope);
    const flags = {
      apply: (changes: object) => (this.#flags.server ? this.#askServer() : app.setDetector({ ...changes })),
      changed: () => this.refresh(),
    };
    this.#flags = new Flags(words, app.synced.detector, flags, app.wishes, scope);
    this.#recutting = new Recutting(app, this.#flags);
    this.#picture = new Picture(app, viewport, this.#tracks, {
      chips: this.#chips,
      flags: this.#flags,
      recutting: this.#recutting,
      selecting: this.#selecting,
    });
    this.#overview = new Overview(app, viewport, words.session, scope);
    this.#lessons = new Lessons(words, this.#tracks);
    this.#marks = new Marks(app, (opener, id) => events.rename(opener, id), scope);
    this.#table = new SegmentTable(app);
    this.#panel = new ErrorPanel(scope);
    this.#loop = new FrameLoop(scope, (now_ms) => this.#frame(now_ms));
    this.node = this.#assemble();
    this.#bindGestures(scope);
    this.#follow(scope);
  }

  /** Selects a row and plays it; stops it while it plays. */
  select(line: Line): void {
    this.#selecting.choose(line);
  }

  /** Everything may look different: traits, selection, size, theme. */
  refresh(): void {
    this.#picture.spoil(Number.NEGATIVE_INFINITY);
    this.#rebuild = true;
    this.#showDetector();
    this.#loop.request();
  }

  /** The rows may have other places: another width, form, or choice of lanes. */
  resized(): void {
    this.#picture.resized();
    this.refresh();
  }

  /** Follows the root's size and theme; called once the root is in the page. */
  attach(root: HTMLElement, scope: Scope): void {
    const themed = () => {
      this.#picture.themed();
      this.refresh();
    };
    followPage(root, this.node, { themed, resized: () => this.resized() }, scope);
  }

  #bindGestures(scope: Scope): void {
    const width = () => Math.max(1, this.#picture.layout.width);
    const plot = (name: "ruler" | "wave" | "score") => this.#tracks.get(name).plot;
    lookAlong(this.node, plot("ruler"), this.#viewport, width, scope);
    dragLines(plot("score"), this.#flags.handles, this.#flags, scope);
    const axis = () => (this.#app.session.fresh ? null : this.#axis);
    drawStretches(plot("wave"), axis, this.#selecting.strokes, scope);
  }

  /** Letting go of a line that is the server's asks it; its answer comes as an event. */
  #askServer(): Promise<boolean> {
    const asked = this.#app.synced.get("server_turn_detection");
    const { threshold } = this.#flags.detector;
    return this.#app.setTurnDetection({ kind: "server", ...asked, threshold });
  }

  #assemble(): HTMLElement {
    const tracks = this.#tracks;
    tracks.get("ruler").node.firstElementChild?.append(this.#events.take);
    tracks.get("wave").plot.append(this.#marks.node);
    tracks.get("text").plot.append(this.#chips.node);
    tracks.get("score").rail.append(...this.#flags.nodes);
    tracks.get("score").plot.append(this.#flags.was);
    const overview = tracks.get("overview");
    overview.plot.replaceWith(this.#overview.plot);
    overview.rail.append(this.#overview.length);
    const rows = [...tracks.rows.values()].map(({ node }) => node);
    return timeView(
      this.#app.words,
      "",
      this.#picture.canvas,
      this.#table.node,
      ...rows,
      this.#selecting.playhead,
      this.#panel.node,
    );
  }

  #follow(scope: Scope): void {
    const { session, synced, page, windows, player } = this.#app;
    const viewport = this.#viewport;
    const spoil = (from_s: number) => {
      this.#picture.spoil(from_s);
      this.#loop.request();
    };
    session.changed.listen(scope, ({ from_s, lanes }) => {
      this.#rebuild ||= lanes;
      spoil(from_s);
    });
    windows.filled.listen(scope, ({ from_s }) => {
      this.#rebuild = true; // the peak of the window may be another
      spoil(from_s);
    });
    session.restarted.listen(scope, () => {
      player.stop();
      viewport.reset();
      this.refresh();
    });
    this.#fitWhenEnded(scope);
    scope.own(() => windows.forget(this.#picture));
    scope.own(() => windows.forget(this.#recutting));
    this.#followLines(scope);
    scope.effect(() => this.#showState());
    const looks = () => [synced.side, page.hidden_lanes.value, viewport.selected, viewport.stretch];
    scope.watch(
      () => [this.#app.phase, this.#app.failure, session.fresh, ...looks()],
      () => this.refresh(),
    );
    scope.watch(
      () => [player.playing, viewport.moves.value],
      () => this.#loop.request(),
    );
  }

  #fitWhenEnded(scope: Scope): void {
    const { session } = this.#app;
    session.restored.listen(scope, () => {
      if (this.#app.phase === "stopped") this.#viewport.fit(session.clock_s);
    });
    let went = false;
    scope.watch(
      () => this.#app.phase,
      () => {
        const { phase } = this.#app;
        if (went && phase === "stopped") this.#viewport.fit(session.clock_s);
        went = phase === "live" || phase === "paused" || phase === "stopping";
      },
    );
  }

  /** The lines stand as the kernel says; those that the server was asked for stay where they were let go until it answers. */
  #followLines(scope: Scope): void {
    const { synced, session } = this.#app;
    let known: unknown[] = [];
    const state = () => [synced.detector, synced.side, session.confirmed.value];
    scope.watch(
      () => [...state(), synced.get("server_turn_detection")],
      () => {
        const { phase } = this.#app;
        const same = state().every((value, i) => value === known[i]);
        known = state();
        const { detector, server } = linesOf(synced, session);
        if (!same || (phase !== "live" && phase !== "paused")) this.#flags.confirm(detector, server);
        this.refresh();
      },
    );
  }

  #frame(now_ms: number): void {
    if (!this.node.isConnected) return;
    const { session, phase } = this.#app;
    const running = phase === "live";
    const more = this.#edge.advance(now_ms, session.clock_s, running, this.#still?.matches ?? false);
    const edge_s = this.#edge.value;
    this.#viewport.moveEdge(edge_s);
    this.#picture.spoil(this.#recutting.update());
    const { layout } = this.#picture;
    const stale_s = this.#rebuild ? Number.NEGATIVE_INFINITY : this.#picture.stale_s;
    const { start_s, span_s } = this.#viewport;
    const axis = new Axis(start_s, span_s, layout.width, layout.ratio);
    const avoid_x = this.#selecting.x(axis);
    const differs = this.#change.differs(layout, edge_s, this.#viewport, running, stale_s, avoid_x);
    if (layout.width > 0 && differs) {
      this.#axis = axis;
      this.#picture.paint(axis, edge_s, avoid_x, this.#rebuild);
      this.#place(axis, edge_s, now_ms);
    }
    const playing = this.#axis !== null && this.#selecting.place(this.#axis);
    if (differs) this.#events.painted(edge_s, now_ms);
    if (more || playing) this.#loop.request();
    else if (!running) this.#edge.rest();
  }

  /** The parts that are elements: chips, marks, flags, overview, panel. */
  #place(axis: Axis, edge_s: number, now_ms: number): void {
    const { phase, session, words } = this.#app;
    const rebuild = this.#rebuild;
    this.#rebuild = false;
    this.#chips.move(axis, edge_s, now_ms, phase === "live" && this.#viewport.follow);
    if (session.marks.size > 0 || rebuild) this.#marks.update(axis);
    this.#overview.update(edge_s, this.#picture.palette.wave, now_ms, rebuild);
    const { score, named } = this.#picture.layout;
    if (rebuild) this.#flags.update(score.h, named);
    if (rebuild || now_ms - this.#measured_ms > PEAK_MS || !this.#viewport.follow) {
      this.#measured_ms = now_ms;
      setText(this.#tracks.peak, words.peak(peakDb(session, axis)));
      if (this.#tracks.peak.hidden !== session.fresh) this.#tracks.peak.hidden = session.fresh;
    }
    if (!rebuild && now_ms - this.#described_ms < DESCRIBE_MS) return;
    this.#described_ms = now_ms;
    this.#table.update(edge_s);
    setAttribute(
      this.#picture.canvas,
      "aria-label",
      describePicture(this.#recutting.speech, axis, edge_s, words),
    );
  }

  /** What follows from the state alone. At once: it must not wait for a frame, which a hidden page never gets. */
  #showState(): void {
    const { phase, session } = this.#app;
    const problem = panelProblem(this.#app);
    this.#panel.show(problem, problem ? waysOut(this.#app, problem, this.#events) : []);
    toggle(this.#picture.canvas, "is-hidden", problem !== null);
    toggle(this.node, "is-told", problem !== null);
    const before = phase === "idle" || phase === "asking" || phase === "connecting";
    this.#lessons.show(session.fresh && problem === null && before);
  }

  #showDetector(): void {
    const { words } = this.#app;
    const { name, unit } = this.#flags.detector;
    this.#tracks.showDetector(
      name,
      `${words.detectorNames[name] ?? name}, ${words.scoreRange[unit] ?? unit}`,
    );
  }
}
