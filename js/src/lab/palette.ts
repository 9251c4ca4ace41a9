import { h } from "../view/dom.ts";
import { readPalette } from "../view/paint/palette.ts";
import type { LabPalette } from "./view/paint.ts";

/** The Transcriber's colours and the lab's own. */
export function readLabPalette(root: HTMLElement): LabPalette {
  const probe = h("i", { hidden: true });
  root.append(probe);
  const read = (colour: string) => {
    probe.style.color = colour;
    return getComputedStyle(probe).color;
  };
  const own = {
    missed: read("var(--sp-miss)"),
    false_alarms: read("var(--sp-false)"),
    band: read("color-mix(in srgb, var(--sp-ink) 4.5%, transparent)"),
    heat: read("var(--sp-heat)"),
    heatOn: read("var(--sp-heat-on)"),
  };
  probe.remove();
  return { ...readPalette(root), ...own };
}
