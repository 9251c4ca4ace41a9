import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Line, Lines } from "../store/lines.ts";
import type { ComparedRun } from "../wire/messages.ts";
import { h, place, setText, toggle } from "./dom.ts";
import { describe } from "./failure.ts";
import { rowParts, stableLength } from "./transcript-row.ts";

const SHOWN = 60; // rows of a column that are in the page: the kernel has all of them
const AT_END_PX = 24;

/** What listens along with the widget's own session: a column each, or a row where there is little room. */
export class RunsView {
  readonly node: HTMLElement;
  readonly #app: App;
  readonly #columns = new Map<string, RunColumn>();

  constructor(app: App, scope: Scope) {
    this.#app = app;
    this.node = h("section", { class: "sp-runs", "aria-label": app.words.compared, hidden: true });
    scope.effect(() => this.#update());
  }

  /** Brings the columns in line with the sessions that there are. */
  #update(): void {
    const runs = this.#app.synced.get("compared");
    const names = new Set(runs.map(({ name }) => name));
    for (const name of [...this.#columns.keys()]) if (!names.has(name)) this.#columns.delete(name);
    for (const { name } of runs)
      if (!this.#columns.has(name)) this.#columns.set(name, new RunColumn(name, this.#app.words));
    place(
      this.node,
      [...this.#columns.values()].map(({ node }) => node),
    );
    for (const node of [...this.node.children].slice(this.#columns.size)) node.remove();
    this.node.hidden = runs.length === 0;
    for (const run of runs) this.#columns.get(run.name)?.show(run);
    for (const [name, column] of this.#columns) column.say(this.#app.session.runs.of(name));
  }
}

/** One session: its name, what it does differently, its median latency, its words.
 *
 * It is not read out as it comes: the transcript is, and two voices at a time are none.
 */
class RunColumn {
  readonly node: HTMLElement;
  readonly #words: Words;
  readonly #about = h("p", { class: "about", dir: "auto" });
  readonly #latency = h("span", { class: "sp-tag is-lat", hidden: true });
  readonly #state = h("p", { class: "state", role: "status", dir: "auto" });
  readonly #list: HTMLElement;
  readonly #rows = new Map<string, { node: HTMLLIElement; shown: string; text: string }>();

  constructor(name: string, words: Words) {
    this.#words = words;
    this.#latency.title = words.medianLatency;
    this.#list = h("ol", { class: "words", tabindex: 0, "aria-label": words.wordsOf(name) });
    const head = h("header", {}, h("h3", { dir: "auto", title: name }, name), this.#latency);
    this.node = h(
      "section",
      { class: "sp-run", "aria-label": name },
      head,
      this.#about,
      this.#state,
      this.#list,
    );
  }

  show(run: ComparedRun): void {
    const text = this.#situation(run);
    setText(this.#about, run.about);
    setText(this.#state, text);
    this.#state.hidden = text === "";
    toggle(this.node, "is-failed", run.state === "failed");
    toggle(this.node, "is-behind", run.state !== "failed" && run.behind_s > 0);
  }

  /** What there is to say about it; nothing while all is well. */
  #situation({ state, error, behind_s }: ComparedRun): string {
    const words = this.#words;
    if (state === "failed") {
      const { text, detail } = error ? describe(error, words) : { text: "", detail: "" };
      return [words.runFailed, text, detail].filter(Boolean).join(" ");
    }
    if (behind_s > 0) return words.runBehind(String(behind_s));
    return state === "connecting" || state === "stopping" ? words.phase[state] : "";
  }

  say(lines: Lines): void {
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < AT_END_PX;
    const shown = lines.all.slice(-SHOWN);
    const keys = new Set(shown.map(({ key }) => key));
    for (const [key, { node }] of this.#rows) {
      if (keys.has(key)) continue;
      node.remove();
      this.#rows.delete(key);
    }
    place(
      this.#list,
      shown.map((line) => this.#row(line)),
    );
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
    this.#showLatency(lines.latency_s);
  }

  #row(line: Line): HTMLLIElement {
    const known = this.#rows.get(line.key);
    const looks = JSON.stringify([line.kind, line.text, line.stable, line.steps, line.slow]);
    if (known?.shown === looks) return known.node;
    const node = known?.node ?? h("li");
    node.className = `sp-line ${{ gap: "is-gap", partial: "is-partial", final: "" }[line.kind]}`.trim();
    const stable = line.kind === "partial" ? stableLength(line, known?.text ?? "") : line.text.length;
    node.replaceChildren(...rowParts(line, stable, this.#words));
    this.#rows.set(line.key, { node, shown: looks, text: line.text });
    return node;
  }

  #showLatency(latency_s: number | null): void {
    this.#latency.hidden = latency_s === null;
    if (latency_s === null) return;
    const { seconds, median } = this.#words;
    setText(this.#latency, median(seconds(latency_s.toFixed(2))));
  }
}
