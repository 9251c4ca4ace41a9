import type { Scope } from "../scope.ts";
import type { WidgetApp } from "../widget.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { clock } from "./format.ts";
import { paintOverviewWave } from "./paint/wave.ts";
import type { Viewport } from "./viewport.ts";

const REPAINT_MS = 500; // the whole session changes slowly

type Seen = Pick<WidgetApp<string>, "windows" | "session">;

/** The whole session with the window in it; a scrollbar that shows what it scrolls. */
export class Overview {
  readonly plot: HTMLElement;
  readonly length = h("span", { class: "sp-num", style: "top:6px" }, "00:00");
  readonly #canvas = h("canvas", { class: "sp-canvas", "aria-hidden": "true" });
  readonly #frame = h("div", { class: "sp-frame" });
  readonly #app: Seen;
  readonly #viewport: Viewport;
  #painted_ms = Number.NEGATIVE_INFINITY;
  #seconds = 1;
  #placed = { left: -1, right: -1 };
  #span_s = 0;

  constructor(app: Seen, viewport: Viewport, label: string, scope: Scope) {
    this.#app = app;
    scope.own(() => app.windows.forget(this));
    this.#viewport = viewport;
    this.plot = h(
      "div",
      {
        class: "sp-plot",
        role: "scrollbar",
        tabindex: 0,
        "aria-orientation": "horizontal",
        "aria-label": label,
        "aria-valuemin": 0,
      },
      this.#canvas,
      this.#frame,
    );
    this.#drag(scope);
    scope.listen<KeyboardEvent>(this.plot, "keydown", (event) => this.#key(event));
  }

  update(edge_s: number, colour: string, now_ms: number, force: boolean): void {
    const { start_s, end_s, span_s, follow } = this.#viewport;
    const repaint = force || now_ms - this.#painted_ms > REPAINT_MS || span_s !== this.#span_s;
    if (repaint) {
      this.#painted_ms = now_ms;
      this.#span_s = span_s;
      this.#seconds = Math.max(edge_s, end_s);
      this.#paint(edge_s, colour);
      setText(this.length, clock(edge_s, 0));
      setAttribute(this.plot, "aria-valuemax", Math.max(0, Math.round(edge_s - span_s)));
      setAttribute(this.plot, "aria-valuenow", Math.round(start_s));
      setAttribute(this.plot, "aria-valuetext", `${clock(start_s, 0)} – ${clock(end_s, 0)}`);
    }
    const hidden = edge_s <= 0;
    if (this.#frame.hidden !== hidden) this.#frame.hidden = hidden;
    // the frame belongs to the painted picture: while the view follows, it moves with it and not before
    if (hidden || (follow && !repaint)) return;
    this.#place(Math.min(1, start_s / this.#seconds), Math.min(1, end_s / this.#seconds));
  }

  /** On whole thousandths: a move that the eye cannot see costs no layout. */
  #place(from: number, to: number): void {
    const [left, right] = [Math.round(from * 1000), Math.round((1 - to) * 1000)];
    if (left === this.#placed.left && right === this.#placed.right) return;
    this.#placed = { left, right };
    this.#frame.style.left = `${left / 10}%`;
    this.#frame.style.right = `${right / 10}%`;
  }

  #paint(edge_s: number, colour: string): void {
    const { clientWidth: width, clientHeight: height } = this.plot;
    const ratio = globalThis.devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const context = this.#canvas.getContext("2d");
    if (!context || edge_s <= 0) return;
    context.scale(ratio, ratio);
    const box = { width, y: 2, h: height - 4, ratio, seconds: this.#seconds, until_s: edge_s };
    const { drawing } = this.#app.session;
    this.#app.windows.look(this, 0, edge_s, this.#seconds / (width * ratio));
    paintOverviewWave(context, drawing, box, colour);
  }

  /** Dragging moves the window; a click outside it centres it there. */
  #drag(scope: Scope): void {
    let grip_s: number | null = null;
    const time = (event: PointerEvent) => {
      const { left, width } = this.plot.getBoundingClientRect();
      return ((event.clientX - left) / width) * this.#seconds;
    };
    scope.listen<PointerEvent>(this.plot, "pointerdown", (event) => {
      const { start_s, end_s, span_s } = this.#viewport;
      const at_s = time(event);
      grip_s = at_s >= start_s && at_s <= end_s ? at_s - start_s : span_s / 2;
      this.plot.setPointerCapture(event.pointerId);
      this.#viewport.show(at_s - grip_s);
    });
    scope.listen<PointerEvent>(this.plot, "pointermove", (event) => {
      if (grip_s !== null) this.#viewport.show(time(event) - grip_s);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      scope.listen(this.plot, end, () => {
        grip_s = null;
      });
    }
  }

  #key(event: KeyboardEvent): void {
    const { span_s } = this.#viewport;
    const pages: Record<string, number> = { ArrowLeft: -0.1, ArrowRight: 0.1, PageUp: -1, PageDown: 1 };
    const pages_n = pages[event.key];
    if (pages_n !== undefined) this.#viewport.pan(pages_n * span_s);
    else if (event.key === "Home") this.#viewport.show(0);
    else if (event.key === "End") this.#viewport.goLive();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
