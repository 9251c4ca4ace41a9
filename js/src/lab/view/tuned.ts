import type { Scope } from "../../scope.ts";
import type { Line } from "../../store/thresholds.ts";
import { Flags } from "../../view/flags.ts";
import { dragLines, type Lines } from "../../view/line-drag.ts";
import type { LabApp } from "../app.ts";
import type { LabDetector, Spans } from "../wire.ts";
import { DetectorRows } from "./rows.ts";

/** How a detector stood before the line that is being moved. */
export interface Before {
  index: number;
  line: Line;
  detector: LabDetector;
  spans: Spans;
}

/** One detector on screen: its rows, and its lines with their flags. */
export class Tuned implements Lines {
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
    this.#flags = new Flags(app.words.base, detector, { apply, changed: () => this.#moved() }, scope);
    const { plot, rail } = this.rows.score;
    rail.append(...this.#flags.nodes);
    plot.append(this.#flags.was);
    dragLines(plot, this.#flags.handles, this, scope);
  }

  get before(): Before | null {
    return this.#before;
  }

  update(): void {
    const { store } = this.#app;
    const detector = store.lanes[this.#index]?.detector;
    if (detector) this.#flags.confirm(detector, false);
    this.rows.update(store);
    this.#flags.update(this.rows.score.plot.offsetHeight, 0);
  }

  /** A resting detector has a start line only. */
  yOf(line: Line): number {
    const isThere = line === "threshold" || this.#index === this.#app.store.active;
    return isThere ? this.#flags.yOf(line) : Number.POSITIVE_INFINITY;
  }

  grasp(line: Line): void {
    this.#flags.grasp(line);
  }

  move(line: Line, y: number, both: boolean): void {
    this.#flags.move(line, y, both);
  }

  drop(): void {
    this.#flags.drop();
  }

  putBack(): void {
    this.#flags.putBack();
  }

  reset(line: Line): void {
    this.#flags.reset(line);
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
