import { clock } from "./format.ts";

const STEPS_S = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800,
];
const APART_PX = 55;
const APART_LONG_PX = 66; // "1:01:21.5"

/** Times at which the grid stands: labels at least 55 px apart, fractions of seconds after an hour more. */
export function ticksOf(start_s: number, span_s: number, width: number): number[] {
  const long = start_s + span_s >= 3600;
  const fits = (seconds: number) =>
    (seconds * width) / span_s >= (long && seconds < 1 ? APART_LONG_PX : APART_PX);
  const step = STEPS_S.find(fits) ?? STEPS_S.at(-1) ?? 7200;
  const ticks: number[] = [];
  // whole tenths are exact, sums of them are not
  for (let i = Math.ceil(start_s / step); i * step <= start_s + span_s; i++)
    ticks.push(Math.round(i * step * 10) / 10);
  return ticks;
}

/** "00:24", "00:24.5", "1:01:21", and where seconds are divided after an hour "1:01:21.5". */
export function tickLabel(tick: number): string {
  if (Number.isInteger(tick)) return clock(tick, 0);
  return tick < 3600 ? clock(tick, 1) : `${clock(tick, 0)}.${Math.floor((tick % 1) * 10 + 1e-6)}`;
}
