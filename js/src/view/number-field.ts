import type { Scope } from "../scope.ts";
import { h, setAttribute } from "./dom.ts";

export interface FieldOptions {
  label: string;
  unit?: string;
  /** name of the option, for tests and style sheets */
  name: string;
  className?: string;
  apply(value: number): void;
}

/** A number that can be typed. Enter or leaving the field applies it, Esc puts it back. */
export class NumberField {
  readonly node: HTMLLabelElement;
  readonly #input: HTMLInputElement;
  #shown = "";

  constructor(scope: Scope, { label, unit = "", name, className = "", apply }: FieldOptions) {
    this.#input = h("input", { inputmode: "decimal", autocomplete: "off", "data-option": name });
    this.node = h(
      "label",
      { class: `sp-field ${className}`.trim() },
      h("span", {}, label),
      this.#input,
      unit,
    );
    const commit = () => {
      const text = this.#input.value.trim().replace(",", ".");
      const value = Number(text);
      const valid = text !== "" && Number.isFinite(value) && value >= 0;
      setAttribute(this.#input, "aria-invalid", valid ? null : "true");
      if (valid && text !== this.#shown) apply(value);
    };
    scope.listen(this.#input, "change", commit);
    scope.listen<KeyboardEvent>(this.#input, "keydown", (event) => {
      if (event.key === "Escape" && this.#input.value !== this.#shown) {
        this.#restore();
        event.preventDefault();
      } else if (event.key === "Enter") commit();
    });
    scope.listen(this.#input, "blur", () => {
      if (this.#input.getAttribute("aria-invalid")) this.#restore();
    });
  }

  /** Never writes into a field in which someone types. */
  show(text: string): void {
    this.#shown = text;
    if ((this.#input.getRootNode() as Document).activeElement === this.#input) return;
    this.#restore();
  }

  #restore(): void {
    setAttribute(this.#input, "aria-invalid", null);
    this.#input.value = this.#shown;
  }
}
