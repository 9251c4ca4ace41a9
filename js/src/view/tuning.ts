import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import type { Detector } from "../wire/messages.ts";
import { button, h, setAttribute, setText } from "./dom.ts";
import { span, threshold } from "./format.ts";
import { icon } from "./icons.ts";
import type { Popup } from "./popup.ts";
import type { Viewport } from "./viewport.ts";

type Option =
  | "threshold"
  | "neg_threshold"
  | "min_silence_duration_ms"
  | "min_speech_duration_ms"
  | "speech_pad_ms";
const COLOURED = ["silero", "energy", "webrtc"];
const OFFERED = ["silero", "energy"];

/** A number that can be typed. Enter or leaving the field applies it, Esc puts it back. */
class NumberField {
  readonly node: HTMLLabelElement;
  readonly #input: HTMLInputElement;
  #shown = "";

  constructor(
    scope: Scope,
    label: string,
    unit: string,
    name: string,
    className: string,
    apply: (value: number) => void,
  ) {
    this.#input = h("input", { inputmode: "decimal", autocomplete: "off", "data-option": name });
    this.node = h("label", { class: `sp-field ${className}` }, label, this.#input, unit);
    const commit = () => {
      const text = this.#input.value.trim().replace(",", ".");
      const value = Number(text);
      const valid = text !== "" && Number.isFinite(value) && value >= 0;
      setAttribute(this.#input, "aria-invalid", valid ? null : "true");
      if (valid && text !== this.#shown) apply(value);
    };
    scope.listen(this.#input, "change", commit);
    scope.listen<KeyboardEvent>(this.#input, "keydown", (event) => {
      if (event.key === "Escape") this.#restore();
      else if (event.key === "Enter") commit();
    });
    scope.listen(this.#input, "blur", () => {
      if (this.#input.getAttribute("aria-invalid")) this.#restore();
    });
  }

  /** Never writes into a field in which someone types. */
  show(text: string): void {
    this.#shown = text;
    if (this.#input.getRootNode() instanceof Document && document.activeElement === this.#input) return;
    this.#restore();
  }

  #restore(): void {
    setAttribute(this.#input, "aria-invalid", null);
    this.#input.value = this.#shown;
  }
}

/** The running detector and its numbers (the same as on the flags), and which part of time is shown. */
export class Tuning {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #fields = new Map<Option, NumberField>();
  readonly #key = h("span", { class: "sp-key" });
  readonly #name = h("span");
  readonly #followLabel = h("span");
  readonly #follow: HTMLButtonElement;
  readonly #span = h("span", { class: "sp-btn is-s sp-num sp-zoom" });

  constructor(app: App, viewport: Viewport, popup: Popup, scope: Scope) {
    const words = app.strings;
    this.#app = app;
    this.#viewport = viewport;
    const choose = button(
      scope,
      {
        class: "sp-select",
        "aria-haspopup": "listbox",
        "aria-expanded": false,
        "aria-label": words.detectorBar,
      },
      [this.#key, this.#name, icon("caret")],
      () => this.#choose(choose, popup),
    );
    this.#follow = button(scope, { class: "sp-btn is-s sp-follow" }, [icon("live"), this.#followLabel], () =>
      viewport.goLive(),
    );
    const zoom = (direction: "in" | "out", label: string) =>
      button(
        scope,
        { class: "sp-btn is-s is-icon", "aria-label": label, title: label },
        [icon(direction === "in" ? "plus" : "minus")],
        () => viewport.step(direction),
      );
    this.node = h(
      "div",
      { class: "sp-tune", role: "toolbar", "aria-label": words.detectorBar },
      h("span", { class: "sp-field" }, choose),
      this.#field(scope, "threshold", words.start, "", ""),
      this.#field(scope, "neg_threshold", words.release, "", ""),
      this.#field(scope, "min_silence_duration_ms", words.minSilence, words.ms, "sp-only-wide"),
      this.#field(scope, "min_speech_duration_ms", words.minSpeech, words.ms, "sp-pri-3 sp-only-wide"),
      this.#field(scope, "speech_pad_ms", words.pad, words.ms, "sp-pri-3 sp-only-wide"),
      h("span", { class: "sp-grow" }),
      this.#follow,
      h(
        "span",
        { class: "sp-group sp-only-wide" },
        zoom("out", words.zoomOut),
        this.#span,
        zoom("in", words.zoomIn),
      ),
    );
    this.update();
  }

  update(): void {
    const { synced, strings: words } = this.#app;
    const { detector } = synced;
    const name = detector.name.toLowerCase();
    this.#key.className = `sp-key is-${COLOURED.includes(name) ? name : "silero"}`;
    setText(this.#name, words.detectorNames[name] ?? detector.name);
    this.#fields.get("threshold")?.show(threshold(detector.threshold, detector.unit));
    this.#fields.get("neg_threshold")?.show(threshold(detector.neg_threshold, detector.unit));
    for (const option of ["min_silence_duration_ms", "min_speech_duration_ms", "speech_pad_ms"] as const) {
      this.#fields.get(option)?.show(String(Math.round(detector[option])));
    }
  }

  /** Called every frame: writes only what changed. */
  updateTime(live: boolean): void {
    const { strings: words } = this.#app;
    const { follow, behind_s, span_s } = this.#viewport;
    const on = follow && live;
    this.#follow.classList.toggle("is-on", on);
    setAttribute(this.#follow, "aria-pressed", String(on));
    setText(this.#followLabel, behind_s < 0.5 ? words.follow : words.behind(behind_s.toFixed(0)));
    setText(this.#span, span(span_s, words));
  }

  #field(scope: Scope, option: Option, label: string, unit: string, className: string): HTMLLabelElement {
    const field = new NumberField(scope, label, unit, option, className, (value) =>
      this.#apply(option, value),
    );
    this.#fields.set(option, field);
    return field.node;
  }

  /** A refused number is put back: the field shows what the kernel runs with. */
  async #apply(option: Option, value: number): Promise<void> {
    const done = await this.#app.setDetector(withPartner(option, value, this.#app.synced.detector));
    if (!done) this.update();
  }

  #choose(opener: HTMLElement, popup: Popup): void {
    const { synced, strings: words } = this.#app;
    const now = synced.detector.name.toLowerCase();
    const options = [...new Set([...OFFERED, now])].map((name) => ({
      label: words.detectorNames[name] ?? name,
      selected: name === now,
      choose: () => void this.#app.setDetector({ name }),
    }));
    popup.list(opener, "listbox", words.detectorBar, [{ options }]);
  }
}

/** Start cannot go below release, nor release above start: the one that is moved pushes the other along. */
export function withPartner(option: Option, value: number, detector: Detector): Partial<Detector> {
  if (option === "threshold" && value < detector.neg_threshold)
    return { threshold: value, neg_threshold: value };
  if (option === "neg_threshold" && value > detector.threshold)
    return { threshold: value, neg_threshold: value };
  return { [option]: value };
}
