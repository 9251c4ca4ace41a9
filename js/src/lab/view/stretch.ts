import type { Scope } from "../../scope.ts";
import type { Axis } from "../../view/paint/scene.ts";
import type { LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";

const STILL_PX = 3; // less is a click: it places the playhead

/** Drawing over the waveform selects and plays; a click places the playhead. */
export function stretchByPointer(
  plot: HTMLElement,
  app: LabApp,
  selection: Selection,
  axis: () => Axis | null,
  scope: Scope,
): void {
  let held: { from_s: number; left: number; x: number; moved: boolean } | null = null;
  const time = (event: PointerEvent, left: number) =>
    Math.max(0, Math.min(app.store.duration_s, axis()?.time(event.clientX - left) ?? 0));
  scope.listen<PointerEvent>(plot, "pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    const { left } = plot.getBoundingClientRect();
    held = { from_s: time(event, left), left, x: event.clientX, moved: false };
    plot.setPointerCapture(event.pointerId);
  });
  scope.listen<PointerEvent>(plot, "pointermove", (event) => {
    if (!held || (!held.moved && Math.abs(event.clientX - held.x) < STILL_PX)) return;
    held.moved = true;
    const [a, b] = [held.from_s, time(event, held.left)];
    selection.set({ stretch: { start_s: Math.min(a, b), end_s: Math.max(a, b) } });
  });
  scope.listen<PointerEvent>(plot, "pointerup", () => {
    const was = held;
    held = null;
    if (!was) return;
    const { stretch } = selection;
    if (was.moved && stretch) {
      selection.set({ head_s: stretch.start_s });
      void app.player.play(stretch.start_s, stretch.end_s);
    } else {
      app.player.stop();
      selection.set({ head_s: was.from_s, stretch: null });
    }
  });
  scope.listen(plot, "pointercancel", () => {
    held = null;
  });
}
