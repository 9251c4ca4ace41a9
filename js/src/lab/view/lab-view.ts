import { FrameLoop, Scope } from "../../scope.ts";
import { STYLE } from "../../style/index.ts";
import { h } from "../../view/dom.ts";
import { bindKeys } from "../../view/keys.ts";
import { Popup } from "../../view/popup.ts";
import { Viewport } from "../../view/viewport.ts";
import { LabActions } from "../actions.ts";
import type { LabApp } from "../app.ts";
import { Selection } from "../selection.ts";
import LAB_STYLE from "../style/lab.css?raw";
import { ComparePanel } from "./compare.ts";
import { CurvePanel } from "./curve.ts";
import { ExportPanel } from "./export-panel.ts";
import { LabHeader } from "./header.ts";
import { HeatPanel } from "./heat.ts";
import { MetricsTable } from "./metrics-table.ts";
import { openKeys } from "./more.ts";
import { SegmentsTable } from "./segments-table.ts";
import { LabStatus } from "./status.ts";
import { LabTime } from "./time.ts";
import { LabTuning } from "./tuning.ts";

const LOOK_AFTER_MS = 150; // curve and sweep follow when lines and labels have come to rest
const FIRST_SPAN_S = 24.001; // until the length of the recording is known
const LONGEST_AT_FIRST_S = 60;

/** Shows the lab in `el`; a change of language builds the view anew, its window and selection stay. */
export function mountLab(app: LabApp, el: HTMLElement, scope: Scope): void {
  const viewport = new Viewport(FIRST_SPAN_S, 1);
  const selection = new Selection();
  let shown = new Scope(scope.signal);
  const show = () => {
    shown.dispose();
    shown = new Scope(scope.signal);
    new LabView(app, viewport, selection, el, shown);
  };
  app.onLocale(scope, show);
  show();
}

class LabView {
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #selection: Selection;
  readonly #actions: LabActions;
  readonly #scope: Scope;
  readonly #root: HTMLElement;
  readonly #popup: Popup;
  readonly #header: LabHeader;
  readonly #tuning: LabTuning;
  readonly #time: LabTime;
  readonly #segments: SegmentsTable;
  readonly #metrics: MetricsTable;
  readonly #curve: CurvePanel;
  readonly #heat: HeatPanel;
  readonly #compare: ComparePanel;
  readonly #export: ExportPanel;
  readonly #status: LabStatus;
  readonly #pictures: FrameLoop;
  #looked = "";
  #cancelLook: (() => void) | null = null;
  #wasPlaying = false;
  #begun: boolean;

