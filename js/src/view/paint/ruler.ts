import { clock } from "../format.ts";
import type { Palette } from "./palette.ts";
import type { Axis, Box, Strip } from "./scene.ts";

const STEPS_S = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800,
];
const LABELS_PX = 55; // from one to the next
const LONG_LABELS_PX = 66; // "1:01:21.5"
const LABEL_Y = 11;
const FLAG = { top: 3, height: 16, padding: 5, radius: 2 };
const CUT_PX = 16; // half a label: nearer to an end it would be cut
const APART_PX = 47; // half a label and half a flag: closer than this they would meet
const FLAG_HALF_PX = 26;
const REACH_PX = APART_PX + 33; // so far from a flag its coming and going is seen
const LABEL_PX = 40;

/** What the ruler needs of a scene: every time view has one. */
export interface RulerScene {
  context: CanvasRenderingContext2D;
  axis: Axis;
  palette: Palette;
  ruler: Box;
  ticks: readonly number[];
  /** the moment that has a flag: the live edge, or the playhead of a recording */
  flag: { time_s: number; live: boolean } | null;
  /** where something else has its flag, in CSS pixels */
  avoid_x: number | null;
}

/** What of a ruler that was moved by pixels looks different: around the flag, and at the ends, where labels come and go. */
export function rulerNews(axis: Axis, from_s: number, to_s: number): Strip[] {
  return [
    { x0: 0, x1: LABEL_PX },
    { x0: axis.x(from_s) - REACH_PX, x1: axis.x(to_s) + REACH_PX },
    { x0: axis.width - LABEL_PX, x1: axis.width },
  ];
}

/** The time labels and a flag: words that move in every frame are part of the picture, elements would cost a layout. */
export function paintRuler(scene: RulerScene, strip: Strip = { x0: 0, x1: scene.axis.width }): void {
  const { context, axis, palette, ruler, ticks, flag, avoid_x } = scene;
  context.setTransform(axis.ratio, 0, 0, axis.ratio, 0, 0);
  context.save();
  context.beginPath();
  context.rect(strip.x0, ruler.y, strip.x1 - strip.x0, ruler.h);
  context.clip();
  context.clearRect(strip.x0, ruler.y, strip.x1 - strip.x0, ruler.h);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `11px ${palette.font}`;
  context.fillStyle = palette.secondary;
  const flag_x = flag && axis.x(flag.time_s);
  const free = (x: number, taken_x: number | null) => taken_x === null || Math.abs(x - taken_x) >= APART_PX;
  for (const tick of ticks) {
    const x = Math.round(axis.x(tick) * axis.ratio) / axis.ratio;
    if (x < strip.x0 - LABEL_PX || x > strip.x1 + LABEL_PX) continue;
    const whole = x >= CUT_PX && x <= axis.width - CUT_PX;
    if (whole && free(x, flag_x) && free(x, avoid_x)) context.fillText(tickLabel(tick), x, ruler.y + LABEL_Y);
  }
  const near = (x: number) => x >= strip.x0 - LABEL_PX && x <= strip.x1 + LABEL_PX;
  if (flag && flag_x !== null && flag_x >= 0 && flag_x <= axis.width && near(flag_x))
    paintFlag(scene, flag, flag_x);
  context.restore();
}

/** The flag stops inside the ruler; its line goes on. */
function paintFlag(
  { context, axis, palette, ruler }: RulerScene,
  { time_s, live }: { time_s: number; live: boolean },
  at_x: number,
): void {
  const text = clock(time_s);
  const x = Math.min(Math.max(at_x, FLAG_HALF_PX), axis.width - FLAG_HALF_PX);
  context.font = `600 11px ${palette.font}`;
  const width = Math.ceil(context.measureText(text).width) + 2 * FLAG.padding;
  context.fillStyle = live ? palette.recordingFill : palette.well;
  context.beginPath();
  context.roundRect(Math.round(x - width / 2), ruler.y + FLAG.top, width, FLAG.height, FLAG.radius);
  context.fill();
  context.fillStyle = live ? palette.onRecording : palette.ink;
  context.fillText(text, x, ruler.y + FLAG.top + FLAG.height / 2 + 0.5);
}

/** Times at which the grid stands: labels at least 55 px apart, fractions of seconds after an hour more. */
export function ticksOf(start_s: number, span_s: number, width: number): number[] {
  const long = start_s + span_s >= 3600;
  const fits = (seconds: number) =>
    (seconds * width) / span_s >= (long && seconds < 1 ? LONG_LABELS_PX : LABELS_PX);
  const step = STEPS_S.find(fits) ?? STEPS_S.at(-1) ?? 7200;
  const ticks: number[] = [];
  // whole tenths are exact, sums of them are not
  for (let i = Math.ceil(start_s / step); i * step <= start_s + span_s; i++)
    ticks.push(Math.round(i * step * 10) / 10);
  return ticks;
}

/** "00:24", "00:24.5", "1:01:21", and where seconds are divided after an hour "1:01:21.5". */
function tickLabel(tick: number): string {
  if (Number.isInteger(tick)) return clock(tick, 0);
  return tick < 3600 ? clock(tick, 1) : `${clock(tick, 0)}.${Math.floor((tick % 1) * 10 + 1e-6)}`;
}
