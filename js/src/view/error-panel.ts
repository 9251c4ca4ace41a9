import type { Strings } from "../i18n/index.ts";
import { Scope } from "../scope.ts";
import type { Action } from "../wire/messages.ts";
import { button, h } from "./dom.ts";
import type { Problem } from "./failure.ts";
import { type IconName, icon } from "./icons.ts";

const ICONS: Readonly<Record<string, IconName>> = { retry: "again", use_kernel: "kernel", open_file: "file" };

/** A failure in place of the tracks, of the same height: what happened, what to do, and buttons that do it. */
export class ErrorPanel {
  readonly node = h("div", { class: "sp-msg", role: "alert", hidden: true });
  readonly #words: Strings;
  readonly #run: (action: Action) => void;
  readonly #scope: Scope;
  #content: Scope | null = null;
  #shown = "";

  constructor(words: Strings, run: (action: Action) => void, scope: Scope) {
    this.#words = words;
    this.#run = run;
    this.#scope = scope;
  }

  show(problem: Problem | null): void {
    const key = JSON.stringify(problem);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#content?.dispose();
    this.node.hidden = problem === null;
    this.node.replaceChildren();
    if (!problem) return;
    const scope = new Scope(this.#scope.signal);
    this.#content = scope;
    const buttons = problem.actions.map((action, i) =>
      button(
        scope,
        { class: i === 0 ? "sp-btn is-primary" : "sp-btn" },
        [icon(ICONS[action.name] ?? "play"), this.#label(action)],
        () => this.#run(action),
      ),
    );
    this.node.append(
      h("h3", {}, icon("warn"), problem.title),
      h("p", {}, problem.text),
      h("div", { class: "acts" }, ...buttons),
      problem.detail ? h("p", { class: "fine" }, problem.detail) : "",
    );
  }

  #label({ name, label, label_key }: Action): string {
    return this.#words.action[label_key ?? name] ?? label ?? name;
  }
}
