import type { Scope } from "../scope.ts";
import type { Line } from "../store/thresholds.ts";
import { h, setAttribute } from "./dom.ts";

interface FieldOptions {
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

/** Types the value of a flag in its place. Enter or leaving applies it, Esc puts it back, a double click resets it.
 *
 * It stands beside the flag, not in it: a slider holds no field.
 */
export class ValueField {
  readonly node = h("input", {
    class: "sp-flag-field",
    inputmode: "decimal",
    autocomplete: "off",
    hidden: true,
  });
  #line: Line = "threshold";
  #flag: HTMLElement | null = null;
  #text = "";

  constructor(scope: Scope, apply: (line: Line, value: number) => void, reset: (line: Line) => void) {
    const commit = () => {
      const text = this.node.value.trim().replace(",", ".").replace("−", "-");
      const value = Number(text);
      const changed = text !== "" && text !== this.#text && Number.isFinite(value);
      this.#close();
      if (changed) apply(this.#line, value);
    };
    scope.listen<KeyboardEvent>(this.node, "keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      const flag = this.#flag;
      if (event.key === "Enter") commit();
      else this.#close();
      flag?.focus();
    });
    scope.listen(this.node, "blur", () => {
      if (!this.node.hidden) commit();
    });
    scope.listen(this.node, "dblclick", () => {
      this.#close();
      reset(this.#line);
    });
  }

  open(line: Line, text: string, flag: HTMLElement, label: string): void {
    this.#line = line;
    this.#flag = flag;
    this.#text = text;
    this.node.value = text;
    setAttribute(this.node, "aria-label", label);
    this.node.style.top = `${flag.offsetTop}px`;
    this.node.style.transform = line === "threshold" ? "translateY(-100%)" : "";
    this.node.hidden = false;
    this.node.focus();
    this.node.select();
  }

  #close(): void {
    this.node.hidden = true;
    this.#flag = null;
  }
}
