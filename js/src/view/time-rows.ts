import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import { type Child, h } from "./dom.ts";
import { watchTheme } from "./paint/palette.ts";
import type { Box } from "./paint/scene.ts";

/** A track: its name in the gutter, the plot, values in the rail. The canvas lies over all of them. */
export interface Row {
  node: HTMLElement;
  plot: HTMLElement;
  rail: HTMLElement;
}

export function timeRow(className: string, name: Child[], rail: Child[] = []): Row {
  const label = h("div", { class: "sp-name" }, ...name);
  const plot = h("div", { class: "sp-plot" });
  const values = h("div", { class: "sp-rail" }, ...rail);
  return { node: h("div", { class: `sp-row ${className}` }, label, plot, values), plot, rail: values };
}

/** The waveform's track, with what else stands between the ends of its scale. */
export function waveRow(words: Words, between: Child[] = []): Row {
  const name = [h("span", {}, words.waveform), h("small", {}, words.fullScale)];
  const ends = [h("span", { style: "top:2px" }, "+1"), h("span", { style: "bottom:2px" }, "−1")];
  return timeRow("is-wave", name, [ends[0], ...between, ends[1]]);
}

/** Where a track's plot is inside the canvas. */
export function boxIn(canvas: HTMLElement, { plot }: Row): Box {
  const { top, height } = plot.getBoundingClientRect();
  return { y: top - canvas.getBoundingClientRect().top, h: height };
}

/** All tracks on one time axis, with what lies over them. */
export function timeView(words: Words, className: string, ...children: Child[]): HTMLElement {
  const attributes = { class: `sp-view ${className}`.trim(), role: "group", tabindex: 0 };
  return h("div", { ...attributes, "aria-label": words.timeView }, ...children);
}

/** Gives a canvas its size in CSS pixels. Returns whether what was painted is still there. */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number, ratio: number): boolean {
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width === w && canvas.height === h) return true;
  [canvas.width, canvas.height] = [w, h];
  return false;
}

/** Calls back when the host's theme or the view's size changes; called once the root is in the page. */
export function followPage(
  root: HTMLElement,
  view: HTMLElement,
  changes: { themed(): void; resized(): void },
  scope: Scope,
): void {
  watchTheme(root, scope, changes.themed);
  const observer = new ResizeObserver(() => changes.resized());
  observer.observe(view);
  scope.own(() => observer.disconnect());
  scope.listen(window, "resize", () => changes.resized()); // the pixel ratio may have changed
}
