import type { Scope } from "../scope.ts";
import type { Axis } from "./paint/scene.ts";
import type { Viewport } from "./viewport.ts";

const LINE_PX = 16; // wheels that count in lines
const STILL_PX = 3; // less is a click

/** Wheel and fingers anywhere in the view, and a drag of its ruler, look along the time axis. */
export function lookAlong(
  view: HTMLElement,
  ruler: HTMLElement,
  viewport: Viewport,
  width: () => number,
  scope: Scope,
): void {
  panByWheel(view, viewport, width, scope);
  pinch(view, viewport, width, scope);
  panByPointer(ruler, viewport, width, scope);
}

/** Drawing over a plot covers a stretch of time. */
export interface Strokes {
  draw(from_s: number, to_s: number): void;
  /** what was drawn is let go */
  drop(): void;
  click(time_s: number): void;
}

export function drawStretches(
  plot: HTMLElement,
  axis: () => Axis | null,
  strokes: Strokes,
  scope: Scope,
): void {
  let held: { time_s: number; left: number; x: number; moved: boolean } | null = null;
  scope.listen<PointerEvent>(plot, "pointerdown", (event) => {
    const now = axis();
    if (!now || event.button !== 0 || !event.isPrimary) return;
    const { left } = plot.getBoundingClientRect();
    held = { time_s: now.time(event.clientX - left), left, x: event.clientX, moved: false };
    plot.setPointerCapture(event.pointerId);
  });
  scope.listen<PointerEvent>(plot, "pointermove", (event) => {
    const now = axis();
    if (!held || !now || (!held.moved && Math.abs(event.clientX - held.x) < STILL_PX)) return;
    held.moved = true;
    const time_s = now.time(event.clientX - held.left);
    strokes.draw(Math.min(held.time_s, time_s), Math.max(held.time_s, time_s));
  });
  scope.listen<PointerEvent>(plot, "pointerup", () => {
    const was = held;
    held = null;
    if (was?.moved) strokes.drop();
    else if (was) strokes.click(was.time_s);
  });
  scope.listen(plot, "pointercancel", () => {
    held = null;
  });
}

/** Wheel pans, Ctrl and wheel (or a pinch) zooms around the pointer.
 *
 * Where there is nothing to move, the page scrolls as usual.
 */
function panByWheel(view: HTMLElement, viewport: Viewport, width: () => number, scope: Scope): void {
  const wheel = (event: WheelEvent) => {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    const delta = (Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.deltaY) * unit;
    if (event.ctrlKey || event.metaKey) {
      const { left } = view.getBoundingClientRect();
      const x = event.clientX - left - gutter(view);
      const share = Math.max(0, Math.min(1, x / width()));
      viewport.zoom(viewport.span_s * Math.exp(delta / 300), viewport.start_s + share * viewport.span_s);
      event.preventDefault();
    } else if (viewport.pan((delta / width()) * viewport.span_s)) event.preventDefault();
  };
  scope.listen<WheelEvent>(view, "wheel", wheel, { passive: false });
}

/** Dragging the handle moves the time under the pointer. */
function panByPointer(handle: HTMLElement, viewport: Viewport, width: () => number, scope: Scope): void {
  let last_x: number | null = null;
  scope.listen<PointerEvent>(handle, "pointerdown", (event) => {
    last_x = event.clientX;
    handle.setPointerCapture(event.pointerId);
  });
  scope.listen<PointerEvent>(handle, "pointermove", (event) => {
    if (last_x === null) return;
    viewport.pan(((last_x - event.clientX) / width()) * viewport.span_s);
    last_x = event.clientX;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    scope.listen(handle, end, () => {
      last_x = null;
    });
  }
}

/** Where the plot begins inside the view. */
function gutter(view: HTMLElement): number {
  return view.querySelector<HTMLElement>(".sp-plot")?.offsetLeft ?? 0;
}

/** Two fingers: what is under each stays under it, sideways. */
function pinch(view: HTMLElement, viewport: Viewport, width: () => number, scope: Scope): void {
  const fingers = new Map<number, number>(); // x of each touch
  const lift = (event: PointerEvent) => fingers.delete(event.pointerId);
  scope.listen<PointerEvent>(
    view,
    "pointerdown",
    (event) => {
      if (event.pointerType === "touch") fingers.set(event.pointerId, event.clientX);
    },
    { capture: true },
  );
  scope.listen<PointerEvent>(
    view,
    "pointermove",
    (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = [...fingers.values()];
      fingers.set(event.pointerId, event.clientX);
      const [a, b] = [...fingers.values()];
      const [a_before, b_before] = before;
      if (fingers.size !== 2 || a === undefined || b === undefined) return;
      if (a_before === undefined || b_before === undefined) return;
      event.stopPropagation(); // with two fingers nothing is selected or moved
      const apart_before = Math.max(8, Math.abs(a_before - b_before));
      const apart = Math.max(8, Math.abs(a - b));
      const x = (a_before + b_before) / 2 - view.getBoundingClientRect().left - gutter(view);
      const { start_s, span_s } = viewport;
      viewport.pan((((a_before + b_before) / 2 - (a + b) / 2) / width()) * span_s);
      viewport.zoom((span_s * apart_before) / apart, start_s + (x / width()) * span_s);
    },
    { capture: true },
  );
  for (const type of ["pointerup", "pointercancel"]) scope.listen(view, type, lift, { capture: true });
}
