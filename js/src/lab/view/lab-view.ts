import { FrameLoop, type Scope } from "../../scope.ts";
import { h } from "../../view/dom.ts";
import { axisKeys, bindKeys } from "../../view/keys.ts";
import { hideKept, mountView, showView } from "../../view/mount.ts";
import { Popup } from "../../view/popup.ts";
import { Presentation } from "../../view/presentation.ts";
import { Viewport } from "../../view/viewport.ts";
import { LabActions } from "../actions.ts";
import type { LabApp } from "../app.ts";
import { Selection } from "../selection.ts";
import LAB_STYLE from "../style/lab.css?raw";
import { ComparePanel } from "./compare.ts";
import { CurvePanel } from "./curve.ts";
import { ExportPanel } from "./export-panel.ts";
import { FourNumbers } from "./four-numbers.ts";
import { HeatPanel } from "./heat.ts";
import { LabHeader } from "./lab-header.ts";
import { openKeys } from "./lab-menu.ts";
import { segmentsInWindow } from "./lab-segments.ts";
import { LabStatus } from "./lab-status.ts";
import { LabTime } from "./lab-time.ts";
import { LabTuning } from "./lab-tuning.ts";
import { MetricsTable } from "./metrics-table.ts";

const LOOK_AFTER_MS = 150; // curve and sweep follow when lines and labels have come to rest
const FIRST_SPAN_S = 24.001; // until the length of the recording is known
const LONGEST_AT_FIRST_S = 60;

export function mountLab(app: LabApp, el: HTMLElement, scope: Scope): void {
  const viewport = new Viewport(FIRST_SPAN_S, 1);
  const selection = new Selection();
  mountView(app, scope, (shown) => new LabView(app, viewport, selection, el, shown));
  hideKept(app, scope);
}

class LabView {
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #selection: Selection;
  readonly #actions: LabActions;
  readonly #scope: Scope;
  readonly #root: HTMLElement;
  readonly #popup: Popup;
  readonly #time: LabTime;
  readonly #metrics: MetricsTable;
  readonly #four: FourNumbers;
  readonly #presentation: Presentation;
  readonly #curve: CurvePanel;
  readonly #heat: HeatPanel;
  readonly #compare: ComparePanel;
  readonly #export: ExportPanel;
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
    this.#actions = new LabActions(app, viewport, selection, scope);
    this.#root = h("section", { class: "sp sp-lab", lang: words.base.lang, "aria-label": words.widget });
    this.#popup = new Popup(this.#root, scope);
    this.#presentation = new Presentation(this.#root, () => this.#time.resized(), scope);
    const present = () => this.#presentation.toggle();
    const header = new LabHeader(app, viewport, selection, this.#actions, present, this.#popup, scope);
    const tuning = new LabTuning(app, viewport, this.#popup, scope);
    this.#time = new LabTime(app, viewport, selection, scope);
    this.#metrics = new MetricsTable(app);
    this.#four = new FourNumbers(app);
    this.#curve = new CurvePanel(app, scope);
    this.#heat = new HeatPanel(app, scope);
    this.#compare = new ComparePanel(app, selection, scope);
    const status = new LabStatus(app, selection, () => this.#time.before, scope);
    this.#export = new ExportPanel(app, (text) => status.line.note(text), scope);
    this.#pictures = new FrameLoop(scope, () => this.#draw());
    this.#root.append(
      header.node,
      tuning.node,
      this.#time.node,
      this.#four.node,
      segmentsInWindow(app, viewport, scope),
      h("div", { class: "lab-pan" }, this.#metrics.node, this.#curve.node, this.#heat.node),
      h("div", { class: "lab-pan is-second" }, this.#compare.node, this.#export.node),
      status.line.node,
    );
    showView(el, this.#root, LAB_STYLE, scope);
    this.#follow();
    this.#bind();
    this.#time.attach(this.#root, () => this.#pictures.request());
  }

  #follow(): void {
    const { store, player } = this.#app;
    const scope = this.#scope;
    scope.watch(
      () => [store.state, this.#selection.now],
      () => {
        this.#showAll();
        this.#metrics.update();
        this.#four.update();
        this.#compare.update();
        this.#export.update();
        this.#pictures.request();
        this.#look();
      },
    );
    scope.watch(
      () => this.#app.comparing.value,
      () => this.#compare.update(),
    );
    scope.watch(
      () => player.playing,
      () => this.#again(),
    );
    const observer = new ResizeObserver(() => this.#pictures.request());
    observer.observe(this.#root);
    scope.own(() => observer.disconnect());
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
    const { active, collar_ms, span, detectors } = store.state;
    const key = JSON.stringify([active, collar_ms, span, detectors, Array.from(store.truth)]);
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
    const { stretch, loop } = this.#selection.now;
    if (ended && loop && stretch && !this.#stopped)
      void player.play(stretch.start_s, Math.min(stretch.end_s, store.duration_s));
    this.#stopped = false;
  }

  /** The reader stopped it. */
  #stopped = false;

  #bind(): void {
    const viewport = this.#viewport;
    const actions = this.#actions;
    this.#scope.listen<KeyboardEvent>(this.#root, "keyup", ({ key }) => {
      if (key.toLowerCase() === "l") actions.endLabel();
    });
    this.#scope.listen(this.#root, "focusout", () => actions.endLabel());
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
          l: () => actions.label(),
          p: () => this.#presentation.toggle(),
          s: () => actions.split(),
          m: () => actions.merge(),
          Delete: () => actions.remove(),
          Backspace: () => actions.remove(),
          ...axisKeys(viewport),
          "Shift ArrowLeft": () => viewport.pan(-viewport.span_s),
          "Shift ArrowRight": () => viewport.pan(viewport.span_s),
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
    const { stretch, region, error } = this.#selection.now;
    if (this.#popup.isOpen) this.#popup.close();
    else if (this.#app.player.playing) {
      this.#stopped = true;
      this.#app.player.stop();
    } else if (this.#presentation.on) this.#presentation.leave();
    else if (stretch || region !== null || error)
      this.#selection.set({ stretch: null, region: null, error: null });
    else return false;
    return true;
  }
}
