import type { Scope } from "../../scope.ts";
import { NumberField } from "../../view/number-field.ts";
import { colourOf } from "../../view/paint/palette.ts";
import type { Popup } from "../../view/popup.ts";
import { TuningBar } from "../../view/tuning-bar.ts";
import type { Viewport } from "../../view/viewport.ts";
import type { LabApp } from "../app.ts";
import { nameOf } from "./detector-rows.ts";
import { tunedOf } from "./lab-menu.ts";

/** The numbers of the active detector, the collar, and how much of time is shown. */
export class LabTuning {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #bar: TuningBar;
  readonly #aggressiveness: NumberField;
  readonly #collar: NumberField;

  constructor(app: LabApp, viewport: Viewport, popup: Popup, scope: Scope) {
    const { words, store } = app;
    const { base } = words;
    this.#app = app;
    const putBack = (done: boolean) => done || this.#update();
    this.#aggressiveness = new NumberField(scope, {
      label: words.aggressiveness,
      name: "aggressiveness",
      apply: (value) =>
        void app.setDetector(store.active, { aggressiveness: Math.round(value) }).then(putBack),
    });
    this.#aggressiveness.node.hidden = true; // until the detector says that it has it
    this.#collar = new NumberField(scope, {
      label: words.collar,
      unit: base.ms,
      name: "collar",
      className: "lab-collar",
      apply: (value) => void app.setCollar(value).then(putBack),
    });
    const parts = {
      label: words.settings,
      choose: (opener: HTMLElement) =>
        popup.list(opener, "menu", base.detector, () => [{ choices: this.#choices() }]),
      lines: [this.#aggressiveness.node],
      end: [this.#collar.node],
      wide: "",
    };
    this.#bar = new TuningBar(base, viewport, tunedOf(app), parts, scope);
    this.node = this.#bar.node;
    scope.effect(() => this.#update());
    scope.watch(
      () => viewport.moves.value,
      () => this.#bar.showSpan(),
    );
  }

  #update(): void {
    const { store, words } = this.#app;
    const detector = store.detector(store.active);
    this.#collar.show(String(store.state?.collar_ms ?? 0));
    if (!detector) return;
    this.#bar.show(detector, nameOf(detector, words), colourOf(detector.name));
    const answersYesOrNo = detector.aggressiveness !== undefined;
    this.#bar.hideLines(answersYesOrNo);
    this.#aggressiveness.node.hidden = !answersYesOrNo;
    this.#aggressiveness.show(String(detector.aggressiveness ?? 0));
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
}
