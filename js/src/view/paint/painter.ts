import { paintLanes } from "./lanes.ts";
import { Axis, horizontal, type Scene, type Strip, vertical } from "./scene.ts";
import { paintScore } from "./score.ts";
import { paintWave } from "./wave.ts";

const EDGE_PX = 8; // what the live edge and its joints cover

/** Paints the time view, and as little of it as possible.
 *
 * While nothing but time has passed, the picture is moved by whole device pixels and only the strip at its right is
 * painted anew: measured, a fifth of the cost of painting everything sixty times a second.
 */
export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D | null;
  #painted: Axis | null = null;
  #edge_s = 0;
  #key = "";

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  /** `dirty_s`: everything from that second on looks different; -Infinity: everything. */
  paint(
    given: Omit<Scene, "context" | "axis">,
    window: { start_s: number; span_s: number },
    dirty_s: number,
  ): Axis {
    const { layout } = given;
    const axis = new Axis(window.start_s, window.span_s, layout.width, layout.ratio);
    const context = this.#context;
    if (!context) return axis;
    const scene: Scene = { ...given, context, axis };
    const key = `${given.recording} ${given.fresh}`;
    const from_x =
      this.#resize(layout.width, layout.height, layout.ratio) && key === this.#key
        ? this.#move(axis, dirty_s)
        : 0;
    this.#key = key;
    if (from_x < layout.width) strip(scene, { x0: Math.max(0, from_x), x1: layout.width });
    this.#painted = axis;
    this.#edge_s = given.edge_s;
    return axis;
  }

  /** Returns whether the picture survived. */
  #resize(width: number, height: number, ratio: number): boolean {
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width === w && this.#canvas.height === h) return true;
    this.#canvas.width = w;
    this.#canvas.height = h;
    return false;
  }

  /** Moves what is painted to where it now belongs; returns from which x on to paint. */
  #move(axis: Axis, dirty_s: number): number {
    const before = this.#painted;
    const context = this.#context;
    if (!before || !context || before.px_per_s !== axis.px_per_s || before.ratio !== axis.ratio) return 0;
    const shift = axis.origin - before.origin;
    if (shift < 0 || shift > this.#canvas.width / 2) return 0;
    if (shift > 0) {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.globalCompositeOperation = "copy";
      context.drawImage(this.#canvas, -shift, 0);
      context.globalCompositeOperation = "source-over";
    }
    const exposed = axis.width - shift / axis.ratio;
    const x = Math.min(exposed, axis.x(dirty_s), axis.x(this.#edge_s)) - EDGE_PX;
    return Math.floor(x * axis.ratio) / axis.ratio;
  }
}

function strip(scene: Scene, part: Strip): void {
  const { context, layout, axis, palette } = scene;
  const bottom = layout.height;
  context.setTransform(layout.ratio, 0, 0, layout.ratio, 0, 0);
  context.save();
  context.beginPath();
  context.rect(part.x0, 0, part.x1 - part.x0, bottom);
  context.clip();
  context.clearRect(part.x0, 0, part.x1 - part.x0, bottom);
  const top = layout.ruler.y + layout.ruler.h;
  for (const tick of scene.ticks)
    vertical(context, Math.round(axis.x(tick)) + 0.5, top, bottom, palette.grid, 1);
  paintSelection(scene, top, bottom);
  const middle = layout.wave.y + layout.named + (layout.wave.h - layout.named) / 2;
  horizontal(scene, part, middle, palette.axis, 1);
  if (!scene.fresh) paintWave(scene, part);
  paintScore(scene, part);
  paintLanes(scene, part);
  if (!scene.fresh) {
    const x = Math.round(axis.x(scene.edge_s)) + 0.5;
    vertical(context, x, top - 4, bottom, scene.recording ? palette.recording : palette.tick, 1.5);
  }
  context.restore();
}

function paintSelection({ context, axis, palette, selection }: Scene, top: number, bottom: number): void {
  if (!selection) return;
  const x = axis.x(selection.start_s);
  context.fillStyle = palette.selection;
  context.fillRect(x, top, axis.x(selection.end_s) - x, bottom - top);
}