  constructor(app: LabApp, viewport: Viewport, selection: Selection, el: HTMLElement, scope: Scope) {
    const { words } = app;
    this.#app = app;
    this.#viewport = viewport;
    this.#selection = selection;
    this.#scope = scope;
    this.#begun = viewport.span_s !== FIRST_SPAN_S; // shown before, in another language
    this.#actions = new LabActions(app, viewport, selection);
    this.#root = h("section", { class: "sp sp-lab", lang: words.base.lang, "aria-label": words.widget });
    this.#popup = new Popup(this.#root, scope);
    this.#header = new LabHeader(app, selection, this.#actions, this.#popup, scope);
    this.#tuning = new LabTuning(app, viewport, this.#popup, scope);
    this.#time = new LabTime(app, viewport, selection, scope);
    this.#segments = new SegmentsTable(app, viewport, scope);
    this.#metrics = new MetricsTable(app);
    this.#curve = new CurvePanel(app, scope);
    this.#heat = new HeatPanel(app, scope);
    this.#compare = new ComparePanel(app, selection, scope);
    this.#status = new LabStatus(app, selection, () => this.#time.before, scope);
    this.#export = new ExportPanel(app, (text) => this.#status.tell(text), scope);
    this.#pictures = new FrameLoop(scope, () => this.#draw());
    this.#root.append(
      this.#header.node,
      this.#tuning.node,
      this.#time.node,
      this.#segments.node,
      h("div", { class: "lab-pan" }, this.#metrics.node, this.#curve.node, this.#heat.node),
      h("div", { class: "lab-pan is-second" }, this.#compare.node, this.#export.node),
      this.#status.node,
    );
    const style = h("style", {}, `${STYLE}\n${LAB_STYLE}`);
    el.append(style, this.#root);
    scope.own(() => {
      style.remove();
      this.#root.remove();
    });
    this.#subscribe();
    this.#bind();
    this.#time.attach(this.#root, () => this.#pictures.request());
    this.#update();
  }

  #subscribe(): void {
    const { store, player } = this.#app;
    const scope = this.#scope;
    store.on(scope, "change", () => this.#update());
    this.#selection.on(scope, "change", () => this.#update());
    this.#viewport.on(scope, "change", () => {
      this.#tuning.update();
      this.#segments.update();
    });
    player.on(scope, "change", () => {
      this.#header.update();
      this.#again();
    });
    const observer = new ResizeObserver(() => this.#pictures.request());
    observer.observe(this.#root);
    scope.own(() => observer.disconnect());
  }

  #update(): void {
    this.#showAll();
    this.#header.update();
    this.#tuning.update();
    this.#time.refresh();
    this.#segments.update();
    this.#metrics.update();
    this.#compare.update();
    this.#export.update();
    this.#status.update();
    this.#pictures.request();
    this.#look();
  }

  /** The first look is at the whole recording, or at its first minute. */
  #showAll(): void {
    const { duration_s } = this.#app.store;
    if (duration_s === 0) return;
    this.#viewport.moveEdge(duration_s);
    if (this.#begun) return;
    this.#begun = true;
    this.#viewport.zoom(Math.min(duration_s, LONGEST_AT_FIRST_S), 0);
  }

  #draw(): void {
    if (!this.#root.isConnected || this.#app.store.state === null) return;
    const { palette } = this.#time;
    this.#curve.draw(palette);
    this.#heat.draw(palette);
  }

  /** Curve and sweep are the kernel's: asked for when what they depend on has come to rest. */
  #look(): void {
    const { store } = this.#app;
    if (store.moving || store.state === null || store.lanes.some(({ scores }) => !scores)) return;
    const { active, collar_ms, detectors } = store.state;
    const key = JSON.stringify([active, collar_ms, detectors, Array.from(store.truth)]);
    if (key === this.#looked) return;
    this.#looked = key;
    this.#cancelLook?.();
    this.#cancelLook = this.#scope.timeout(() => void this.#app.look(), LOOK_AFTER_MS);
  }

  /** What was played to its end begins again, where that is wanted. */
  #again(): void {
    const { player, store } = this.#app;
    const ended = this.#wasPlaying && !player.playing;
    this.#wasPlaying = player.playing;
    const { stretch, loop } = this.#selection;
    if (ended && loop && stretch && !this.#stopped)
      void player.play(stretch.start_s, Math.min(stretch.end_s, store.duration_s));
    this.#stopped = false;
  }

  /** The reader stopped it. */
  #stopped = false;

  #bind(): void {
    const viewport = this.#viewport;
    const actions = this.#actions;
    const play = () => {
      this.#stopped = this.#app.player.playing;
      actions.play();
    };
    const activate = (index: number) => () => {
      if (index < this.#app.store.lanes.length) void this.#app.setActive(index);
    };
    bindKeys(
      this.#root,
      {
        keys: {
          " ": play,
          n: () => actions.step("missed", 1),
          "Shift n": () => actions.step("missed", -1),
          f: () => actions.step("false_alarms", 1),
          "Shift f": () => actions.step("false_alarms", -1),
          s: () => actions.split(),
          m: () => actions.merge(),
          Delete: () => actions.remove(),
          Backspace: () => actions.remove(),
          ArrowLeft: () => viewport.pan(-0.1 * viewport.span_s),
          ArrowRight: () => viewport.pan(0.1 * viewport.span_s),
          "Shift ArrowLeft": () => viewport.pan(-viewport.span_s),
          "Shift ArrowRight": () => viewport.pan(viewport.span_s),
          "+": () => viewport.step("in"),
          "-": () => viewport.step("out"),
          "0": () => this.#everything(),
          "?": () => openKeys(this.#app, this.#popup, this.#time.node),
          ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => [String(i + 1), activate(i)])),
        },
        combinations: {
          z: () => void this.#app.edit("undo"),
          Z: () => void this.#app.edit("redo"),
          y: () => void this.#app.edit("redo"),
        },
        enabled: () => !this.#popup.isOpen,
        escape: () => this.#escape(),
      },
      this.#scope,
    );
  }

  #everything(): void {
    this.#viewport.zoom(this.#app.store.duration_s, 0);
    this.#viewport.show(0);
  }

  #escape(): boolean {
    const { stretch, region, error } = this.#selection;
    if (this.#popup.isOpen) this.#popup.close();
    else if (this.#app.player.playing) {
      this.#stopped = true;
      this.#app.player.stop();
    } else if (stretch || region !== null || error)
      this.#selection.set({ stretch: null, region: null, error: null });
    else return false;
    return true;
  }
}
