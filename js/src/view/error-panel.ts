import type { Strings } from "../i18n/index.ts";
import { Scope } from "../scope.ts";
import type { Action } from "../wire/messages.ts";
import { button, h } from "./dom.ts";
import { ACTION_ICONS, actionLabel, type Problem } from "./failure.ts";
import { icon } from "./icons.ts";

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
        [icon(ACTION_ICONS[action.name] ?? "play"), actionLabel(action, this.#words)],
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
}
