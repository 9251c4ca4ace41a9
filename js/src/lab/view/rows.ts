import type { Scope } from "../../scope.ts";
import { type Child, h, setText, toggle } from "../../view/dom.ts";
import { type IconName, icon } from "../../view/icons.ts";
import type { Box } from "../../view/paint/scene.ts";
import { scaleOf } from "../../view/scale.ts";
import type { LabWords } from "../i18n/index.ts";
import type { LabStore } from "../store.ts";
import type { LabDetector } from "../wire.ts";

export interface Row {
  node: HTMLElement;
  plot: HTMLElement;
  rail: HTMLElement;
}

const SHAPES: readonly IconName[] = ["square", "circle", "triangle", "star"];
const COLOURS: Record<string, string> = {
  silero: "silero",
  energy: "energy",
  rms: "energy",
  adaptive: "energy",
  webrtc: "webrtc",
};

/** The token of a detector's colour. */
export function colourOf(detector: Pick<LabDetector, "name">): string {
  return COLOURS[detector.name] ?? "silero";
}

export function shapeOf(index: number): IconName {
  return SHAPES[index % SHAPES.length] ?? "square";
}

/** A detector's name as it stands on screen: "Silero", "Energy 2". */
export function nameOf(detector: LabDetector, words: LabWords): string {
  const number = detector.label.slice(detector.name.length);
  return `${words.base.detectorNames[detector.name] ?? detector.name}${number}`;
}

export function row(className: string, name: Child[], rail: Child[] = []): Row {
  const plot = h("div", { class: "sp-plot" });
  const values = h("div", { class: "sp-rail" }, ...rail);
  return {
    node: h("div", { class: `sp-row ${className}` }, h("div", { class: "sp-name" }, ...name), plot, values),
    plot,
    rail: values,
  };
}

/** Where a plot is inside the canvas. */
export function boxIn(canvas: HTMLElement, { plot }: Row): Box {
  const { top, height } = plot.getBoundingClientRect();
  return { y: top - canvas.getBoundingClientRect().top, h: height };
}

/** The three rows of a detector: score, segments, errors. A click in the gutter makes it the active one. */
export class DetectorRows {
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
    this.score = row("lab-det is-score no-line", [this.#radio, h("small", {}, unit), this.#f1]);
    this.#laneNames = [h("span", {}, words.segments), h("span", {}, words.errors)];
    this.segments = row("lab-sub is-segments no-line", [this.#laneNames[0]], [this.#count]);
    this.errors = row("lab-sub is-errors lab-row-end", [this.#laneNames[1]], [this.#wrong]);
    for (const { node } of this.rows) {
      node.style.setProperty("--k", `var(--sp-${colourOf(detector)})`);
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

/** Share of the row's height, 0 at the bottom; WebRTC's yes and no do not touch its ends. */
export function shareOf(detector: LabDetector): (value: number) => number {
  return scaleOf(detector.unit).share;
}
