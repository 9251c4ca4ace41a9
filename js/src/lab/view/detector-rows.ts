import type { Scope } from "../../scope.ts";
import type { Line } from "../../store/thresholds.ts";
import { h, setText, toggle } from "../../view/dom.ts";
import { Flags } from "../../view/flags.ts";
import { type IconName, icon } from "../../view/icons.ts";
import { dragLines } from "../../view/line-drag.ts";
import { colourOf } from "../../view/paint/palette.ts";
import { type Row, timeRow } from "../../view/time-rows.ts";
import type { LabApp } from "../app.ts";
import type { LabWords } from "../i18n/index.ts";
import type { LabStore } from "../store.ts";
import type { LabDetector, Spans } from "../wire.ts";

const SHAPES: readonly IconName[] = ["square", "circle", "triangle", "star"];
export function shapeOf(index: number): IconName {
  return SHAPES[index % SHAPES.length] ?? "square";
}

/** A detector's name as it stands on screen: "Silero", "Energy 2". */
export function nameOf(detector: LabDetector, words: LabWords): string {
  const number = detector.label.slice(detector.name.length);
  return `${words.base.detectorNames[detector.name] ?? detector.name}${number}`;
}

/** The three rows of a detector: score, segments, errors. A click in the gutter makes it the active one. */
class DetectorRows {
  readonly score: Row;
  readonly segments: Row;
  readonly errors: Row;
  readonly #words: LabWords;
  readonly #radio: HTMLElement;
  readonly #f1 = h("small");
  readonly #count = h("span");
  readonly #wrong = h("span");
  readonly #laneNames: HTMLElement[];

  constructor(
    detector: LabDetector,
    readonly index: number,
    words: LabWords,
    choose: (index: number) => void,
    scope: Scope,
  ) {
    this.#words = words;
    const shape = h("span", { class: "shape" }, icon(shapeOf(index)));
    this.#radio = h("span", {
      class: "pickrow",
      role: "radio",
      tabindex: -1,
      "aria-checked": false,
      "data-detector": index,
    });
    this.#radio.append(h("span", { class: "radio" }), shape, nameOf(detector, words));
    const unit = detector.name === "webrtc" ? words.yesNo : (words.units[detector.unit] ?? detector.unit);
    this.score = timeRow("lab-det is-score no-line", [this.#radio, h("small", {}, unit), this.#f1]);
    this.#laneNames = [h("span", {}, words.segments), h("span", {}, words.errors)];
    this.segments = timeRow("lab-sub is-segments no-line", [this.#laneNames[0]], [this.#count]);
    this.errors = timeRow("lab-sub is-errors lab-row-end", [this.#laneNames[1]], [this.#wrong]);
    const about = [words.base.about.detector, words.base.about.segments, words.base.about.errors];
    for (const [i, { node }] of this.rows.entries()) {
      node.firstElementChild?.setAttribute("title", about[i] ?? "");
      node.style.setProperty("--k", `var(--sp-${colourOf(detector.name)})`);
      const gutter = node.firstElementChild as HTMLElement;
      scope.listen(gutter, "click", () => choose(index));
    }
    const arrows = (event: KeyboardEvent) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      choose(index);
      event.preventDefault();
      event.stopPropagation();
    };
    scope.listen<KeyboardEvent>(this.#radio, "keydown", arrows);
  }

  get rows(): readonly Row[] {
    return [this.score, this.segments, this.errors];
  }

  update(store: LabStore): void {
    const active = store.active === this.index;
    const lane = store.lanes[this.index];
    for (const { node } of this.rows) toggle(node, "is-active", active);
    this.#radio.setAttribute("aria-checked", String(active));
    this.#radio.tabIndex = active ? 0 : -1;
    for (const name of this.#laneNames) name.hidden = !active;
    const f1 = store.metrics(this.index)?.f1;
    const state = lane?.failure || (lane?.scores ? "" : this.#words.scoring);
    setText(this.#f1, state || (f1 === undefined ? "" : this.#words.f1(f1.toFixed(3))));
    this.#f1.title = lane?.failure ?? "";
    setText(this.#count, lane?.scores ? this.#words.segmentCount(lane.spans.length / 2) : "");
    this.#wrong.hidden = !active || !lane?.judgement;
    const { missed = [], false_alarms = [] } = lane?.judgement ?? {};
    const wrong_s = [...missed, ...false_alarms].reduce(
      (sum, edge, i) => (i % 2 ? sum + edge : sum - edge),
      0,
    );
    setText(this.#wrong, this.#words.wrong(wrong_s.toFixed(2)));
  }
}

/** How a detector stood before the line that is being moved. */
export interface Before {
  index: number;
  line: Line;
  detector: LabDetector;
  spans: Spans;
}

/** One detector on screen: its rows, and its lines with their flags. */
export class DetectorView {
  readonly rows: DetectorRows;
  readonly #app: LabApp;
  readonly #index: number;
  readonly #flags: Flags;
  #before: Before | null = null;

  constructor(app: LabApp, detector: LabDetector, index: number, scope: Scope) {
    this.#app = app;
    this.#index = index;
    this.rows = new DetectorRows(detector, index, app.words, (chosen) => void app.setActive(chosen), scope);
    const apply = () => {
      const { threshold, neg_threshold } = this.#flags.detector;
      return app.setDetector(index, { threshold, neg_threshold });
    };
    this.#flags = new Flags(
      app.words.base,
      detector,
      { apply, changed: () => this.#moved() },
      app.store.wishes(index),
      scope,
    );
    const { plot, rail } = this.rows.score;
    rail.append(...this.#flags.nodes);
    plot.append(this.#flags.was);
    // a resting detector has a start line only
    const isThere = (line: Line) => line === "threshold" || index === app.store.active;
    dragLines(plot, this.#flags.handles, this.#flags, scope, isThere);
  }

  get before(): Before | null {
    return this.#before;
  }

  update(): void {
    const { store } = this.#app;
    const detector = store.lanes[this.#index]?.detector;
    if (detector) this.#flags.confirm(detector, false);
    this.rows.update(store);
    this.#flags.update(this.rows.score.plot.offsetHeight, 0, this.#index !== store.active);
  }

  /** The past is cut anew with the lines as they stand. */
  #moved(): void {
    const { store } = this.#app;
    const lane = store.lanes[this.#index];
    if (!lane) return;
    const { threshold, neg_threshold } = this.#flags.detector;
    const { detector, spans } = lane;
    if (this.#flags.before === null) this.#before = null;
    else this.#before ??= { index: this.#index, line: this.#flags.line, detector, spans };
    const same = threshold === detector.threshold && neg_threshold === detector.neg_threshold;
    store.move(this.#index, same ? null : { threshold, neg_threshold });
  }
}
