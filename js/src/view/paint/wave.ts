import type { Scene, Strip } from "./scene.ts";

/** The waveform: one bar a device pixel, dark inside speech, light outside; a hole in the sound is no line. */
export function paintWave(scene: Scene, strip: Strip): void {
  const { context, axis, layout, palette, session, edge_s } = scene;
  const top = layout.wave.y + layout.named;
  const height = layout.wave.h - layout.named;
  const middle = top + height / 2;
  const half = height / 2 - 3;
  const step = 1 / axis.ratio;
  const { columns, column_s } = session.signals;
  const speech = speechRuns(scene, strip);
  const outside = new Path2D();
  const inside = new Path2D();
  const last = Math.min(strip.x1, axis.x(edge_s));
  let run = 0;
  for (let x = Math.floor(strip.x0 * axis.ratio) * step; x < last; x += step) {
    const time_s = axis.time(x);
    const { min, max } = columns.range(time_s / column_s, axis.time(x + step) / column_s);
    if (min > max) continue;
    while (run < speech.length && (speech[run]?.[1] ?? 0) <= x) run++;
    const path = (speech[run]?.[0] ?? Infinity) <= x ? inside : outside;
    const up = (max / 32768) * half;
    const down = (min / 32768) * half;
    path.rect(x, middle - up - 0.25, step, up - down + 0.5);
  }
  context.fillStyle = palette.wave;
  context.fill(outside);
  context.fillStyle = palette.waveSpeech;
  context.fill(inside);
  paintClips(scene, strip);
}

/** Stretches of speech in CSS pixels. */
function speechRuns({ axis, session, whose, edge_s }: Scene, strip: Strip): [number, number][] {
  const runs: [number, number][] = [];
  session[whose].visit(axis.time(strip.x0), axis.time(strip.x1), edge_s, (start_s, end_s) => {
    runs.push([axis.x(start_s), axis.x(end_s)]);
  });
  return runs;
}

/** A triangle over each clipped moment: a clipped sample has failed. */
function paintClips({ context, axis, layout, palette, session }: Scene, strip: Strip): void {
  const y = layout.wave.y + layout.named + 1;
  context.fillStyle = palette.error;
  for (const time_s of session.signals.clipped_s) {
    const x = axis.x(time_s);
    if (x < strip.x0 - 5 || x > strip.x1 + 5) continue;
    context.beginPath();
    context.moveTo(x - 4.5, y);
    context.lineTo(x + 4.5, y);
    context.lineTo(x, y + 6);
    context.fill();
  }
}

/** The whole session in one row. */
export function paintOverviewWave(
  context: CanvasRenderingContext2D,
  { columns, column_s }: Scene["session"]["signals"],
  box: { width: number; y: number; h: number; ratio: number; seconds: number; until_s: number },
  colour: string,
): void {
  const step = 1 / box.ratio;
  const per_px = box.seconds / box.width;
  const middle = box.y + box.h / 2;
  const half = box.h / 2 - 2;
  context.fillStyle = colour;
  context.beginPath();
  for (let x = 0; x * per_px < box.until_s && x < box.width; x += step) {
    const { min, max } = columns.range((x * per_px) / column_s, ((x + step) * per_px) / column_s);
    if (min > max) continue;
    const up = (max / 32768) * half;
    const down = (min / 32768) * half;
    context.rect(x, middle - up - 0.25, step, up - down + 0.5);
  }
  context.fill();
}
