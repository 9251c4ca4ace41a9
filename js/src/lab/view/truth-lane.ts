import type { Scope } from "../../scope.ts";
import { h, setAttribute, toggle } from "../../view/dom.ts";
import { clock } from "../../view/format.ts";
import type { Axis } from "../../view/paint/scene.ts";
import type { Viewport } from "../../view/viewport.ts";
import { paintSpeech } from "../actions.ts";
import type { LabApp } from "../app.ts";
import { atEdge, edgeMoved, painted, regionMoved, snapped } from "../edits.ts";
import { at, firstAfter, indexAt } from "../intervals.ts";
import type { Selection } from "../selection.ts";
import type { Spans } from "../wire.ts";

const GRIP_PX = 6; // around an edge
const STILL_PX = 3; // less is a click
const GRIPS_FROM_PX = 14;
const STEP_S = 0.01;
const SNAP_PX = 12; // around the edge of a segment

type Held =
  | { kind: "paint"; from_s: number }
  | { kind: "edge"; index: number; edge: "start" | "end" }
  | { kind: "move"; index: number; from_s: number };

/** The truth: regions that are painted, moved by their grips or as a whole. Elements, because they take the focus. */
export class TruthLane {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #selection: Selection;
  readonly #axis: () => Axis | null;
  readonly #regions = new Map<number, Region>();
  #held: (Held & { x: number; moved: boolean; base: Spans }) | null = null;

  constructor(app: LabApp, viewport: Viewport, selection: Selection, axis: () => Axis | null, scope: Scope) {
    this.#app = app;
    this.#viewport = viewport;
    this.#selection = selection;
    this.#axis = axis;
    this.node = h("div", { class: "lab-strip" });
    scope.listen<KeyboardEvent>(this.node, "keydown", (event) => this.#key(event));
    scope.listen<FocusEvent>(this.node, "focusin", (event) => {
      const index = this.#gripOf(event.target)?.index;
      if (index !== undefined && index !== this.#selection.now.region) this.#selection.set({ region: index });
    });
  }

  /** `plot` is the lane's row: it is larger than the regions. */
  bind(plot: HTMLElement, scope: Scope): void {
    scope.listen<PointerEvent>(plot, "pointerdown", (event) => this.#down(event, plot));
    scope.listen<PointerEvent>(plot, "pointermove", (event) => {
      if (this.#held) this.#move(event, plot);
      else this.#hover(event, plot);
    });
    scope.listen<PointerEvent>(plot, "pointerup", (event) => this.#up(event, plot));
    scope.listen(plot, "pointercancel", () => this.#cancel());
    const letGo = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !this.#held) return;
      this.#cancel();
      event.preventDefault();
      event.stopPropagation();
    };
    scope.listen<KeyboardEvent>(window, "keydown", letGo, { capture: true });
  }

  update(axis: Axis): void {
    const { truth } = this.#app.store;
    const [from_s, to_s] = [axis.time(-8), axis.time(axis.width + 8)];
    const shown = new Set<number>();
    for (let i = firstAfter(truth, from_s); 2 * i < truth.length && at(truth, 2 * i) <= to_s; i++) {
      shown.add(i);
      let region = this.#regions.get(i);
      if (!region) {
        region = new Region(i, this.#app);
        this.#regions.set(i, region);
        this.node.append(region.node);
      }
      region.place(axis, at(truth, 2 * i), at(truth, 2 * i + 1), this.#selection.now.region === i);
    }
    for (const [i, region] of this.#regions) {
      if (shown.has(i)) continue;
      region.node.remove();
      this.#regions.delete(i);
    }
  }

  #time(event: PointerEvent, plot: HTMLElement): number {
    const axis = this.#axis();
    if (!axis) return 0;
    const { store } = this.#app;
    const time_s = axis.time(event.clientX - plot.getBoundingClientRect().left);
    const toEdges = event.shiftKey || this.#selection.now.snap;
    const there_s = toEdges
      ? atEdge(time_s, store.detected, SNAP_PX / axis.px_per_s)
      : snapped(time_s, event.altKey);
    return Math.max(0, Math.min(store.duration_s, there_s));
  }

  /** The edge within reach, else the region under the pointer. */
  #under(event: PointerEvent, plot: HTMLElement): Held | null {
    const axis = this.#axis();
    if (!axis) return null;
    const { truth } = this.#app.store;
    const x = event.clientX - plot.getBoundingClientRect().left;
    const time_s = axis.time(x);
    const near = firstAfter(truth, time_s - GRIP_PX / axis.px_per_s);
    let best: Held | null = null;
    let best_px = GRIP_PX;
    for (let i = near; i < near + 2 && 2 * i < truth.length; i++) {
      for (const edge of ["start", "end"] as const) {
        const px = Math.abs(axis.x(at(truth, edge === "start" ? 2 * i : 2 * i + 1)) - x);
        if (px < best_px) [best, best_px] = [{ kind: "edge", index: i, edge }, px];
      }
    }
    if (best) return best;
    const index = indexAt(truth, time_s);
    return index < 0 ? null : { kind: "move", index, from_s: time_s };
  }

  #hover(event: PointerEvent, plot: HTMLElement): void {
    const under = this.#under(event, plot);
    toggle(plot, "is-edge", under?.kind === "edge");
    toggle(plot, "is-region", under?.kind === "move");
  }

  #down(event: PointerEvent, plot: HTMLElement): void {
    if (event.button !== 0 || !event.isPrimary) return;
    const held = this.#under(event, plot) ?? this.#begin(event, plot);
    if (!held) return;
    this.#held = { ...held, x: event.clientX, moved: false, base: this.#app.store.truth };
    plot.setPointerCapture(event.pointerId);
    if (held.kind !== "paint") this.#selection.set({ region: held.index });
    event.stopPropagation();
  }

  #begin(event: PointerEvent, plot: HTMLElement): Held | null {
    return this.#selection.now.painting ? { kind: "paint", from_s: this.#time(event, plot) } : null;
  }

  #move(event: PointerEvent, plot: HTMLElement): void {
    const held = this.#held;
    if (!held || (!held.moved && Math.abs(event.clientX - held.x) < STILL_PX)) return;
    held.moved = true;
    this.#app.store.paint(this.#preview(held, event, plot));
  }

  #preview(held: Held & { base: Spans }, event: PointerEvent, plot: HTMLElement): number[] {
    const { duration_s } = this.#app.store;
    const time_s = this.#time(event, plot);
    if (held.kind === "paint") return painted(held.base, held.from_s, time_s);
    if (held.kind === "edge") return edgeMoved(held.base, held.index, held.edge, time_s, duration_s);
    return regionMoved(held.base, held.index, snapped(time_s - held.from_s, event.altKey), duration_s);
  }

