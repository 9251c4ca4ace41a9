import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Mark } from "../wire/messages.ts";
import { button, h, setAttribute, setText } from "./dom.ts";
import { clock } from "./format.ts";
import { icon } from "./icons.ts";
import type { Axis } from "./paint/scene.ts";
import type { Popup } from "./popup.ts";

/** Asks for the name of a mark. The mark is there already: Esc leaves it without a name. */
export function nameMark(app: App, popup: Popup, opener: HTMLElement, id: number): void {
  const words = app.words;
  const mark = app.session.marks.get(id);
  const title = mark ? words.markAt(clock(mark.time_s)) : words.mark;
  const asked = { title, label: words.markName, value: mark?.name ?? "" };
  askName(popup, opener, words, asked, (name) => app.renameMark(id, name));
}

/** Asks for a name under a button. */
export function askName(
  popup: Popup,
  opener: HTMLElement,
  words: Words,
  { title, label, value }: { title: string; label: string; value: string },
  use: (name: string) => void,
): void {
  popup.dialog(opener, title, (scope, close) => {
    const input = h("input", {
      type: "text",
      dir: "auto",
      maxlength: 200,
      autocomplete: "off",
      value,
      "aria-label": label,
      placeholder: label,
    });
    const save = () => {
      use(input.value.trim());
      close();
    };
    scope.listen<KeyboardEvent>(input, "keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      save();
    });
    return [
      h("div", { class: "line" }, input, button(scope, { class: "sp-btn is-primary" }, [words.save], save)),
    ];
  });
}

/** The flags of the marks, at their time in the waveform. */
export class Marks {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #strip = h("div");
  readonly #flags = new Map<number, HTMLButtonElement>();
  readonly #scope: Scope;
  readonly #rename: (opener: HTMLElement, id: number) => void;
  #shown = "";

  constructor(app: App, rename: (opener: HTMLElement, id: number) => void, scope: Scope) {
    this.#app = app;
    this.#scope = scope;
    this.#rename = rename;
    this.node = h("div", { class: "sp-strip sp-marks" }, this.#strip);
  }

  /** Called with every painted frame: flags are placed anew when the window or the marks changed, else only shifted. */
  update(axis: Axis): void {
    const { marks } = this.#app.session;
    const [from_s, to_s] = [axis.time(0), axis.time(axis.width)];
    const key = `${axis.px_per_s} ${marks.size}`;
    const seen = new Set<number>();
    for (const mark of marks.values()) {
      if (mark.time_s < from_s || mark.time_s > to_s) continue;
      seen.add(mark.id);
      this.#place(mark, axis, key !== this.#shown);
    }
    this.#shown = key;
    for (const [id, flag] of this.#flags) {
      if (seen.has(id)) continue;
      flag.remove();
      this.#flags.delete(id);
    }
    this.#strip.style.transform = `translateX(${-axis.origin / axis.ratio}px)`;
  }

  #place(mark: Mark, axis: Axis, moved: boolean): void {
    const known = this.#flags.get(mark.id);
    const flag = known ?? this.#flag(mark.id);
    if (!known || moved) flag.style.left = `${axis.x(mark.time_s) + axis.origin / axis.ratio}px`;
    const words = this.#app.words;
    const name = mark.name || words.mark;
    setText(flag.querySelector("span") as HTMLElement, mark.name);
    setAttribute(flag, "aria-label", `${name}, ${clock(mark.time_s)}`);
    setAttribute(flag, "title", `${name}, ${clock(mark.time_s)}`);
  }

  #flag(id: number): HTMLButtonElement {
    const flag = button(this.#scope, { class: "sp-mark" }, [icon("flag"), h("span", { dir: "auto" })], () =>
      this.#rename(flag, id),
    );
    this.#flags.set(id, flag);
    this.#strip.append(flag);
    return flag;
  }
}
