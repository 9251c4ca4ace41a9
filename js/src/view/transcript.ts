import { computed } from "@preact/signals-core";
import type { Words } from "../i18n/index.ts";
import type { Scope } from "../scope.ts";
import type { Line, Lines } from "../store/lines.ts";
import { h, place, setAttribute, setText, toggle } from "./dom.ts";
import { RowWindow, rowAt } from "./row-window.ts";
import { rowParts, stableLength, tickWaits } from "./transcript-row.ts";

const AT_END_PX = 24;
const TICK_MS = 200; // waiting is told in tenths of a second

/** Where the box is to stand: where it stands, at the end, or at a height in the list. */
type Aim = null | "end" | ((tops: Float64Array) => number);

interface Row {
  node: HTMLLIElement;
  text: string;
  kind: Line["kind"];
  stable: number;
  stage: Line["stage"];
}

/** The transcript: finals in a log that is read out, partials in a list below it that is not.
 *
 * The two lists look like one. A row moves from the second to the first when its text is final: at that moment it is
 * the first partial, so it stays where it is on screen.
 *
 * Of a long session only the rows around the reader and those at the end are in the page. Rows that come back when
 * the reader scrolls stand in a list of the log that is not read out.
 */
export class TranscriptView {
  readonly node: HTMLElement;
  readonly #words: Words;
  readonly #lines: Lines;
  readonly #above = h("div", { "aria-hidden": "true", hidden: true });
  readonly #past = h("ol", { "aria-live": "off", hidden: true });
  readonly #between = h("div", { "aria-hidden": "true", hidden: true });
  readonly #live = h("ol");
  readonly #partials = h("ol");
  readonly #nothing: HTMLElement;
  readonly #rows = new Map<string, Row>();
  readonly #window = new RowWindow();
  #selected: string | null = null;
  /** the row that had the focus when it left the page: the arrow keys go on from there */
  #left: string | null = null;
  #width_px = 0;
  #wasAtEnd = true;

