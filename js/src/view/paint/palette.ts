import { FrameLoop, type Scope } from "../../scope.ts";
import { h } from "../dom.ts";

const TOKENS = {
  paper: "--sp-paper",
  ink: "--sp-ink",
  secondary: "--sp-ink-2",
  tick: "--sp-ink-3",
  grid: "--sp-grid",
  axis: "--sp-line-2",
  wave: "--sp-wave",
  waveSpeech: "--sp-wave-speech",
  silero: "--sp-silero",
  energy: "--sp-energy",
  webrtc: "--sp-webrtc",
  own: "--sp-own",
  server: "--sp-server",
  kept: "--sp-kept",
  threshold: "--sp-threshold",
  release: "--sp-release",
  recording: "--sp-rec",
  recordingFill: "--sp-rec-fill",
  onRecording: "--sp-on-rec",
  well: "--sp-paper-3",
  brand: "--sp-brand",
  selected: "--sp-select",
  error: "--sp-error",
  mark: "--sp-mark",
} as const;

const DETECTORS = ["silero", "energy", "webrtc", "own"] as const;
/** Those that go by loudness have one colour. */
const LOUDNESS = new Set(["rms", "adaptive"]);

/** The token of a detector's colour; those that are not ours share one. */
export function colourOf(detector: string): (typeof DETECTORS)[number] {
  return DETECTORS.find((name) => name === detector) ?? (LOUDNESS.has(detector) ? "energy" : "own");
}

type Solid = Record<keyof typeof TOKENS, string>;

/** Colours as the canvas needs them: computed, not as variables. */
export interface Palette extends Solid {
  selection: string;
  /** the family, for words on the canvas */
  font: string;
  serverFill: string;
  /** colour and fill of a detector's curve */
  detector(name: string): { line: string; fill: string };
}

/** Reads the tokens through a probe element; costs a style computation, so only when the theme changes.
 *
 * `more` are colours that one view has besides, as CSS writes them.
 */
export function readPalette<More extends string = never>(
  root: HTMLElement,
  more: Readonly<Record<More, string>> = {} as Record<More, string>,
): Palette & Record<More, string> {
  const probe = h("i", { hidden: true });
  root.append(probe);
  const read = (colour: string) => {
    probe.style.color = colour;
    return getComputedStyle(probe).color;
  };
  const faint = (token: string, percent: number) =>
    read(`color-mix(in srgb, var(${token}) ${percent}%, transparent)`);
  const solid = Object.fromEntries(
    Object.entries(TOKENS).map(([name, token]) => [name, read(`var(${token})`)]),
  ) as Solid;
  const own = Object.fromEntries(
    Object.entries<string>(more).map(([name, colour]) => [name, read(colour)]),
  ) as Record<More, string>;
  const detectors = Object.fromEntries(
    DETECTORS.map((name) => [name, { line: solid[name], fill: faint(TOKENS[name], 16) }]),
  ) as Record<(typeof DETECTORS)[number], { line: string; fill: string }>;
  const palette = {
    ...solid,
    ...own,
    selection: faint("--sp-brand", 10),
    font: getComputedStyle(root).fontFamily,
    serverFill: faint("--sp-server", 14),
    detector: (name: string) => detectors[colourOf(name)],
  };
  probe.remove();
  return palette;
}

/** Calls `changed` when the host page has changed its theme, and tells the root which one it is.
 *
 * The root carries the theme itself because in a shadow tree it cannot see the page's attributes.
 */
export function watchTheme(root: HTMLElement, scope: Scope, changed: () => void): void {
  const dark = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
  // JupyterLab hides everything until the next frame: nothing can be measured, nor colours be read, before.
  const later = new FrameLoop(scope, changed);
  const name = () => {
    const theme = hostTheme();
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const update = () => {
    name();
    later.request();
  };
  const observer = new MutationObserver(update);
  const attributeFilter = ["class", "data-jp-theme-light", "data-jp-theme-name", "data-theme"];
  observer.observe(document.body, { attributes: true, attributeFilter });
  observer.observe(document.documentElement, { attributes: true, attributeFilter });
  scope.own(() => observer.disconnect());
  if (dark) scope.listen(dark, "change", update);
  name();
  changed();
}

function hostTheme(): "light" | "dark" | null {
  const light = document.body.dataset.jpThemeLight;
  if (light !== undefined) return light === "true" ? "light" : "dark";
  const classes = [...document.body.classList, ...document.documentElement.classList];
  if (classes.some((name) => name === "dark" || name === "vscode-dark" || name === "vscode-high-contrast"))
    return "dark";
  if (classes.some((name) => name === "light" || name === "vscode-light")) return "light";
  return null;
}
