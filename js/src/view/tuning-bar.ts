import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Option, Wishes } from "../store/thresholds.ts";
import type { Detector } from "../wire/messages.ts";
import { button, h, setAttribute, setText, signButton } from "./dom.ts";
import { span, threshold } from "./format.ts";
import { icon } from "./icons.ts";
import { NumberField } from "./number-field.ts";
import type { Viewport } from "./viewport.ts";

/** The detector that is tuned. `change` resolves to whether the kernel did it. */
export interface Tuned {
  detector(): Detector | undefined;
  wishes(): Wishes;
  change(changes: Partial<Detector>): Promise<boolean>;
}

/** The fields of some options, in their order. A refused number is put back: a field shows what the kernel has. */
class OptionFields {
  readonly #fields = new Map<Option, NumberField>();
  readonly #tuned: Tuned;

  constructor(tuned: Tuned) {
    this.#tuned = tuned;
  }

  add(scope: Scope, option: Option, label: string, unit: string, name: string, className = ""): HTMLElement {
    const apply = async (value: number) => {
      const detector = this.#tuned.detector();
      if (detector && !(await this.#tuned.change(this.#changes(option, value, detector)))) this.show();
    };
    const field = new NumberField(scope, {
      label,
      unit,
      name,
      className,
      apply: (value) => void apply(value),
    });
    this.#fields.set(option, field);
    return field.node;
  }

  #changes(option: Option, value: number, detector: Detector): Partial<Detector> {
    if (option !== "threshold" && option !== "neg_threshold") return { [option]: value };
    const wishes = this.#tuned.wishes();
    const changes = wishes.moved(option, value, detector);
    wishes.keep(option, changes, detector);
    return changes;
  }

  show(): void {
    const detector = this.#tuned.detector();
    if (!detector) return;
    for (const [option, field] of this.#fields) field.show(shown(option, detector));
  }
}

function shown(option: Option, detector: Detector): string {
  const value = detector[option];
  if (value === null) return "";
  if (option === "threshold" || option === "neg_threshold") return threshold(value, detector.unit);
  return String(option === "max_speech_duration_s" ? value : Math.round(value));
}

/** Every number of a detector, also where the bar has no room for them. */
export function allNumbers(tuned: Tuned, words: Words, scope: Scope): HTMLElement {
  const fields = new OptionFields(tuned);
  const field = (option: Option, label: string, unit = "") =>
    fields.add(scope, option, label, unit, `panel-${option}`);
  const node = h(
    "div",
    { class: "fields" },
    field("threshold", words.start),
    field("neg_threshold", words.release),
    field("min_silence_duration_ms", words.minSilence, words.ms),
    field("min_speech_duration_ms", words.minSpeech, words.ms),
    field("speech_pad_ms", words.pad, words.ms),
    field("max_speech_duration_s", words.maxSpeech, words.s),
  );
  scope.effect(() => fields.show());
  return node;
}

interface Parts {
  label: string;
  /** of the button that names the detector: opens the list of others */
  choose(opener: HTMLElement): void;
  /** beside the lines */
  lines?: HTMLElement[];
  /** before the zoom */
  end?: HTMLElement[];
  /** marks what a narrow view leaves out */
  wide: string;
}

/** The detector and its numbers (the same as on the flags), and how much of time is shown. */
export class TuningBar {
  readonly node: HTMLElement;
  readonly #words: Words;
  readonly #viewport: Viewport;
  readonly #fields: OptionFields;
  readonly #lines: readonly HTMLElement[];
  readonly #key = h("span", { class: "sp-key" });
  readonly #name = h("span");
  readonly #select: HTMLButtonElement;
  readonly #span = h("span", { class: "sp-btn is-s sp-num sp-zoom" });

  constructor(words: Words, viewport: Viewport, tuned: Tuned, parts: Parts, scope: Scope) {
    this.#words = words;
    this.#viewport = viewport;
    this.#fields = new OptionFields(tuned);
    this.#select = button(
      scope,
      { class: "sp-select", "aria-haspopup": "menu", "aria-expanded": false },
      [this.#key, this.#name, icon("caret")],
      () => parts.choose(this.#select),
    );
    const field = (option: Option, label: string, unit = "", className = "") =>
      this.#fields.add(scope, option, label, unit, option, className);
    const { wide } = parts;
    const zoom = h(
      "span",
      { class: `sp-group ${wide}`.trim() },
      this.#zoom(scope, "out", words.zoomOut),
      this.#span,
      this.#zoom(scope, "in", words.zoomIn),
    );
    this.#lines = [field("threshold", words.start), field("neg_threshold", words.release)];
    this.node = h(
      "div",
      { class: "sp-tune", role: "toolbar", "aria-label": parts.label },
      h("span", { class: "sp-field" }, this.#select),
      ...this.#lines,
      ...(parts.lines ?? []),
      field("min_silence_duration_ms", words.minSilence, words.ms, wide),
      field("min_speech_duration_ms", words.minSpeech, words.ms, `sp-pri-3 ${wide}`),
      field("speech_pad_ms", words.pad, words.ms, `sp-pri-3 ${wide}`),
      h("span", { class: "sp-tune-end" }, ...(parts.end ?? []), zoom),
    );
  }

  /** `name` as it stands on screen, `colour` as a token names it. */
  show(detector: Detector, name: string, colour: string): void {
    this.#key.className = `sp-key is-${colour}`;
    setText(this.#name, name);
    setAttribute(this.#select, "aria-label", `${this.#words.detector}: ${name}`);
    setAttribute(this.node, "data-detector", detector.name);
    this.#fields.show();
  }

  /** A detector that says yes or no has no lines. */
  hideLines(hidden: boolean): void {
    for (const line of this.#lines) line.hidden = hidden;
  }

  showSpan(): void {
    setText(this.#span, span(this.#viewport.span_s, this.#words));
  }

  #zoom(scope: Scope, direction: "in" | "out", label: string): HTMLButtonElement {
    const step = () => this.#viewport.step(direction);
    const name = direction === "in" ? "plus" : "minus";
    return signButton(scope, name, label, step, { class: "sp-btn is-s is-icon" });
  }
}
