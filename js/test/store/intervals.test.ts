import { expect, it } from "vitest";
import { Intervals } from "../../src/store/intervals.ts";

it("knows after any adding and removing what a plain set would know", () => {
  let seed = 7;
  const next = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const known = new Intervals();
  const plain = new Set<number>();
  for (let step = 0; step < 400; step++) {
    const from = next(200);
    const to = from + next(12);
    if (next(3) === 0) {
      known.remove(from, to);
      for (let i = from; i < to; i++) plain.delete(i);
    } else {
      known.add(from, to);
      for (let i = from; i < to; i++) plain.add(i);
    }
    const begin = next(200);
    const end = begin + next(60);
    let first = begin;
    while (first < end && plain.has(first)) first++;
    let last = first;
    while (last < end && !plain.has(last)) last++;
    expect(known.missing(begin, end)).toEqual(first < end ? [first, last] : null);
    expect(known.has(begin)).toBe(plain.has(begin));
  }
});

it("keeps one stretch for a series that grows", () => {
  const known = new Intervals();
  for (let i = 0; i < 1000; i++) known.add(i, i + 1);
  expect(known.length).toBe(1);
});
