import type { Scope } from "../../scope.ts";
import { h, setText } from "../../view/dom.ts";
import { icon } from "../../view/icons.ts";
import type { LabApp } from "../app.ts";
import type { Selection } from "../selection.ts";

const NOTE_MS = 6_000;
const AGE_MS = 10_000; // "saved 20 s ago" goes on

/** What the mouse does now, when the labels were last saved, and what did not work. */
export class LabStatus {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #selection: Selection;
  readonly #sign = h("span", {}, icon("info"));
  readonly #lead = h("b");
  readonly #text = h("span");
  readonly #counts = h("span", { class: "counts" });
  readonly #scope: Scope;
  readonly #before: () => { index: number; spans: ArrayLike<number> } | null;
  #note = "";
  #refusal = "";

  constructor(
    app: LabApp,
    selection: Selection,
    before: () => { index: number; spans: ArrayLike<number> } | null,
    scope: Scope,
  ) {
    this.#app = app;
    this.#selection = selection;
    this.#before = before;
    this.#scope = scope;
    this.node = h(
      "div",
      { class: "sp-status lab-status", role: "status" },
      this.#sign,
      h("span", { class: "msg" }, this.#lead, " ", this.#text),
      this.#counts,
    );
    app.on(scope, "told", ({ refusal, note }) => {
      this.#refusal = refusal?.text ?? "";
      if (note) this.tell(note);
      else this.update();
    });
    scope.interval(() => this.update(), AGE_MS);
  }

  /** A sentence for a while. */
  tell(text: string): void {
    this.#note = text;
    this.#scope.timeout(() => {
      if (this.#note !== text) return;
      this.#note = "";
      this.update();
    }, NOTE_MS);
    this.update();
  }

  update(): void {
    const { store, words } = this.#app;
    const error = this.#refusal || store.state?.saved.error || "";
    this.node.classList.toggle("is-error", error !== "");
    this.#sign.replaceChildren(icon(error ? "warn" : "info"));
    const [lead = "", text = ""] = error ? ["", error] : this.#note ? [this.#note, ""] : this.#hint();
    setText(this.#lead, lead);
    setText(this.#text, text);
    this.node.title = `${lead} ${text}`.trim(); // in narrow views its end is cut off
    const counts = words.counts(store.errors("false_alarms").length, store.errors("missed").length);
    setText(this.#counts, store.truth.length > 0 ? counts : "");
  }

  #hint(): string[] {
    const { store, words } = this.#app;
    const before = this.#before();
    if (before) {
      const now = (store.lanes[before.index]?.spans.length ?? 0) / 2;
      return [words.status.moving[0] ?? "", words.counted(before.spans.length / 2, now)];
    }
    if (this.#app.askingServer) return words.status.asking;
    if (!store.state || store.lanes.some(({ scores, failure }) => !scores && !failure))
      return words.status.loading;
    const [lead = "", text = ""] = this.#selection.painting ? words.status.paint : words.status.look;
    return [lead, `${text} ${this.#kept()}`.trim()];
  }

  #kept(): string {
    const { store, words } = this.#app;
    const { at, path } = store.state?.saved ?? {};
    if (at && path)
      return words.saved(words.ago(Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000))));
    return store.state?.can_undo ? words.notSaved : "";
  }
}
