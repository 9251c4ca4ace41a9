import type { Scope } from "../../scope.ts";
import { button, h, setText } from "../../view/dom.ts";
import { clock } from "../../view/format.ts";
import { icon } from "../../view/icons.ts";
import { shown } from "../../view/scale.ts";
import type { Stretch } from "../../view/viewport.ts";
import type { Compared, LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";
import type { LabDetector, Transcribed } from "../wire.ts";
import { nameOf } from "./detector-rows.ts";

interface Side {
  node: HTMLElement;
  setting: HTMLElement;
  rate: HTMLElement;
  text: HTMLElement;
}

/** What would have been transcribed with these settings, beside the pinned ones: a stretch goes through the server again. */
export class ComparePanel {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #selection: Selection;
  readonly #sides: Record<"now" | "pinned", Side>;
  readonly #stretch = h("small");
  readonly #runLabel = h("span");
  readonly #run: HTMLButtonElement;
  readonly #reference: HTMLInputElement;
  readonly #note: HTMLElement;
  #compared: { result: Compared; now: string; pinned: string } | null = null;
  #running = false;
  #stopped = false;
  #failure = "";

  constructor(app: LabApp, selection: Selection, scope: Scope) {
    const { words } = app;
    this.#app = app;
    this.#selection = selection;
    this.#run = button(
      scope,
      { class: "sp-btn is-s lab-run" },
      [icon("again"), this.#runLabel],
      () => void (this.#running ? this.#stop() : this.#compare()),
    );
    this.#sides = { now: side(words.now), pinned: side(words.pinned) };
    this.#reference = h("input", {
      class: "lab-reference",
      "aria-label": words.reference,
      placeholder: words.reference,
    });
    const [struck = "", said = "", wavy = "", extra = ""] = words.legend;
    this.#note = h("p", { class: "tbl-note" }, h("del", {}, struck), said, h("ins", {}, wavy), extra);
    this.node = h(
      "section",
      { "aria-label": words.compare },
      h(
        "h3",
        {},
        h("span", { class: "sp-cut", title: words.compare }, words.compare),
        this.#stretch,
        h("span", { class: "sp-grow" }),
        this.#run,
      ),
      h("div", { class: "two-texts" }, this.#sides.now.node, this.#sides.pinned.node),
      this.#reference,
      this.#note,
    );
  }

  update(): void {
    const { words, store } = this.#app;
    const stretch = this.#wanted;
    const which = stretch ? words.stretch(clock(stretch.start_s), clock(stretch.end_s)) : "";
    const share = this.#app.comparing.value;
    setText(this.#stretch, share === null ? which : `${words.running} ${Math.floor(100 * share)} %`);
    const label = this.#compared ? words.runAgain : words.run;
    setText(this.#runLabel, this.#running ? words.base.stop : label);
    this.#run.disabled = !this.#running && !stretch;
    this.#run.title = stretch ? "" : words.notYet;
    const now = store.detector(store.active);
    const pinned = store.state?.pinned;
    this.#fill("now", now, this.#compared?.result.now ?? null);
    this.#fill("pinned", pinned, this.#compared?.result.pinned ?? null);
  }

  /** What is selected; without a selection, what was compared last. */
  get #wanted(): Stretch | null {
    return this.#selection.now.stretch ?? this.#compared?.result ?? null;
  }

  #fill(role: "now" | "pinned", detector: LabDetector | undefined, found: Transcribed | null): void {
    const { words } = this.#app;
    const { setting, rate, text, node } = this.#sides[role];
    const current = detector
      ? words.setting(nameOf(detector, words), shown(detector.threshold, detector.unit))
      : "";
    setText(setting, (found && this.#compared?.[role]) || current);
    // texts of other settings stay readable, but are told apart
    node.classList.toggle("is-old", found !== null && role === "now" && this.#compared?.now !== current);
    const counted = (one: Transcribed) =>
      one.rate === null ? words.noReference : words.errorRate(one.measure, one.rate.toFixed(2));
    setText(rate, found ? counted(found) : "");
    if (!found) {
      text.replaceChildren(h("span", { class: "sp-2" }, role === "now" ? this.#failure || words.notYet : ""));
      return;
    }
    const parts = found.words.flatMap(([kind, part], i) => [
      i ? " " : "",
      kind === "same" ? part : h(kind === "said" ? "del" : "ins", {}, part),
    ]);
    text.replaceChildren(...(parts.length > 0 ? parts : [h("span", { class: "sp-2" }, words.nothing)]));
  }

  #stop(): void {
    this.#stopped = true;
    this.#app.stopCompare();
  }

  async #compare(): Promise<void> {
    const stretch = this.#wanted;
    if (!stretch || this.#running) return;
    const { words, store } = this.#app;
    const name = (detector: LabDetector | undefined) =>
      detector ? words.setting(nameOf(detector, words), shown(detector.threshold, detector.unit)) : "";
    const asked = { now: name(store.detector(store.active)), pinned: name(store.state?.pinned) };
    this.#running = true;
    this.#stopped = false;
    this.#failure = "";
    this.update();
    const found = await this.#app.compare(stretch.start_s, stretch.end_s, this.#reference.value.trim());
    this.#running = false;
    if ("kind" in found) {
      this.#compared = this.#stopped ? this.#compared : null;
      this.#failure = this.#stopped ? "" : found.text;
    } else this.#compared = { result: found, ...asked };
    this.update();
  }
}

function side(tag: string): Side {
  const [setting, rate, text] = [h("span"), h("b"), h("p", { dir: "auto" })];
  const head = h("header", {}, h("span", { class: "sp-tag" }, tag), setting, rate);
  return { node: h("div", {}, head, text), setting, rate, text };
}
