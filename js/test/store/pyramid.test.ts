import { describe, expect, it } from "vitest";
import { Pyramid } from "../../src/store/pyramid.ts";

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
