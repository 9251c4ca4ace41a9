import type { Strings } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Line, Lines } from "../store/lines.ts";
import { h, setAttribute, setText, toggle } from "./dom.ts";
import { warningWords } from "./failure.ts";
import { clock, languageTag } from "./format.ts";
import { icon } from "./icons.ts";
import { stableLength } from "./stable.ts";

const SLOW_S = 1.5;
const AT_END_PX = 24;

interface Row {
  node: HTMLLIElement;
  text: string;
  kind: Line["kind"];
  stable: number;
}

/** The transcript: finals in a log that is read out, partials in a list below it that is not.
 *
 * The two lists look like one. A row moves from the second to the first when its text is final: at that moment it is
 * the first partial, so it stays where it is on screen.
 */
export class TranscriptView {
  readonly node: HTMLElement;
  readonly #words: Strings;
  readonly #lines: Lines;
  readonly #log = h("ol");
  readonly #partials = h("ol");
  readonly #nothing: HTMLElement;
  readonly #rows = new Map<string, Row>();
  #selected: string | null = null;

  constructor(words: Strings, lines: Lines, select: (line: Line) => void, scope: Scope) {
    this.#words = words;
    this.#lines = lines;
    this.#nothing = h("p", { class: "nothing" }, words.empty);
    const log = h("div", { role: "log", "aria-live": "polite", "aria-label": words.transcript }, this.#log);
    this.node = h("div", { class: "sp-script", tabindex: -1 }, this.#nothing, log, this.#partials);
    const chosen = (event: Event) => {
      const key = (event.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
      const line = key === undefined ? undefined : lines.get(key);
      if (line && line.kind !== "gap" && !getSelection()?.toString()) select(line);
    };
    scope.listen(this.node, "click", chosen);
    scope.listen<KeyboardEvent>(this.node, "keydown", (event) => this.#key(event, chosen));
    this.refresh(words.empty);
  }

  /** Brings the rows in line with the store. `empty` stands there while there are none. */
  refresh(empty: string): void {
    const atEnd = this.#atEnd();
    let pending = false;
    const final: HTMLLIElement[] = [];
    const partial: HTMLLIElement[] = [];
    for (const line of this.#lines.all) {
      pending ||= line.kind === "partial";
      const { node } = this.#fill(line);
      (pending ? partial : final).push(node);
    }
    for (const [key, row] of this.#rows) if (!this.#lines.get(key)) this.#drop(key, row);
    place(this.#log, final);
    place(this.#partials, partial);
    setText(this.#nothing, empty);
    this.#nothing.hidden = this.#rows.size > 0;
    this.#tabStop();
    if (atEnd) this.node.scrollTop = this.node.scrollHeight;
  }

  select(key: string | null): void {
    const before = this.#selected;
    this.#selected = key;
    for (const changed of [before, key]) {
      const line = changed === null ? undefined : this.#lines.get(changed);
      if (line) this.#mark(this.#fill(line).node, line);
    }
    if (key !== null) this.#rows.get(key)?.node.scrollIntoView?.({ block: "nearest" });
  }

  #fill(line: Line): Row {
    const known = this.#rows.get(line.key);
    if (known && known.text === line.text && known.kind === line.kind && known.stable === line.stable)
      return known;
    const node = known?.node ?? h("li", { "data-key": line.key, tabindex: -1 });
    node.className =
      `sp-line ${line.kind === "gap" ? "is-gap" : line.kind === "partial" ? "is-partial" : ""}`.trim();
    const stable = line.kind === "partial" ? stableLength(line, known?.text ?? "") : line.text.length;
    node.replaceChildren(this.#when(line), this.#body(line, stable), ...this.#side(line));
    const row = { node, text: line.text, kind: line.kind, stable: line.stable };
    this.#rows.set(line.key, row);
    this.#mark(node, line);
    return row;
  }

  #when(line: Line): HTMLElement {
    return h("span", { class: "when" }, clock(line.start_s), line.kind === "partial" ? icon("dots") : null);
  }

  #body(line: Line, stable: number): HTMLElement {
    if (line.kind === "gap")
      return h(
        "span",
        { class: "body", dir: "auto" },
        icon("gap"),
        warningWords(line.warning ?? "", line.text, this.#words),
      );
    const [head, tail] = [line.text.slice(0, stable), line.text.slice(stable)];
    const open = line.kind === "partial" ? h("span", { class: "tail" }, `${tail.trimEnd()}…`) : null;
    return h("span", { class: "body", dir: "auto", lang: languageTag(line.language) || null }, head, open);
  }

  #side(line: Line): HTMLElement[] {
    const words = this.#words;
    if (line.kind === "gap") return [];
    if (line.kind === "partial")
      return [h("span", { class: "side" }, h("span", { class: "sp-tag" }, words.partial))];
    const { latency_s } = line;
    const slow = latency_s !== null && latency_s > SLOW_S;
    const text =
      latency_s === null ? "" : `${words.seconds(latency_s.toFixed(2))}${slow ? ` ${words.slow}` : ""}`;
    const language = line.language
      ? h("span", { class: "sp-tag", dir: "auto" }, line.language.slice(0, 12))
      : null;
    const latency = text
      ? h("span", { class: `sp-tag is-lat${slow ? " is-slow" : ""}`, title: words.latency }, text)
      : null;
    return [h("span", { class: "side" }, language, latency)];
  }

  #mark(node: HTMLElement, line: Line): void {
    const on = line.key === this.#selected;
    toggle(node, "is-sel", on);
    setAttribute(node, "aria-current", on ? "true" : null);
  }

  #drop(key: string, row: Row): void {
    row.node.remove();
    this.#rows.delete(key);
  }

  /** New rows scroll into view only if the reader was at the end and selects nothing. */
  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    const selection = getSelection();
    const selecting =
      selection !== null && !selection.isCollapsed && this.node.contains(selection.anchorNode);
    return !selecting && scrollHeight - scrollTop - clientHeight < AT_END_PX;
  }

  #key(event: KeyboardEvent, chosen: (event: Event) => void): void {
    const rows = [...this.node.querySelectorAll<HTMLElement>("li:not(.is-gap)")];
    const here = rows.indexOf(event.target as HTMLElement);
    if (event.key === "ArrowDown") rows[here + 1]?.focus();
    else if (event.key === "ArrowUp") rows[Math.max(0, here - 1)]?.focus();
    else if (event.key === "Enter" && here >= 0) chosen(event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The transcript is one stop in the focus order: its last row, or the row that has the focus. */
  #tabStop(): void {
    const rows = [...this.#rows.values()].filter(({ kind }) => kind !== "gap");
    const focused = rows.find(({ node }) => node === (node.getRootNode() as Document).activeElement);
    const stop = focused ?? rows.at(-1);
    for (const row of rows)
      if (row.node.tabIndex !== (row === stop ? 0 : -1)) row.node.tabIndex = row === stop ? 0 : -1;
  }
}

/** Puts the rows in order; rows already in place are not touched, so that focus and selection stay. */
function place(list: HTMLElement, rows: readonly HTMLElement[]): void {
  for (const [i, row] of rows.entries()) {
    const there = list.children[i];
    if (there === row) continue;
    const focused = row.contains((row.getRootNode() as Document).activeElement);
    list.insertBefore(row, there ?? null);
    if (focused) row.focus({ preventScroll: true });
  }
}
