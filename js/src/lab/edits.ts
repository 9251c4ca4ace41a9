import { at, firstAfter } from "./intervals.ts";
import type { Spans } from "./wire.ts";

/** What the mouse does to the truth while it is held down; the kernel does the same when it is let go. */

const SNAP_S = 0.01;
const SHORTEST_S = 0.01;

export function snapped(time_s: number, free: boolean): number {
  return free ? time_s : Math.round(time_s / SNAP_S) * SNAP_S;
}

/** The edge of anything detected that is nearest to a moment, within reach; else the moment itself. */
export function atEdge(time_s: number, lanes: readonly Spans[], reach_s: number): number {
  let best = time_s;
  let best_s = reach_s;
  for (const spans of lanes) {
    const near = Math.max(0, firstAfter(spans, time_s) - 1);
    for (let i = 2 * near; i < Math.min(spans.length, 2 * near + 4); i++) {
      const away_s = Math.abs(at(spans, i) - time_s);
      if (away_s <= best_s) [best, best_s] = [at(spans, i), away_s];
    }
  }
  return best;
}

/** A stretch that is painted: regions that it overlaps or touches grow together with it. */
export function painted(truth: Spans, a_s: number, b_s: number): number[] {
  let [low, high] = [Math.min(a_s, b_s), Math.max(a_s, b_s)];
  const others: number[] = [];
  for (let i = 0; i < truth.length; i += 2) {
    const [start, end] = [at(truth, i), at(truth, i + 1)];
    if (start <= high && end >= low) [low, high] = [Math.min(low, start), Math.max(high, end)];
    else others.push(start, end);
  }
  let place = 0;
  while (place < others.length && at(others, place) < low) place += 2;
  if (high > low) others.splice(place, 0, low, high);
  return others;
}

/** An edge moved; it stops at the neighbour and 10 ms from the region's other edge. */
export function edgeMoved(
  truth: Spans,
  i: number,
  edge: "start" | "end",
  time_s: number,
  duration_s: number,
): number[] {
  const moved = Array.from(truth);
  const [start, end] = [at(truth, 2 * i), at(truth, 2 * i + 1)];
  if (edge === "start")
    moved[2 * i] = Math.max(i > 0 ? at(truth, 2 * i - 1) : 0, Math.min(time_s, end - SHORTEST_S));
  else {
    const highest = 2 * i + 2 < truth.length ? at(truth, 2 * i + 2) : duration_s;
    moved[2 * i + 1] = Math.min(highest, Math.max(time_s, start + SHORTEST_S));
  }
  return moved;
}

/** A region moved as a whole; it stops at its neighbours and at the ends of the recording. */
export function regionMoved(truth: Spans, i: number, by_s: number, duration_s: number): number[] {
  const moved = Array.from(truth);
  const [start, end] = [at(truth, 2 * i), at(truth, 2 * i + 1)];
  const lowest = i > 0 ? at(truth, 2 * i - 1) : 0;
  const highest = 2 * i + 2 < truth.length ? at(truth, 2 * i + 2) : duration_s;
  const shift = Math.max(lowest - start, Math.min(by_s, highest - end));
  moved[2 * i] = start + shift;
  moved[2 * i + 1] = end + shift;
  return moved;
}
