import type { Palette } from "../../../src/view/paint/palette.ts";

export interface Written {
  text: string;
  x: number;
  y: number;
  direction: string;
}

/** A context that draws nothing and remembers the words; every character is 10 px wide. */
export function fakeContext(): { context: CanvasRenderingContext2D; written: Written[]; measured: string[] } {
  const written: Written[] = [];
  const measured: string[] = [];
  const context = new Proxy({ direction: "inherit" } as Record<string, unknown>, {
    get(target, name: string) {
      if (name === "fillText")
        return (text: string, x: number, y: number) =>
          written.push({ text, x, y, direction: String(target.direction) });
      if (name === "measureText")
        return (text: string) => {
          measured.push(text);
          return { width: 10 * [...text].length };
        };
      return name in target ? target[name] : () => {};
    },
    set(target, name: string, value) {
      target[name] = value;
      return true;
    },
  });
  return { context: context as unknown as CanvasRenderingContext2D, written, measured };
}

/** Every colour by its own name. */
export const palette = new Proxy({} as Palette, { get: (_, name) => String(name) });
