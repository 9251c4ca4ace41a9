import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import {
  defaultsOf,
  type Line,
  serverThresholds,
  type Thresholds,
  type Wishes,
} from "../store/thresholds.ts";
import type { Detector } from "../wire/messages.ts";
import { h, setAttribute, setText, toggle } from "./dom.ts";
import { threshold } from "./format.ts";
import { grip } from "./icons.ts";
import type { Lines } from "./line-drag.ts";
import { ValueField } from "./number-field.ts";
import type { Box } from "./paint/scene.ts";
import { shareOfY, yOfShare } from "./paint/score.ts";
import { type Scale, scaleOf, shown } from "./scale.ts";

const FLAG_PX = 19;
const APPLY_AFTER_MS = 250; // keys repeat: the kernel is sent where they come to rest

interface FlagEvents {
  /** resolves to whether it was done */
  apply(changes: Partial<Thresholds>): Promise<boolean>;
  /** the lines stand elsewhere */
  changed(): void;
}

/** The two threshold flags in the rail: the number stands where the line is, with its rule and unit. */
export class Flags implements Lines {
  readonly nodes: readonly HTMLElement[];
  readonly handles: ReadonlyMap<HTMLElement, Line>;
  /** stands in the plot, at the line's old place, while it is moved */
  readonly was = h("span", { class: "sp-was", hidden: true });
  readonly #words: Words;
  readonly #start: HTMLElement;
  readonly #release: HTMLElement;
  readonly #values = { threshold: h("b"), neg_threshold: h("b") };
  readonly #top = h("span", { style: "top:1px" });
  readonly #bottom = h("span", { class: "sp-only-wide", style: "bottom:1px" });
  readonly #field: ValueField;
  readonly #events: FlagEvents;
  readonly #wishes: Wishes;
  readonly #scope: Scope;
  #detector: Detector;
  #server = false;
  #box: Box = { y: 0, h: 0 };
  #named = 0;
  /** moved, and not confirmed yet */
  #moved: Partial<Thresholds> = {};
  #line: Line = "threshold";
  /** both were moved together */
  #both = false;
  #state: "still" | "moving" | "sent" = "still";
  #cancel: (() => void) | null = null;

