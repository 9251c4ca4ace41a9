import { describe, expect, it } from "vitest";
import { Intervals, Pyramid } from "../../src/store/pyramid.ts";

describe("Pyramid", () => {
  it("keeps every peak at every zoom", () => {
    const pyramid = new Pyramid(1e6);
    for (let i = 0; i < 100_000; i++) pyramid.set(i, i === 54_321 ? -900 : -1, i === 12_345 ? 900 : 1);
    for (const width of [1, 7, 64, 1000, 40_000]) {
      const around = (i: number) => pyramid.range(i - width / 2, i + width / 2 + 1);
      expect(around(12_345).max).toBe(900);
      expect(around(54_321).min).toBe(-900);
    }
    expect(pyramid.range(0, 100_000)).toEqual({ min: -900, max: 900 });
  });

  it("shows a hole as no data, not as silence", () => {
    const pyramid = new Pyramid(1000);
    pyramid.set(0, -3, 3);
    pyramid.set(500, -4, 4);
    const { min, max } = pyramid.range(100, 101);
    expect(min).toBeGreaterThan(max);
    expect(pyramid.value(100)).toBeNaN();
    expect(pyramid.value(500)).toBe(4);
  });

  it("holds no more than it is told, and still knows the far past", () => {
    const pyramid = new Pyramid(10_000);
    for (let i = 0; i < 400_000; i++) pyramid.set(i, 0, i === 5 ? 77 : 1);
    expect(pyramid.held).toBeLessThan(100_000);
    expect(pyramid.range(0, 400_000).max).toBe(77);
    expect(pyramid.range(399_999, 400_000).max).toBe(1);
  });
});

describe("what is filled in later", () => {
  it("is drawn coarse until the finer comes, and asked for once", () => {
    const pyramid = new Pyramid(1e6);
    for (let i = 100_000; i < 100_064; i++) pyramid.set(i, -1, 1);
    expect(pyramid.missing(0, 64, 128)).toEqual([64, 128]);
    pyramid.fill(2, 0, [-5, 5, -6, 6, -7, 7]);
    expect(pyramid.range(70, 71)).toEqual({ min: -6, max: 6 });
    expect(pyramid.missing(2, 0, 3)).toBeNull();
    pyramid.fill(
      0,
      64,
      Array.from({ length: 128 }, (_, i) => (i % 2 ? 2 : -2)),
    );
    expect(pyramid.range(70, 71)).toEqual({ min: -2, max: 2 });
    expect(pyramid.missing(0, 64, 128)).toBeNull();
    expect(pyramid.missing(1, 8, 16)).toBeNull();
  });

  it("is missing again when it was forgotten", () => {
    const pyramid = new Pyramid(8192);
    for (let first = 0; first < 100_000; first += 1000) pyramid.fill(0, first, new Int16Array(2000));
    expect(pyramid.missing(0, 0, 10)).toEqual([0, 10]);
    expect(pyramid.missing(0, 99_000, 100_000)).toBeNull();
    expect(pyramid.range(0, 1)).toEqual({ min: 0, max: 0 });
  });

  it("asks for the beginning of an entry that it saw only the end of", () => {
    const pyramid = new Pyramid(1e6);
    for (let i = 12; i < 32; i++) pyramid.set(i, -1, 1);
    expect(pyramid.missing(1, 1, 4)).toEqual([1, 2]);
    pyramid.fill(1, 1, [-9, 9]);
    expect(pyramid.range(8, 24).max).toBe(9);
  });

  it("is not asked for twice where the kernel had less than wanted", () => {
    const pyramid = new Pyramid(1e6);
    pyramid.fill(0, 0, [-1, 1], 50);
    expect(pyramid.missing(0, 0, 50)).toBeNull();
  });
});

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