  #up(event: PointerEvent, plot: HTMLElement): void {
    const held = this.#held;
    this.#held = null;
    if (!held) return;
    const time_s = this.#time(event, plot);
    if (!held.moved) {
      const truth = this.#app.store.truth;
      if (held.kind === "paint") this.#selection.set({ region: null, head_s: time_s, stretch: null });
      else
        this.#selection.set({
          head_s: time_s,
          stretch: { start_s: at(truth, 2 * held.index), end_s: at(truth, 2 * held.index + 1) },
        });
      return;
    }
    if (held.kind === "paint")
      void paintSpeech(this.#app, this.#viewport, this.#selection, held.from_s, time_s);
    else if (held.kind === "edge")
      void this.#app.edit("edge", { index: held.index, edge: held.edge, time_s });
    else
      void this.#app.edit("move", { index: held.index, by_s: snapped(time_s - held.from_s, event.altKey) });
  }

  #cancel(): void {
    this.#held = null;
    this.#app.store.paint(null);
  }

  #gripOf(target: EventTarget | null): { index: number; edge: "start" | "end" } | null {
    const grip = (target as HTMLElement | null)?.closest<HTMLElement>("[data-edge]");
    if (!grip) return null;
    return { index: Number(grip.dataset.region), edge: grip.dataset.edge === "start" ? "start" : "end" };
  }

  /** Arrow keys move the edge that has the focus. */
  #key(event: KeyboardEvent): void {
    const grip = this.#gripOf(event.target);
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    const step = steps[event.key];
    if (!grip || step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const { truth } = this.#app.store;
    const now_s = at(truth, 2 * grip.index + (grip.edge === "end" ? 1 : 0));
    void this.#app.edit("edge", { ...grip, time_s: now_s + step * STEP_S * (event.shiftKey ? 10 : 1) });
    event.preventDefault();
    event.stopPropagation();
  }
}

/** One region with a grip at each end. */
class Region {
  readonly node: HTMLElement;
  readonly #grips: readonly HTMLElement[];

  constructor(index: number, { words }: LabApp) {
    this.#grips = (["start", "end"] as const).map((edge) =>
      h("i", {
        role: "slider",
        tabindex: 0,
        "data-region": index,
        "data-edge": edge,
        "aria-label": words.region(index + 1, edge),
        "aria-valuemin": 0,
      }),
    );
    this.node = h("div", { class: "truth" }, ...this.#grips);
  }

  place(axis: Axis, start_s: number, end_s: number, selected: boolean): void {
    const width = Math.max(2, axis.x(end_s) - axis.x(start_s));
    this.node.style.left = `${axis.x(start_s).toFixed(1)}px`;
    this.node.style.width = `${width.toFixed(1)}px`;
    toggle(this.node, "is-sel", selected);
    toggle(this.node, "is-small", width < GRIPS_FROM_PX);
    for (const [i, grip] of this.#grips.entries()) {
      const time_s = i === 0 ? start_s : end_s;
      setAttribute(grip, "aria-valuemax", Math.ceil(Math.max(end_s, 1)));
      setAttribute(grip, "aria-valuenow", time_s.toFixed(2));
      setAttribute(grip, "aria-valuetext", clock(time_s, 2));
    }
  }
}
