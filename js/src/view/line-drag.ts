import type { Scope } from "../scope.ts";
import type { Line } from "../store/thresholds.ts";

const REACH_PX = 5; // above and below a line
const STILL_PX = 2; // less is a click

/** What can be done to the lines; `y` in CSS pixels of the plot. */
export interface Lines {
  yOf(line: Line): number;
  grasp(line: Line): void;
  /** `both`: the other line keeps its distance */
  move(line: Line, y: number, both: boolean): void;
  drop(): void;
  putBack(): void;
  reset(line: Line): void;
}

/** The line within reach of `y`, the nearer one of two. */
export function lineAt(y: number, lines: Pick<Lines, "yOf">): Line | null {
  const start = Math.abs(y - lines.yOf("threshold"));
  const release = Math.abs(y - lines.yOf("neg_threshold"));
  if (Math.min(start, release) > REACH_PX) return null;
  // where they lie on each other, from above it is the start line
  if (start === release) return y <= lines.yOf("threshold") ? "threshold" : "neg_threshold";
  return start < release ? "threshold" : "neg_threshold";
}

/** Drags lines across the whole plot and by their flags; Esc puts back, double click resets. */
export function dragLines(
  plot: HTMLElement,
  flags: ReadonlyMap<HTMLElement, Line>,
  lines: Lines,
  scope: Scope,
  isThere: (line: Line) => boolean = () => true,
): void {
  let held: {
    line: Line;
    target: HTMLElement;
    offset: number;
    top: number;
    y: number;
    moved: boolean;
  } | null = null;
  const yIn = (event: MouseEvent, top: number) => event.clientY - top;
  const end = (drop: boolean) => {
    const was = held;
    held = null;
    plot.classList.remove("is-dragging");
    if (was?.moved) drop ? lines.drop() : lines.putBack();
  };
  const down = (event: PointerEvent, line: Line | null) => {
    if (!line || event.button !== 0) return;
    const { top } = plot.getBoundingClientRect();
    const y = yIn(event, top);
    const target = event.currentTarget as HTMLElement;
    held = { line, target, offset: lines.yOf(line) - y, top, y, moved: false };
    plot.classList.add("is-dragging");
    event.stopPropagation(); // the waveform's selection, the ruler's panning
  };
  const move = (event: PointerEvent) => {
    if (!held) return;
    const y = yIn(event, held.top);
    if (!held.moved && Math.abs(y - held.y) < STILL_PX) return;
    if (!held.moved) {
      held.moved = true;
      // not before: a captured pointer clicks on what captured it, not on the value below it
      held.target.setPointerCapture(event.pointerId);
      lines.grasp(held.line);
    }
    lines.move(held.line, y + held.offset, event.shiftKey);
  };
  const yOf = (line: Line) => (isThere(line) ? lines.yOf(line) : Number.POSITIVE_INFINITY);
  const own = (event: MouseEvent) => lineAt(yIn(event, plot.getBoundingClientRect().top), { yOf });
  scope.listen<PointerEvent>(plot, "pointerdown", (event) => down(event, own(event)));
  scope.listen<PointerEvent>(plot, "pointermove", (event) => {
    if (!held) plot.classList.toggle("is-line", own(event) !== null);
  });
  scope.listen<MouseEvent>(plot, "dblclick", (event) => {
    const line = own(event);
    if (line) lines.reset(line);
  });
  for (const [flag, line] of flags) {
    scope.listen<PointerEvent>(flag, "pointerdown", (event) => down(event, line));
    scope.listen(flag, "dblclick", () => lines.reset(line));
  }
  scope.listen<PointerEvent>(window, "pointermove", move);
  scope.listen(window, "pointerup", () => end(true));
  scope.listen(window, "pointercancel", () => end(false));
  const putBack = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !held) return;
    end(false);
    event.preventDefault();
    event.stopPropagation();
  };
  scope.listen(window, "keydown", putBack, { capture: true });
}
