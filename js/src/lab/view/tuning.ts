import type { Scope } from "../../scope.ts";
import { button, h, setAttribute, setText } from "../../view/dom.ts";
import { span, threshold } from "../../view/format.ts";
import { icon } from "../../view/icons.ts";
import { NumberField } from "../../view/number-field.ts";
import type { Popup } from "../../view/popup.ts";
import { type Option, withPartner } from "../../view/tuning-options.ts";
import type { Viewport } from "../../view/viewport.ts";
import type { LabApp } from "../app.ts";
import type { LabDetector } from "../wire.ts";
import { colourOf, nameOf } from "./rows.ts";

const DURATIONS = ["min_silence_duration_ms", "min_speech_duration_ms", "speech_pad_ms"] as const;

/** The numbers of the active detector, the collar, and which part of time is shown. */
export class LabTuning {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #viewport: Viewport;
  readonly #fields = new Map<Option, NumberField>();
  readonly #aggressiveness: NumberField;
  readonly #collar: NumberField;
  readonly #key = h("span", { class: "sp-key" });
  readonly #name = h("span");
  readonly #span = h("span", { class: "sp-btn is-s sp-num sp-zoom" });

  constructor(app: LabApp, viewport: Viewport, popup: Popup, scope: Scope) {
    const { words } = app;
    const { base } = words;
    this.#app = app;
    this.#viewport = viewport;
    const select: HTMLButtonElement = button(
      scope,
      { class: "sp-select", "aria-haspopup": "menu", "aria-expanded": false, "aria-label": words.detector },
      [this.#key, this.#name, icon("caret")],
      () => popup.list(select, "menu", words.detector, () => [{ choices: this.#choices() }]),
    );
    const field = (option: Option, label: string, unit: string, className = "") => {
      const made = new NumberField(scope, {
        label,
        unit,
        name: option,
        className,
        apply: (value) => void this.#apply(option, value),
      });
      this.#fields.set(option, made);
      return made.node;
    };
    this.#aggressiveness = new NumberField(scope, {
      label: words.aggressiveness,
      name: "aggressiveness",
      apply: (value) => void this.#change({ aggressiveness: Math.round(value) }),
    });
    this.#collar = new NumberField(scope, {
      label: words.collar,
      unit: base.ms,
      name: "collar",
      className: "lab-collar",
      apply: (value) => void app.setCollar(value).then((done) => done || this.update()),
    });
    const zoom = (direction: "in" | "out", label: string) =>
      button(
        scope,
        { class: "sp-btn is-s is-icon", "aria-label": label, title: label },
        [icon(direction === "in" ? "plus" : "minus")],
        () => viewport.step(direction),
      );
    this.node = h(
      "div",
      { class: "sp-tune", role: "toolbar", "aria-label": words.settings },
      h("span", { class: "sp-field" }, select),
      field("threshold", base.start, ""),
      field("neg_threshold", base.release, ""),
      this.#aggressiveness.node,
      field("min_silence_duration_ms", base.minSilence, base.ms),
      field("min_speech_duration_ms", base.minSpeech, base.ms, "sp-pri-3"),
      field("speech_pad_ms", base.pad, base.ms, "sp-pri-3"),
      h("span", { class: "sp-grow" }),
      this.#collar.node,
      h("span", { class: "sp-group" }, zoom("out", base.zoomOut), this.#span, zoom("in", base.zoomIn)),
    );
    this.update();
  }

  update(): void {
    const { store, words } = this.#app;
    const detector = store.detector(store.active);
    setText(this.#span, span(this.#viewport.span_s, words.base));
    this.#collar.show(String(store.state?.collar_ms ?? 0));
    if (!detector) return;
    this.#key.className = `sp-key is-${colourOf(detector)}`;
    setText(this.#name, nameOf(detector, words));
    const answersYesOrNo = detector.aggressiveness !== undefined;
    for (const option of ["threshold", "neg_threshold"] as const) {
      const field = this.#fields.get(option);
      field?.show(threshold(detector[option], detector.unit));
      if (field) field.node.hidden = answersYesOrNo;
    }
    this.#aggressiveness.node.hidden = !answersYesOrNo;
    this.#aggressiveness.show(String(detector.aggressiveness ?? 0));
    for (const option of DURATIONS) this.#fields.get(option)?.show(String(Math.round(detector[option])));
    setAttribute(this.node, "data-detector", detector.name);
  }

  #choices() {
    const { store, words } = this.#app;
    return store.lanes.map(({ detector }, index) => ({
      label: nameOf(detector, words),
      hint: String(index + 1),
      selected: index === store.active,
      choose: () => void this.#app.setActive(index),
    }));
  }

  #apply(option: Option, value: number): Promise<void> {
    const { store } = this.#app;
    const detector = store.detector(store.active);
    if (!detector) return Promise.resolve();
    const { threshold: start, neg_threshold: release } = detector;
    const both =
      option === "threshold" || option === "neg_threshold"
        ? { threshold: start, neg_threshold: release }
        : {};
    return this.#change({ ...both, ...withPartner(option, value, detector) });
  }

  /** A refused number is put back: the field shows what the kernel has. */
  async #change(changes: Partial<LabDetector>): Promise<void> {
    const done = await this.#app.setDetector(this.#app.store.active, changes);
    if (!done) this.update();
  }
}