  constructor(words: Words, lines: Lines, empty: () => string, select: (line: Line) => void, scope: Scope) {
    this.#words = words;
    this.#lines = lines;
    this.#nothing = h("p", { class: "nothing" }, words.empty);
    const log = h(
      "div",
      { role: "log", "aria-live": "polite", "aria-label": words.transcript },
      this.#above,
      this.#past,
      this.#between,
      this.#live,
    );
    this.node = h("div", { class: "sp-script", tabindex: -1 }, this.#nothing, log, this.#partials);
    const choose = (key: string | undefined) => {
      const line = key === undefined ? undefined : lines.get(key);
      if (line && line.kind !== "gap" && !getSelection()?.toString()) select(line);
    };
    scope.listen(this.node, "click", (event) => choose(keyAt(event)));
    scope.listen<KeyboardEvent>(this.node, "keydown", (event) => this.#key(event, choose));
    scope.listen(this.node, "focusout", (event) => {
      if (event.target === this.node) this.#left = null;
    });
    scope.listen(this.node, "scroll", () => this.#scrolled());
    const sizes = new ResizeObserver(() => this.#resized());
    sizes.observe(this.node);
    scope.own(() => sizes.disconnect());
    scope.effect(() => this.#refresh(empty()));
    const works = computed(() => lines.all.some(({ stage }) => stage === "committed"));
    let ticks: (() => void) | null = null;
    scope.effect(() => {
      ticks?.();
      ticks = works.value ? scope.interval(() => tickWaits(this.#partials, lines, words), TICK_MS) : null;
    });
  }

  /** Brings the rows in line with the store. `empty` stands there while there are none. */
  #refresh(empty: string): void {
    const atEnd = this.#atEnd();
    this.#arrange(atEnd ? "end" : null);
    setText(this.#nothing, empty);
    this.#nothing.hidden = this.#lines.all.length > 0;
    this.#tabStop();
    if (atEnd) this.node.scrollTop = this.node.scrollHeight;
    this.#wasAtEnd = atEnd;
  }

  select(key: string | null): void {
    const before = this.#selected;
    this.#selected = key;
    if (key !== null) this.#reach(key);
    for (const changed of [before, key]) {
      const line = changed === null ? undefined : this.#lines.get(changed);
      const row = line && this.#rows.get(line.key);
      if (row) this.#mark(row.node, line);
    }
    if (key !== null) this.#rows.get(key)?.node.scrollIntoView?.({ block: "nearest" });
  }

  /** Puts the rows into the page that belong there: those where the reader is, or is to be. */
  #arrange(aim: Aim): void {
    const { all } = this.#lines;
    const range = this.#window;
    if (all.length === 0) range.forgetAll();
    const long = range.isLong(all.length);
    if (long) this.#measure();
    const before = long ? range.tops(all) : null;
    const { top, first, last } = this.#seen(before, aim);
    range.update(all.length, first, last, this.#selecting());
    this.#render();
    if (long) this.#measure();
    const after = long ? range.tops(all) : null;
    const { from, to, live } = range.shown;
    space(this.#above, after?.[from] ?? 0);
    space(this.#between, (after?.[live] ?? 0) - (after?.[to] ?? 0));
    if (!before || !after || aim === "end") return;
    // what is seen stays where it is, although the rows above it are not as high as was thought
    const moved = (after[first] ?? 0) - (before[first] ?? 0);
    const there = aim === null && Math.abs(moved) < 1 ? top : top + moved;
    // also where nothing moved: the box was lower while rows were taken out, and may have been scrolled by that
    if (this.node.scrollTop !== there) this.node.scrollTop = there;
  }

  /** The height at which the box stands or is to stand, and the rows seen there. */
  #seen(tops: Float64Array | null, aim: Aim): { top: number; first: number; last: number } {
    if (!tops) return { top: 0, first: 0, last: 0 };
    const { scrollTop, clientHeight } = this.node;
    const wanted = aim === null ? scrollTop : aim === "end" ? (tops.at(-1) ?? 0) - clientHeight : aim(tops);
    const top = Math.max(0, wanted);
    return { top, first: rowAt(tops, top), last: rowAt(tops, top + clientHeight) };
  }

  #render(): void {
    const { all } = this.#lines;
    const { from, to, live } = this.#window.shown;
    const partial = all.findIndex(({ kind }) => kind === "partial");
    const pending = partial < 0 ? all.length : Math.max(live, partial);
    const lists: [HTMLElement, Line[]][] = [
      [this.#past, all.slice(from, to)],
      [this.#live, all.slice(live, pending)],
      [this.#partials, all.slice(pending)],
    ];
    const shown = new Set(lists.flatMap(([, lines]) => lines.map(({ key }) => key)));
    for (const [key, row] of this.#rows) if (!shown.has(key)) this.#drop(key, row);
    for (const [list, lines] of lists)
      place(
        list,
        lines.map((line) => this.#fill(line).node),
      );
    this.#past.hidden = from === to;
  }

  #measure(): void {
    for (const [key, { node }] of this.#rows)
      if (!this.#window.knows(key)) this.#window.measured(key, node.getBoundingClientRect().height);
  }

  #scrolled(): void {
    const { all } = this.#lines;
    if (!this.#window.isLong(all.length)) return;
    this.#wasAtEnd = this.#atEnd();
    const { first, last } = this.#seen(this.#window.tops(all), null);
    if (this.#window.covers(first, last, this.#selecting())) return;
    this.#arrange(null);
    this.#tabStop();
  }

  /** Lines break elsewhere in another width: what was seen first stays so, and the end stays the end. */
  #resized(): void {
    const { all } = this.#lines;
    const { clientWidth } = this.node;
    if (clientWidth === this.#width_px) {
      this.#scrolled();
      return;
    }
    this.#width_px = clientWidth;
    const { first } = this.#seen(this.#window.tops(all), null);
    this.#window.forgetAll();
    if (!this.#window.isLong(all.length)) return;
    this.#arrange(this.#wasAtEnd ? "end" : (tops) => tops[first] ?? 0);
    this.#tabStop();
    if (this.#wasAtEnd) this.node.scrollTop = this.node.scrollHeight;
  }

  /** Brings a row into the page, if it is not. */
  #reach(key: string): void {
    const i = this.#rows.has(key) ? -1 : this.#lines.all.findIndex((line) => line.key === key);
    if (i < 0) return;
    this.#arrange((tops) => (tops[i] ?? 0) - this.node.clientHeight / 2);
    this.#tabStop();
  }

  #fill(line: Line): Row {
    const known = this.#rows.get(line.key);
    const { text, kind, stable: settled, stage } = line;
    const shown = { text, kind, stable: settled, stage };
    if (known && Object.entries(shown).every(([name, value]) => known[name as keyof Row] === value))
      return known;
    const node = known?.node ?? h("li", { "data-key": line.key, tabindex: -1 });
    node.className =
      `sp-line ${line.kind === "gap" ? "is-gap" : line.kind === "partial" ? "is-partial" : ""}`.trim();
    const stable = line.kind === "partial" ? stableLength(line, known?.text ?? "") : line.text.length;
    node.replaceChildren(...rowParts(line, stable, this.#words));
    const row = { node, ...shown };
    this.#rows.set(line.key, row);
    this.#window.forget(line.key);
    this.#mark(node, line);
    return row;
  }

  #mark(node: HTMLElement, line: Line): void {
    const on = line.key === this.#selected;
    toggle(node, "is-sel", on);
    setAttribute(node, "aria-current", on ? "true" : null);
  }

  #drop(key: string, row: Row): void {
    if (isFocused(row.node)) {
      this.node.focus({ preventScroll: true });
      this.#left = key;
    }
    row.node.remove();
    this.#rows.delete(key);
  }

  /** New rows scroll into view only if the reader was at the end and selects nothing. */
  #atEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    return !this.#selecting() && scrollHeight - scrollTop - clientHeight < AT_END_PX;
  }

  #selecting(): boolean {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && this.node.contains(selection.anchorNode);
  }

  #key(event: KeyboardEvent, choose: (key: string | undefined) => void): void {
    const lines = this.#lines.all.filter(({ kind }) => kind !== "gap");
    const key = keyAt(event) ?? this.#left;
    const here = lines.findIndex((line) => line.key === key);
    if (event.key === "ArrowDown") this.#focus(lines[here + 1]);
    else if (event.key === "ArrowUp") this.#focus(lines[Math.max(0, here - 1)]);
    else if (event.key === "Enter" && here >= 0) choose(lines[here]?.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #focus(line: Line | undefined): void {
    if (!line) return;
    this.#reach(line.key);
    this.#rows.get(line.key)?.node.focus();
    this.#tabStop();
  }

  /** The transcript is one stop in the focus order: its last row, or the row that has the focus. */
  #tabStop(): void {
    const rows = [...this.#rows.values()].filter(({ kind }) => kind !== "gap");
    const last = this.#lines.all.findLast(({ key, kind }) => kind !== "gap" && this.#rows.has(key));
    const stop = rows.find(({ node }) => isFocused(node)) ?? (last && this.#rows.get(last.key));
    for (const row of rows)
      if (row.node.tabIndex !== (row === stop ? 0 : -1)) row.node.tabIndex = row === stop ? 0 : -1;
  }
}

function keyAt(event: Event): string | undefined {
  return (event.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
}

function isFocused(node: HTMLElement): boolean {
  return node === (node.getRootNode() as Document).activeElement;
}

/** Holds the place of rows that are not in the page. */
function space(element: HTMLElement, height_px: number): void {
  element.hidden = height_px <= 0;
  element.style.height = `${height_px}px`;
}
