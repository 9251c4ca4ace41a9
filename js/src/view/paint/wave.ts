import { isClipped } from "../../store/drawing.ts";
import type { Extremes } from "../../store/pyramid.ts";
import type { Scene, Strip, WaveScene } from "./scene.ts";

const CLIP_PX = 5; // half a triangle
const BREAK_PX = 8; // height of the sign at either end of a gap

const found: Extremes = { min: 0, max: 0 }; // one for all: no rubbish sixty times a second

/** The waveform: one bar a device pixel, dark inside speech, light outside. Silence is a flat line, a gap is no line. */
export function paintWave(scene: WaveScene, strip: Strip): void {
  const { context, axis, layout, palette, session, edge_s } = scene;
  const top = layout.wave.y + layout.named;
  const height = layout.wave.h - layout.named;
  const middle = top + height / 2;
  const half = (height / 2 - 3) / 32768;
  const step = 1 / axis.ratio;
  const { columns, column_s } = session.drawing;
  const runs = speechRuns(scene, strip);
  const first = Math.floor(strip.x0 * axis.ratio) * step;
  const last = Math.min(strip.x1, axis.x(edge_s));
  const outside = new Path2D();
  const inside = new Path2D();
  const breaks: number[] = [];
  let run = 0;
  let line_x = first; // where the flat line began; negative: none
  let known = true;
  for (let x = first; x < last; x += step) {
    columns.range(axis.time(x) / column_s, axis.time(x + step) / column_s, found);
    const { min, max } = found;
    if (min <= max !== known) {
      known = min <= max;
      if (x > first) breaks.push(x);
      if (known) line_x = x;
      else flatLine(scene, line_x, x, middle);
    }
    if (!known) continue;
    while (run < runs.length && (runs[run + 1] as number) <= x) run += 2;
    const path = run < runs.length && (runs[run] as number) <= x ? inside : outside;
    path.rect(x, middle - max * half - 0.25, step, (max - min) * half + 0.5);
  }
  // what is still to come is no gap
  if (!known) line_x = Math.max(first, last);
  flatLine(scene, line_x, strip.x1, middle);
  context.fillStyle = palette.wave;
  context.fill(outside);
  context.fillStyle = palette.waveSpeech;
  context.fill(inside);
  context.fillStyle = palette.tick;
  for (const x of breaks) context.fillRect(Math.round(x) - 0.5, middle - BREAK_PX / 2, 1, BREAK_PX);
  paintClips(scene, strip);
}

function flatLine({ context, palette }: WaveScene, from_x: number, to_x: number, middle: number): void {
  if (to_x <= from_x) return;
  context.fillStyle = palette.axis;
  context.fillRect(from_x, middle - 0.5, to_x - from_x, 1);
}

/** Begin and end of the stretches of speech, in CSS pixels, in a row. */
function speechRuns({ axis, speech, edge_s }: WaveScene, strip: Strip): number[] {
  const runs: number[] = [];
  speech.visit(axis.time(strip.x0), axis.time(strip.x1), edge_s, (start_s, end_s) => {
    runs.push(axis.x(start_s), axis.x(end_s));
  });
  return runs;
}

/** A triangle where a clipped stretch begins: a clipped sample has failed. */
function paintClips({ context, axis, layout, palette, session, edge_s }: WaveScene, strip: Strip): void {
  const { columns, column_s } = session.drawing;
  const y = layout.wave.y + layout.named + 1;
  const step = 1 / axis.ratio;
  const first = Math.floor((strip.x0 - CLIP_PX) * axis.ratio) * step;
  const last = Math.min(strip.x1 + CLIP_PX, axis.x(edge_s));
  let before = true; // a stretch that began left of the strip has its triangle there
  context.fillStyle = palette.error;
  for (let x = first - step; x < last; x += step) {
    columns.range(axis.time(x) / column_s, axis.time(x + step) / column_s, found);
    const clipped = found.min <= found.max && isClipped(found.min, found.max);
    if (clipped && !before) {
      context.beginPath();
      context.moveTo(x - 4.5, y);
      context.lineTo(x + 4.5, y);
      context.lineTo(x, y + 6);
      context.fill();
    }
    before = clipped;
  }
}

/** The whole session in one row. */
export function paintOverviewWave(
  context: CanvasRenderingContext2D,
  { columns, column_s }: Scene["session"]["drawing"],
  box: { width: number; y: number; h: number; ratio: number; seconds: number; until_s: number },
  colour: string,
): void {
  const step = 1 / box.ratio;
  const per_px = box.seconds / box.width;
  const middle = box.y + box.h / 2;
  const half = (box.h / 2 - 2) / 32768;
  context.fillStyle = colour;
  context.beginPath();
  for (let x = 0; x * per_px < box.until_s && x < box.width; x += step) {
    const { min, max } = columns.range((x * per_px) / column_s, ((x + step) * per_px) / column_s, found);
    if (min > max) continue;
    context.rect(x, middle - max * half - 0.25, step, (max - min) * half + 0.5);
  }
  context.fill();
}
