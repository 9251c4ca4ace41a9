import type { Scope } from "../../scope.ts";
import { h, setAttribute } from "../../view/dom.ts";
import { clock } from "../../view/format.ts";
import type { Axis } from "../../view/paint/scene.ts";
import type { LabApp } from "../app.ts";
import type { Span } from "../wire.ts";

const SHORTEST_S = 0.1;
const EDGES = [0, 1] as const;
type Edge = (typeof EDGES)[number];

/** Two handles in the ruler around what is labelled: only that is scored. A double click takes all of the recording. */
export class SpanHandles {
  readonly nodes: readonly HTMLElement[];
  readonly #app: LabApp;
  readonly #axis: () => Axis | null;
  #held: { edge: Edge; offset_px: number } | null = null;

  constructor(app: LabApp, axis: () => Axis | null, scope: Scope) {
    this.#app = app;
    this.#axis = axis;
    this.nodes = EDGES.map((edge) => {
      const label = app.words.span[edge] ?? "";
      const attributes = { class: "lab-span", role: "slider", tabindex: 0, "data-edge": edge };
      const node = h("i", { ...attributes, "aria-label": label, title: label, "aria-valuemin": 0 });
      scope.listen<PointerEvent>(node, "pointerdown", (event) => this.#down(event, edge, node));
      scope.listen<PointerEvent>(node, "pointermove", (event) => this.#move(event));
      scope.listen(node, "pointerup", () => this.#drop(true));
      scope.listen(node, "pointercancel", () => this.#drop(false));
      scope.listen(node, "dblclick", () => void app.setSpan([0, app.store.duration_s]));
      scope.listen<KeyboardEvent>(node, "keydown", (event) => this.#key(event, edge));
      return node;
    });
  }

  update(axis: Axis): void {
    const { store } = this.#app;
    for (const edge of EDGES) {
      const node = this.nodes[edge] as HTMLElement;
      const time_s = store.span[edge];
      const x = axis.x(time_s);
      node.hidden = store.state === null || x < -1 || x > axis.width + 1;
      node.style.transform = `translateX(${x.toFixed(1)}px)`;
      setAttribute(node, "aria-valuemax", Math.ceil(store.duration_s));
      setAttribute(node, "aria-valuenow", time_s.toFixed(2));
      setAttribute(node, "aria-valuetext", clock(time_s, 2));
    }
  }

  #down(event: PointerEvent, edge: Edge, node: HTMLElement): void {
    const axis = this.#axis();
    if (!axis || event.button !== 0) return;
    this.#held = { edge, offset_px: axis.x(this.#app.store.span[edge]) - event.clientX };
    node.setPointerCapture(event.pointerId);
    event.stopPropagation(); // the ruler pans
  }

  #move(event: PointerEvent): void {
    const axis = this.#axis();
    if (!this.#held || !axis) return;
    const { edge, offset_px } = this.#held;
    this.#app.store.moveSpan(this.#moved(edge, axis.time(event.clientX + offset_px)));
    event.stopPropagation();
  }

  /** One end elsewhere; it stops at the other and at the ends of the recording. */
  #moved(edge: Edge, time_s: number): Span {
    const { span, duration_s } = this.#app.store;
    return edge === 0
      ? [Math.max(0, Math.min(time_s, span[1] - SHORTEST_S)), span[1]]
      : [span[0], Math.min(duration_s, Math.max(time_s, span[0] + SHORTEST_S))];
  }

  #drop(apply: boolean): void {
    const { store } = this.#app;
    const was = this.#held;
    this.#held = null;
    if (was && apply && store.moving) void this.#app.setSpan(store.span);
    else store.moveSpan(null);
  }

  #key(event: KeyboardEvent, edge: Edge): void {
    const steps: Record<string, number> = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1 };
    const step_s = steps[event.key];
    if (step_s === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const time_s = this.#app.store.span[edge] + step_s * (event.shiftKey ? 10 : 1);
    void this.#app.setSpan(this.#moved(edge, time_s));
    event.preventDefault();
    event.stopPropagation();
  }
}
