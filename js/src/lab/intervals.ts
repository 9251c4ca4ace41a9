import type { Spans } from "./wire.ts";

/** Sets of time as interleaved starts and ends; the twin of `ipyspeaches/vad/intervals.py`. All are in order. */

export const at = (spans: Spans, i: number): number => spans[i] as number;

/** Stretches that overlap or touch, merged; empty ones dropped. */
export function merged(spans: Spans): number[] {
  const found: number[] = [];
  for (let i = 0; i + 1 < spans.length; i += 2) {
    const [start, end] = [at(spans, i), at(spans, i + 1)];
    if (end <= start) continue;
    const last = found.length - 1;
    if (last > 0 && start <= (found[last] as number)) found[last] = Math.max(found[last] as number, end);
    else found.push(start, end);
  }
  return found;
}

export function intersected(a: Spans, b: Spans): number[] {
  const found: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const start = Math.max(at(a, i), at(b, j));
    const end = Math.min(at(a, i + 1), at(b, j + 1));
    if (end > start) found.push(start, end);
    if (at(a, i + 1) < at(b, j + 1)) i += 2;
    else j += 2;
  }
  return found;
}

/** What disjoint stretches leave free between two moments. */
export function complement(spans: Spans, start: number, end: number): number[] {
  const found: number[] = [];
  let from = start;
  for (let i = 0; i < spans.length; i += 2) {
    const until = Math.min(at(spans, i), end);
    if (until > from) found.push(from, until);
    from = Math.max(from, at(spans, i + 1));
  }
  if (end > from) found.push(from, end);
  return found;
}

export function length_s(spans: Spans): number {
  let sum = 0;
  for (let i = 0; i < spans.length; i += 2) sum += at(spans, i + 1) - at(spans, i);
  return sum;
}

/** Index (in stretches) of the one that holds a moment, its end not included; -1: none. */
export function indexAt(spans: Spans, time_s: number): number {
  const after = firstAfter(spans, time_s);
  return 2 * after < spans.length && at(spans, 2 * after) <= time_s ? after : -1;
}

/** Index of the first stretch that ends after a moment; their number if there is none. */
export function firstAfter(spans: Spans, time_s: number): number {
  let low = 0;
  let high = spans.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(spans, 2 * middle + 1) <= time_s) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The stretches that have anything between two moments, as they are. */
export function touched(spans: Spans, from_s: number, to_s: number): number[] {
  const found: number[] = [];
  for (let i = firstAfter(spans, from_s); 2 * i < spans.length && at(spans, 2 * i) < to_s; i++)
    found.push(at(spans, 2 * i), at(spans, 2 * i + 1));
  return found;
}

/** Visits the stretches that touch a window. */
export function visit(
  spans: Spans,
  from_s: number,
  to_s: number,
  visitor: (start_s: number, end_s: number, i: number) => void,
): void {
  for (let i = firstAfter(spans, from_s); 2 * i < spans.length && at(spans, 2 * i) <= to_s; i++)
    visitor(at(spans, 2 * i), at(spans, 2 * i + 1), i);
}
