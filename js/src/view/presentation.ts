import type { Scope } from "../scope.ts";
import type { Line, Lines } from "../store/lines.ts";
import { h } from "./dom.ts";
import { languageTag } from "./format.ts";
import { stableLength } from "./transcript-row.ts";

const BEFORE = 2;
const LONGEST = 600; // more characters than fit on any screen at this size

/** Large captions for a room: the sentence under way, and two before it in grey. New text comes in at the bottom; where
 * words are waited for, dots stand there.
 *
 * Hidden from assistive technology: the transcript, which stays in the page, says the same.
 */
export class Captions {
  readonly node = h("div", { class: "sp-cap", "aria-hidden": "true" });
  readonly #lines: Lines;
  readonly #empty: string;
  #texts = new Map<string, string>();
  #shown = "";

  constructor(lines: Lines, empty: string, scope: Scope) {
    this.#lines = lines;
    this.#empty = empty;
    scope.effect(() => this.#update());
  }

  #update(): void {
    const spoken = this.#lines.all.filter(({ kind }) => kind !== "gap");
    const words = spoken.filter(({ text }) => text !== "");
    const waits = words.length < spoken.length;
    const shown = words.slice(waits ? -BEFORE : -BEFORE - 1);
    const key = JSON.stringify([waits, shown.map(({ key, text, kind }) => [key, text, kind])]);
    if (key === this.#shown) return;
    this.#shown = key;
    const before = this.#texts;
    this.#texts = new Map(shown.map(({ key, text }) => [key, text]));
    const rows = shown.map((line, i) =>
      this.#row(line, !waits && i === shown.length - 1, before.get(line.key) ?? ""),
    );
    if (waits) rows.push(h("p", { class: "coming" }, "…"));
    this.node.replaceChildren(...(rows.length ? rows : [h("p", { class: "was" }, this.#empty)]));
  }

  #row(line: Line, last: boolean, before: string): HTMLElement {
    const attributes = {
      class: last ? null : "was",
      dir: "auto",
      lang: languageTag(line) || null,
    };
    const text = tail(line.text);
    if (line.kind !== "partial") return h("p", attributes, text);
    const dropped = line.text.length - text.length;
    const stable = Math.max(0, stableLength(line, before) - dropped);
    return h(
      "p",
      attributes,
      text.slice(0, stable),
      h("span", { class: "tail" }, `${text.slice(stable).trimEnd()}…`),
    );
  }
}

/** The end of a text, never beginning with half a character. */
function tail(text: string): string {
  return text.length <= LONGEST ? text : text.slice(-LONGEST).replace(/^[\udc00-\udfff]/, "");
}

/** Captions first, for a projector: the whole screen where the browser gives it, else the widget's own place. */
export class Presentation {
  readonly #root: HTMLElement;
  readonly #changed: () => void;
  #whole = false;

  constructor(root: HTMLElement, changed: () => void, scope: Scope) {
    this.#root = root;
    this.#changed = changed;
    // the browser's own Esc ends full screen without telling anybody else
    scope.listen(document, "fullscreenchange", () => {
      const left = this.#whole && !this.#isWhole;
      this.#whole = this.#isWhole;
      if (this.on && left) this.leave();
    });
    scope.own(() => {
      if (this.on && this.#isWhole) void document.exitFullscreen();
    });
  }

  get on(): boolean {
    return this.#root.dataset.form === "presentation";
  }

  toggle(): void {
    if (this.on) this.leave();
    else void this.enter();
  }

  async enter(): Promise<void> {
    this.#root.dataset.form = "presentation";
    this.#changed();
    try {
      await this.#root.requestFullscreen?.();
    } catch {
      // refused, as in frames without the permission: the captions stand in the cell then
    }
  }

  leave(): void {
    delete this.#root.dataset.form;
    if (this.#isWhole) void document.exitFullscreen();
    this.#changed();
  }

  get #isWhole(): boolean {
    const { fullscreenElement } = this.#root.getRootNode() as Document;
    return fullscreenElement === this.#root;
  }
}
