import type { Scope } from "../../scope.ts";
import { copyText } from "../../view/clipboard.ts";
import { button, h, rovingFocus, setAttribute, setText } from "../../view/dom.ts";
import { icon } from "../../view/icons.ts";
import type { LabApp } from "../app.ts";

const FORMS = ["code", "turn_detection", "json"] as const;
type Form = (typeof FORMS)[number];

/** The tuned detector to copy, and to use in the live session. */
export class ExportPanel {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #note: (text: string) => void;
  readonly #tabs = new Map<Form, HTMLButtonElement>();
  readonly #text = h("pre", { class: "code", tabindex: 0 });
  readonly #live: HTMLButtonElement;
  #form: Form = "code";
  #asked = "";

  constructor(app: LabApp, note: (text: string) => void, scope: Scope) {
    const { words } = app;
    this.#app = app;
    this.#note = note;
    const tabs = h("span", { class: "tabs", role: "tablist" });
    for (const form of FORMS) {
      const tab = button(scope, { role: "tab" }, [words.forms[form]], () => {
        this.#form = form;
        this.update();
      });
      this.#tabs.set(form, tab);
      tabs.append(tab);
    }
    rovingFocus(scope, tabs, "[role=tab]", "horizontal");
    this.#live = button(scope, { class: "sp-btn is-primary" }, [words.useLive], () => void this.#useLive());
    const copy = button(scope, { class: "sp-btn" }, [icon("copy"), words.copy], () => void this.#copy());
    this.node = h(
      "section",
      { "aria-label": words.use },
      h(
        "h3",
        {},
        h("span", { class: "sp-cut", title: words.use }, words.use),
        h("span", { class: "sp-grow" }),
        tabs,
      ),
      this.#text,
      h("div", { class: "lab-acts" }, this.#live, copy),
    );
  }

  update(): void {
    const { store } = this.#app;
    for (const [form, tab] of this.#tabs) setAttribute(tab, "aria-selected", form === this.#form);
    const detector = store.lane?.detector;
    if (!detector) return;
    if (this.#form === "code") {
      this.#asked = "";
      setText(this.#text, detector.code);
      return;
    }
    const key = `${this.#form} ${detector.code}`;
    if (key === this.#asked) return;
    this.#asked = key;
    void this.#ask(key);
  }

  async #ask(key: string): Promise<void> {
    const { failure, data } = await this.#app.export(this.#form);
    if (key === this.#asked) setText(this.#text, failure?.text ?? String(data.text ?? ""));
  }

  async #useLive(): Promise<void> {
    const { words, refusal } = this.#app;
    const made = await this.#app.useLive();
    if (refusal.value) return;
    if (!made || made.placed) this.#note(made ? words.cellMade : words.usedLive);
    else {
      this.#asked = made.code; // it stays to be copied by hand, too
      setText(this.#text, made.code);
      this.#note((await copyText(made.code, this.node)) ? words.cellCopied : words.cellShown);
    }
  }

  async #copy(): Promise<void> {
    const { copied, notCopied } = this.#app.words.base;
    const done = await copyText(this.#text.textContent ?? "", this.node);
    this.#note(done ? copied : notCopied);
  }
}
