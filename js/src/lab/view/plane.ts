import type { Scope } from "../../scope.ts";
import { h, setText } from "../../view/dom.ts";

/** A small picture with axes, drawn when its data or the theme changes. */
export class Plane {
  readonly canvas: HTMLCanvasElement;
  readonly node: HTMLElement;
  readonly #tip = h("span", { class: "plane-tip", "aria-hidden": "true", hidden: true });
  width = 0;
  height = 0;

  constructor(label: string) {
    this.canvas = h("canvas", { class: "plot2", role: "img", "aria-label": label });
    this.node = h("div", { class: "plane" }, this.canvas, this.#tip);
  }

  /** Says the values of what is under the pointer, above or below it; nothing where nothing is. */
  follow(scope: Scope, valuesAt: (event: MouseEvent) => { text: string; x: number; y: number } | null): void {
    scope.listen<PointerEvent>(this.canvas, "pointermove", (event) => {
      const found = valuesAt(event);
      this.#tip.hidden = found === null;
      if (!found) return;
      setText(this.#tip, found.text);
      const { offsetWidth: width, offsetHeight: height } = this.#tip;
      const left = Math.max(0, Math.min(this.width - width, found.x - width / 2));
      const top = found.y > height + 14 ? found.y - height - 12 : found.y + 12;
      this.#tip.style.transform = `translate(${left.toFixed(0)}px, ${top.toFixed(0)}px)`;
    });
    scope.listen(this.canvas, "pointerleave", () => {
      this.#tip.hidden = true;
    });
  }

  /** The context, cleared, in CSS pixels; null where there is nothing to draw on. */
  begin(font: string): CanvasRenderingContext2D | null {
    const { width, height } = this.canvas.getBoundingClientRect();
    const context = this.canvas.getContext("2d");
    if (!context || width === 0) return null;
    const ratio = globalThis.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    [this.width, this.height] = [width, height];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = `11px ${font}`;
    return context;
  }

  /** Where a pointer is inside the picture. */
  point(event: MouseEvent): { x: number; y: number } {
    const { left, top } = this.canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }
}

/** A word along the vertical axis. */
export function upright(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(text, 0, 0);
  context.restore();
}

/** "0.8" -> ".8": there is little room. */
export function short(value: number, digits = 1): string {
  return value
    .toFixed(digits)
    .replace(/^0\./, ".")
    .replace(/^1\.0+$/, "1")
    .replace(/^\.0+$/, "0");
}
