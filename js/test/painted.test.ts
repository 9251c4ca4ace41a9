import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Painted, type PaintedTexts } from "../src/painted.ts";
import { Scope } from "../src/scope.ts";

const final = (item_id: string, text = "x") =>
  ({ type: "final", item_id, start_s: 0, end_s: 1, text, language: null, latency_s: null }) as const;

let frames: FrameRequestCallback[];
let told: PaintedTexts[];
let scope: Scope;
let painted: Painted;
let now_ms: number;
const frame = () => {
  now_ms += 15;
  for (const paint of frames.splice(0)) paint(0);
};
const hide = (hidden: boolean) => {
  Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
  document.dispatchEvent(new Event("visibilitychange"));
};

beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (paint: FrameRequestCallback) => frames.push(paint));
  told = [];
  now_ms = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => now_ms);
  scope = new Scope();
  painted = new Painted((texts) => told.push(texts), scope);
});
afterEach(() => {
  hide(false);
  scope.dispose();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it("tells of a text after the frame that painted it, and once", () => {
  painted.note([final("a")], 7);
  frame();
  expect(told).toEqual([]);
  frame();
  expect(told).toEqual([{ items: { main: ["a"] }, sent_s: 7, held_s: 0.03 }]);
  frame();
  expect(told).toHaveLength(1);
  expect(frames).toHaveLength(0);
});

it("tells of all that came before a frame at once, by session", () => {
  painted.note([final("a"), { ...final("b"), run: "energy" }], 7);
  painted.note([final("c")], 7);
  frame();
  painted.note([final("d")], 7);
  frame();
  frame();
  expect(told.map(({ items }) => items)).toEqual([{ main: ["a", "c"], energy: ["b"] }, { main: ["d"] }]);
});

describe("nothing is told of", () => {
  it("texts that are not final, or empty: they leave no row", () => {
    painted.note([final("a", " "), { type: "partial", item_id: "b", start_s: 0, text: "x" }], 7);
    expect(frames).toHaveLength(0);
  });

  it("a page that is not seen, also when it is hidden before the frame", () => {
    painted.note([final("a")], 7);
    hide(true);
    painted.note([final("b")], 7);
    hide(false);
    frame();
    frame();
    expect(told).toEqual([]);
  });
});
