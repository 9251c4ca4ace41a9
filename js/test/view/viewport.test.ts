import { describe, expect, it } from "vitest";
import { ticksOf } from "../../src/view/paint/ruler.ts";
import { Axis } from "../../src/view/paint/scene.ts";
import { Viewport } from "../../src/view/viewport.ts";

describe("Viewport", () => {
  it("follows the live edge until someone looks back, and then only when told", () => {
    const view = new Viewport(24);
    view.moveEdge(100);
    expect(view.end_s - 100).toBeCloseTo(2.4);
    expect(view.pan(-30)).toBe(true);
    const start_s = view.start_s;
    view.moveEdge(130);
    expect([view.follow, view.start_s]).toEqual([false, start_s]);
    expect(view.behind_s).toBeCloseTo(60);
    view.goLive();
    expect([view.follow, view.behind_s]).toEqual([true, 0]);
  });

  it("does not move where there is nothing to see", () => {
    const view = new Viewport(24);
    view.moveEdge(10);
    expect([view.pan(5), view.pan(-5), view.follow]).toEqual([false, false, true]);
  });

  it("shows the whole of a recording that has ended, and the live edge as before in the next one", () => {
    const view = new Viewport(24);
    view.moveEdge(8);
    view.fit(8);
    expect([view.start_s, view.end_s]).toEqual([0, 8]);
    view.moveEdge(8);
    expect(view.behind_s).toBe(0);
    view.reset();
    view.moveEdge(100);
    expect([view.span_s, view.follow]).toEqual([24, true]);
    expect(view.end_s - 100).toBeCloseTo(2.4);
  });

  it("leaves alone who looks elsewhere when the recording ends", () => {
    const view = new Viewport(24);
    view.moveEdge(100);
    view.show(30);
    view.fit(100);
    expect([view.start_s, view.span_s]).toEqual([30, 24]);
  });

  it("zooms around the pointer", () => {
    const view = new Viewport(24);
    view.moveEdge(1000);
    view.show(500);
    view.zoom(12, 506);
    expect(view.start_s).toBeCloseTo(503);
  });
});

it("puts labels at least 55 px apart, on round times", () => {
  for (const span_s of [3, 24, 100, 4000, 28_800]) {
    const ticks = ticksOf(7, span_s, 674);
    const step = (ticks[1] ?? 0) - (ticks[0] ?? 0);
    expect((step * 674) / span_s).toBeGreaterThanOrEqual(55);
    expect(ticks.length).toBeGreaterThan(1);
  }
});

it("keeps a moment on one pixel column while the picture scrolls", () => {
  const before = new Axis(10.013, 24, 674, 1.5);
  const after = new Axis(11.777, 24, 674, 1.5);
  const moved = (before.x(12) - after.x(12)) * 1.5;
  expect(moved).toBeCloseTo(Math.round(moved));
});