  constructor(words: Words, detector: Detector, events: FlagEvents, wishes: Wishes, scope: Scope) {
    this.#words = words;
    this.#detector = detector;
    this.#events = events;
    this.#wishes = wishes;
    this.#scope = scope;
    this.#field = new ValueField(
      scope,
      (line, value) => this.#set(line, value),
      (line) => this.reset(line),
    );
    this.#start = this.#flag("threshold", "is-start", words.start);
    this.#release = this.#flag("neg_threshold", "is-release", words.release);
    this.handles = new Map([
      [this.#start, "threshold"],
      [this.#release, "neg_threshold"],
    ]);
    this.nodes = [this.#top, this.#bottom, this.#start, this.#release, this.#field.node];
  }

  /** The detector as the lines stand: the kernel's, with what is being moved. */
  get detector(): Detector {
    return { ...this.#detector, ...this.#moved };
  }

  /** The detector as the lines stood before the move that goes on; null while nothing is moved. */
  get before(): Detector | null {
    return this.#state === "moving" ? this.#detector : null;
  }

  get server(): boolean {
    return this.#server;
  }

  /** The line that is or was moved last. */
  get line(): Line {
    return this.#line;
  }

  /** The kernel's word, or the server's. A move that goes on is not disturbed. */
  confirm(detector: Detector, server: boolean): void {
    this.#detector = detector;
    this.#server = server;
    if (this.#state === "moving") return;
    this.#state = "still";
    this.#moved = {};
  }

  /** `height` of the score row; `named` as in the canvas layout; `alone`: only the start flag is shown. */
  update(height: number, named: number, alone = false): void {
    this.#box = { y: 0, h: height };
    this.#named = named;
    const { unit, threshold: start, neg_threshold: release } = this.detector;
    const scale = scaleOf(unit);
    const [start_y, release_y] = [this.yOf("threshold"), this.yOf("neg_threshold")];
    // a flag near the edge stops inside its row, and leaves room for the other; the line goes on
    const top = FLAG_PX + 1;
    const release_top = Math.max(top, Math.min(height - FLAG_PX, release_y));
    this.#start.style.top = `${Math.min(alone ? height : release_top, Math.max(top, start_y))}px`;
    this.#release.style.top = `${release_top}px`;
    setText(this.#values.threshold, `${scale.symbol}≥ ${shown(start, unit)}`);
    setText(this.#values.neg_threshold, `${scale.symbol}< ${shown(release, unit)}`);
    this.#describe(this.#start, start, scale, this.#words.flagStart);
    this.#describe(this.#release, release, scale, this.#words.flagRelease);
    for (const flag of [this.#start, this.#release]) toggle(flag, "is-asked", this.#waits);
    setText(this.#top, scale.top);
    setText(this.#bottom, scale.bottom);
    this.#top.hidden = start_y < FLAG_PX + 14;
    this.#bottom.hidden = release_y + FLAG_PX > height - 14;
    this.#showWas(scale);
  }

  #showWas(scale: Scale): void {
    const { before } = this;
    this.was.hidden = before === null;
    if (!before) return;
    const value = before[this.#line];
    setText(this.was, this.#words.was(shown(value, before.unit)));
    const y = yOfShare(scale.share(value), this.#box, this.#named);
    this.was.style.top = `${Math.max(18, y)}px`;
  }

  yOf(line: Line): number {
    const { unit, [line]: value } = this.detector;
    return yOfShare(scaleOf(unit).share(value), this.#box, this.#named);
  }

  grasp(line: Line): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#line = line;
    this.#both = false;
    this.#state = "moving";
    this.#moved = {};
  }

  move(line: Line, y: number, both: boolean): void {
    const scale = scaleOf(this.#detector.unit);
    const share = shareOfY(y, this.#box, this.#named);
    this.#both = both;
    this.#moved = both
      ? together(line, share, this.#detector, scale)
      : this.#pushed(line, scale.round(scale.value(share)), this.#detector);
    this.#events.changed();
  }

  drop(): void {
    this.#cancel?.();
    this.#cancel = null;
    void this.#send(this.#moved);
  }

  putBack(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#state = "still";
    this.#moved = {};
    this.#events.changed();
  }

  /** Back to the detector's own default, both lines: they belong together. */
  reset(line: Line): void {
    const defaults = defaultsOf(this.#detector, this.#server);
    if (!defaults) return;
    this.grasp(line);
    this.#both = true;
    this.#moved = defaults;
    this.drop();
  }

  /** Asked for and not confirmed: only a server needs long for that. */
  get #waits(): boolean {
    return this.#server && this.#state === "sent";
  }

  async #send(changes: Partial<Thresholds>): Promise<void> {
    this.#state = "sent";
    this.#wishes.keep(this.#both ? null : this.#line, changes, this.#detector);
    this.#events.changed();
    if (!(await this.#events.apply(changes)) && this.#state === "sent") this.putBack();
  }

  #set(line: Line, value: number): void {
    const { min, max } = scaleOf(this.#detector.unit);
    this.grasp(line);
    this.#moved = this.#pushed(line, Math.max(min, Math.min(max, value)), this.#detector);
    this.drop();
  }

  /** One line to a value, and what that takes along. The server's release follows its start. */
  #pushed(line: Line, value: number, from: Detector): Partial<Thresholds> {
    if (!this.#server) return this.#wishes.moved(line, value, from);
    const gap = line === "threshold" ? 0 : from.threshold - from.neg_threshold;
    return serverThresholds(scaleOf(from.unit).round(Math.min(1, value + gap)));
  }

  #flag(line: Line, className: string, label: string): HTMLElement {
    const attributes = {
      class: `sp-flag ${className}`,
      role: "slider",
      tabindex: 0,
      "aria-orientation": "vertical",
      "aria-label": label,
      title: this.#words.flagHint,
    };
    const flag = h("div", attributes, grip(), h("span", { class: "w" }, label), this.#values[line]);
    this.#scope.listen<KeyboardEvent>(flag, "keydown", (event) => this.#key(event, line));
    this.#scope.listen<MouseEvent>(this.#values[line], "click", () => {
      if (this.#state === "moving") return;
      const { unit, [line]: value } = this.detector;
      this.#field.open(
        line,
        threshold(value, unit),
        flag,
        this.#words[line === "threshold" ? "start" : "release"],
      );
    });
    return flag;
  }

  #describe(flag: HTMLElement, value: number, scale: Scale, sentence: (value: string) => string): void {
    const { unit } = this.#detector;
    setAttribute(flag, "aria-valuemin", scale.min);
    setAttribute(flag, "aria-valuemax", scale.max);
    setAttribute(flag, "aria-valuenow", Number(threshold(value, unit)));
    setAttribute(flag, "aria-valuetext", sentence(`${shown(value, unit)} ${this.#words.unit[unit] ?? unit}`));
  }

  #key(event: KeyboardEvent, line: Line): void {
    const { unit, [line]: value } = this.detector;
    const next = moved(event, value, scaleOf(unit));
    if (event.key === "Escape" && this.#cancel) this.putBack();
    else if (event.key === "Enter") this.#values[line].click();
    else if (next !== null) this.#step(line, next);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #step(line: Line, value: number): void {
    const from = this.detector;
    this.#cancel?.();
    this.#line = line;
    this.#state = "moving";
    this.#moved = { ...this.#moved, ...this.#pushed(line, value, from) };
    this.#events.changed();
    this.#cancel = this.#scope.timeout(() => this.drop(), APPLY_AFTER_MS);
  }
}

/** Both lines at once, at the distance that they have on screen; neither leaves the row. */
export function together(line: Line, share: number, from: Detector, scale: Scale): Thresholds {
  const [start, release] = [scale.share(from.threshold), scale.share(from.neg_threshold)];
  const wanted = share - (line === "threshold" ? start : release);
  const by = Math.max(-release, Math.min(1 - start, wanted));
  return {
    threshold: scale.round(scale.value(start + by)),
    neg_threshold: scale.round(scale.value(release + by)),
  };
}

/** Where a key takes a threshold; null for keys that are not ours. */
export function moved(
  event: Pick<KeyboardEvent, "key" | "shiftKey">,
  value: number,
  scale: Scale,
): number | null {
  const steps: Record<string, number> = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  if (event.key === "Home") return scale.round(scale.value(0));
  if (event.key === "End") return scale.round(scale.value(1));
  const step = steps[event.key];
  if (step === undefined) return null;
  const times = event.shiftKey && Math.abs(step) === 1 ? step * 10 : step;
  return scale.round(Math.max(scale.min, Math.min(scale.max, value + times * scale.step(value))));
}
