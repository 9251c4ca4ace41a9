import type { Scope } from "../../scope.ts";
import { h } from "../../view/dom.ts";
import { clock } from "../../view/format.ts";
import type { Axis } from "../../view/paint/scene.ts";
import { shown as thresholdText } from "../../view/scale.ts";
import type { LabApp } from "../app.ts";
import { at, firstAfter } from "../intervals.ts";
import { type Rule, type Why, why } from "../why.ts";
import type { LabDetector, Spans } from "../wire.ts";

const REACH_PX = 6;
const WIDTH_PX = 288;

/** Hover a boundary to see which rule put it there: each rule with its time, then the distance to the truth. */
export class WhyTip {
  readonly node = h("div", { class: "why", role: "tooltip", hidden: true });
  /** frame around the boundary */
  readonly mark = h("div", { class: "why-mark", hidden: true });
  readonly #app: LabApp;
  readonly #view: () => { axis: Axis; node: HTMLElement } | null;

  constructor(app: LabApp, view: () => { axis: Axis; node: HTMLElement } | null) {
    this.#app = app;
    this.#view = view;
  }

  /** Shows the reasons for boundaries in a detector's lane of segments. */
  bind(plot: HTMLElement, index: number, scope: Scope): void {
    scope.listen<PointerEvent>(plot, "pointermove", (event) => this.#hover(event, plot, index));
    scope.listen(plot, "pointerleave", () => this.hide());
  }

  hide(): void {
    this.node.hidden = this.mark.hidden = true;
  }

  #hover(event: PointerEvent, plot: HTMLElement, index: number): void {
    const view = this.#view();
    const lane = this.#app.store.lanes[index];
    const detector = this.#app.store.detector(index);
    if (!view || !lane?.scores || !detector) return;
    const found = boundaryAt(lane.spans, view.axis, event.clientX - plot.getBoundingClientRect().left);
    if (!found) {
      this.hide();
      return;
    }
    const scored = { scores: lane.scores, hop: lane.hop, rate: lane.rate, length: lane.length };
    const reasons = why(scored, detector, lane.spans, found.index, found.edge, this.#app.store.truth);
    this.#show(reasons, detector, view, plot);
  }

  #show(
    reasons: Why,
    detector: LabDetector,
    { axis, node }: { axis: Axis; node: HTMLElement },
    plot: HTMLElement,
  ): void {
    const { words } = this.#app;
    const item = (when: string, what: string, last = "") =>
      h("li", { class: last }, h("span", {}, when), h("span", {}, what));
    const rows = reasons.rules.map((rule) => item(...this.#sentence(rule, reasons.edge, detector)));
    rows.push(item(words.truth, this.#truth(reasons), "last"));
    this.node.replaceChildren(
      h(
        "h4",
        {},
        h("span", {}, words.why[reasons.edge]),
        h("span", { class: "sp-num" }, clock(reasons.time_s, 2)),
      ),
      h("ol", {}, ...rows),
    );
    const outer = node.getBoundingClientRect();
    const inner = plot.getBoundingClientRect();
    const x = inner.left - outer.left + axis.x(reasons.time_s);
    this.node.hidden = this.mark.hidden = false;
    const left = Math.max(4, Math.min(x - WIDTH_PX * 0.9, outer.width - WIDTH_PX - 6));
    const below = inner.bottom - outer.top + 26;
    const fits = below + this.node.offsetHeight <= outer.height + 220;
    this.node.style.left = `${left}px`;
    this.node.style.top = `${fits ? below : inner.top - outer.top - this.node.offsetHeight - 10}px`;
    this.node.classList.toggle("is-above", !fits);
    this.node.style.setProperty("--arrow", `${x - left - 6}px`);
    this.mark.style.left = `${x - 4}px`;
    this.mark.style.top = `${inner.top - outer.top + 2}px`;
    this.mark.style.height = `${inner.height - 4}px`;
  }

  #sentence(rule: Rule, edge: "start" | "end", detector: LabDetector): [string, string] {
    const { rules } = this.#app.words;
    const ms = (value: number) => `+${value} ms`;
    switch (rule.rule) {
      case "reached_start":
        return [clock(rule.time_s, 2), rules.reached_start(thresholdText(detector.threshold, detector.unit))];
      case "fell_below_release":
        return [
          clock(rule.time_s, 2),
          rules.fell_below_release(thresholdText(detector.neg_threshold, detector.unit)),
        ];
      case "kept":
        return [`> ${rule.ms} ms`, rules.kept];
      case "silence":
        return [ms(rule.ms), rules.silence];
      case "too_long":
        return [clock(rule.time_s, 2), rule.pause ? rules.pause : rules.too_long];
      case "goes_on":
        return [clock(rule.time_s, 2), rules.goes_on];
      case "end_of_recording":
        return [clock(rule.time_s, 2), rules.end_of_recording];
      case "pad":
        return edge === "start"
          ? [`−${rule.ms} ms`, rule.shared ? rules.padShared : rules.padBefore]
          : [ms(rule.ms), rule.shared ? rules.padShared : rules.padAfter];
    }
  }

  #truth({ truth }: Why): string {
    const { words } = this.#app;
    if (!truth) return words.noRegion;
    const time = clock(truth.time_s, 2);
    if (truth.late_ms === 0) return words.exact(time);
    return truth.late_ms > 0
      ? words.late(time, String(truth.late_ms))
      : words.early(time, String(-truth.late_ms));
  }
}

/** The boundary within reach, the nearest. */
function boundaryAt(spans: Spans, axis: Axis, x: number): { index: number; edge: "start" | "end" } | null {
  const reach_s = REACH_PX / axis.px_per_s;
  const near = firstAfter(spans, axis.time(x) - reach_s);
  let best: { index: number; edge: "start" | "end" } | null = null;
  let best_px = REACH_PX;
  for (let i = near; i < near + 2 && 2 * i < spans.length; i++) {
    for (const edge of ["start", "end"] as const) {
      const px = Math.abs(axis.x(at(spans, edge === "start" ? 2 * i : 2 * i + 1)) - x);
      if (px < best_px) [best, best_px] = [{ index: i, edge }, px];
    }
  }
  return best;
}
