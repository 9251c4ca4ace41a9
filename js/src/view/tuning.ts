import type { App } from "../app.ts";
import type { Scope } from "../scope.ts";
import { detectorGroups, openNumbers } from "./detector-panel.ts";
import { button, h, setAttribute, setText } from "./dom.ts";
import { span, threshold } from "./format.ts";
import { icon } from "./icons.ts";
import { NumberField } from "./number-field.ts";
import type { Popup } from "./popup.ts";
import { type Option, withPartner } from "./tuning-options.ts";
import type { Viewport } from "./viewport.ts";

export { withPartner };

const COLOURED = ["silero", "energy", "webrtc"];

/** The running detector and its numbers (the same as on the flags), and which part of time is shown. */
export class Tuning {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #viewport: Viewport;
  readonly #fields = new Map<Option, NumberField>();
  readonly #key = h("span", { class: "sp-key" });
  readonly #name = h("span");
  readonly #followLabel = h("span");
  readonly #select: HTMLButtonElement;
  readonly #follow: HTMLButtonElement;
  readonly #span = h("span", { class: "sp-btn is-s sp-num sp-zoom" });

  constructor(app: App, viewport: Viewport, popup: Popup, scope: Scope) {
    const words = app.strings;
    this.#app = app;
    this.#viewport = viewport;
    this.#select = button(
      scope,
      {
        class: "sp-select",
        "aria-haspopup": "menu",
        "aria-expanded": false,
      },
      [this.#key, this.#name, icon("caret")],
      () => this.#choose(this.#select, popup),
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
      h("span", { class: "sp-field" }, this.#select),
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
    const shown = words.detectorNames[name] ?? detector.name;
    setText(this.#name, shown);
    setAttribute(this.#select, "aria-label", `${words.detectorBar}: ${shown}`);
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
    setText(
      this.#followLabel,
      behind_s < 0.5 ? words.follow : words.behind(span(Math.round(behind_s), words)),
    );
    setText(this.#span, span(span_s, words));
  }

  #field(scope: Scope, option: Option, label: string, unit: string, className: string): HTMLLabelElement {
    const apply = (value: number) => void this.#apply(option, value);
    const field = new NumberField(scope, { label, unit, name: option, className, apply });
    this.#fields.set(option, field);
    return field.node;
  }

  /** A refused number is put back: the field shows what the kernel runs with. */
  async #apply(option: Option, value: number): Promise<void> {
    const done = await this.#app.setDetector(withPartner(option, value, this.#app.synced.detector));
    if (!done) this.update();
  }

  #choose(opener: HTMLElement, popup: Popup): void {
    const groups = () => detectorGroups(this.#app, () => openNumbers(this.#app, popup, opener));
    popup.list(opener, "menu", this.#app.strings.detectorBar, groups);
  }
}
