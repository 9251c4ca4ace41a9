import type { Strings } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Detector } from "../wire/messages.ts";
import { h, setAttribute, setText } from "./dom.ts";
import { threshold } from "./format.ts";
import { grip } from "./icons.ts";
import { shareEnergy, shareOf, yOfShare } from "./paint/score.ts";
import { withPartner } from "./tuning.ts";

const FLAG_PX = 19;
const APPLY_AFTER_MS = 250; // keys repeat: the kernel hears of where they came to rest

type Line = "threshold" | "neg_threshold";

/** The two threshold flags in the rail: the number stands where the line is, with its rule and unit. */
export class Flags {
  readonly nodes: readonly HTMLElement[];
  readonly #words: Strings;
  readonly #start: HTMLElement;
  readonly #release: HTMLElement;
  readonly #values = { threshold: h("b"), neg_threshold: h("b") };
  readonly #top = h("span", { style: "top:1px" });
  readonly #bottom = h("span", { class: "sp-only-wide", style: "bottom:1px" });
  readonly #apply: (changes: Partial<Detector>) => void;
  readonly #scope: Scope;
  #detector: Detector;
  /** moved by keys, not yet confirmed */
  #moved: Partial<Detector> = {};
  #cancel: (() => void) | null = null;
  readonly #changed: () => void;

  constructor(
    words: Strings,
    detector: Detector,
    apply: (changes: Partial<Detector>) => void,
    changed: () => void,
    scope: Scope,
  ) {
    this.#words = words;
    this.#detector = detector;
    this.#apply = apply;
    this.#changed = changed;
    this.#scope = scope;
    this.#start = this.#flag("threshold", "is-start", words.start);
    this.#release = this.#flag("neg_threshold", "is-release", words.release);
    this.nodes = [this.#top, this.#bottom, this.#start, this.#release];
  }

  /** The detector as the lines stand: the kernel's, with what is being moved. */
  get detector(): Detector {
    return { ...this.#detector, ...this.#moved };
  }

  confirm(detector: Detector): void {
    this.#detector = detector;
    if (!this.#cancel) this.#moved = {};
  }

  /** `height` of the score row; `named` as in the canvas layout. */
  update(height: number, named: number): void {
    const { unit, threshold: start, neg_threshold: release } = this.detector;
    const box = { y: 0, h: height };
    const y = (value: number) => yOfShare(shareOf(value, unit), box, named);
    // a flag near the edge stops inside its row; the line goes on
    this.#start.style.top = `${Math.min(height, Math.max(FLAG_PX + 1, y(start)))}px`;
    this.#release.style.top = `${Math.max(0, Math.min(height - FLAG_PX, y(release)))}px`;
    const rule = unit === "probability" ? "p " : "";
    setText(this.#values.threshold, `${rule}≥ ${threshold(start, unit)}`);
    setText(this.#values.neg_threshold, `${rule}< ${threshold(release, unit)}`);
    this.#describe(this.#start, start, this.#words.flagStart);
    this.#describe(this.#release, release, this.#words.flagRelease);
    setText(this.#top, unit === "probability" ? "1.0" : "0 dB");
    setText(this.#bottom, unit === "probability" ? "0.0" : "−60 dB");
    this.#top.hidden = y(start) < FLAG_PX + 14;
    this.#bottom.hidden = y(release) + FLAG_PX > height - 14;
  }

  #flag(line: Line, className: string, label: string): HTMLElement {
    const attributes = {
      class: `sp-flag ${className}`,
      role: "slider",
      tabindex: 0,
      "aria-orientation": "vertical",
      "aria-label": label,
    };
    const flag = h("div", attributes, grip(), h("span", { class: "w" }, label), this.#values[line]);
    this.#scope.listen<KeyboardEvent>(flag, "keydown", (event) => this.#key(event, line));
    return flag;
  }

  #describe(flag: HTMLElement, value: number, sentence: (value: string) => string): void {
    const { unit } = this.#detector;
    setAttribute(flag, "aria-valuemin", 0);
    setAttribute(flag, "aria-valuemax", unit === "probability" ? 1 : 32767);
    setAttribute(flag, "aria-valuenow", Number(threshold(value, unit)));
    setAttribute(flag, "aria-valuetext", sentence(`${threshold(value, unit)} ${this.#words.unit[unit]}`));
  }

  #key(event: KeyboardEvent, line: Line): void {
    const { unit, [line]: value } = this.detector;
    const next = moved(event, value, unit);
    if (event.key === "Escape" && this.#cancel) this.#putBack();
    else if (next !== null) this.#move(line, next);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #move(line: Line, value: number): void {
    this.#moved = { ...this.#moved, ...withPartner(line, value, this.detector) };
    this.#changed();
    this.#cancel?.();
    this.#cancel = this.#scope.timeout(() => {
      this.#cancel = null;
      this.#apply(this.#moved);
    }, APPLY_AFTER_MS);
  }

  #putBack(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#moved = {};
    this.#changed();
  }
}

/** Where a key takes a threshold; null for keys that are not ours. */
export function moved(
  event: Pick<KeyboardEvent, "key" | "shiftKey">,
  value: number,
  unit: Detector["unit"],
): number | null {
  const steps: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  if (event.key === "Home") return 0;
  if (event.key === "End") return unit === "probability" ? 1 : Math.floor(shareEnergy(1));
  const step = steps[event.key];
  if (step === undefined) return null;
  const times = event.shiftKey && Math.abs(step) === 1 ? step * 10 : step;
  if (unit === "energy")
    return Math.max(0, Math.min(32767, Math.round(value + times * Math.max(1, value / 100))));
  return Math.max(0, Math.min(1, Math.round(value * 100 + times) / 100));
}
