import { h, setText } from "../../view/dom.ts";
import { clock } from "../../view/format.ts";
import { type IconName, icon } from "../../view/icons.ts";
import { colourOf } from "../../view/paint/palette.ts";
import type { LabApp } from "../app.ts";
import type { Metrics } from "../wire.ts";
import { nameOf, shapeOf } from "./detector-rows.ts";

const COLUMNS = [
  "precision",
  "recall",
  "f1",
  "detection_error_rate",
  "onset_error_s",
  "offset_error_s",
] as const;
type Column = (typeof COLUMNS)[number];
const HIGH_IS_GOOD: ReadonlySet<Column> = new Set(["precision", "recall", "f1"]);

/** One row a detector and one for the server where it was asked, the best of each column marked; the same numbers as `lab.metrics`. */
export class MetricsTable {
  readonly node: HTMLElement;
  readonly #app: LabApp;
  readonly #body = h("tbody");
  readonly #note = h("p", { class: "tbl-note" });
  #shown = "";

  constructor(app: LabApp) {
    const { words } = app;
    this.#app = app;
    const heads = COLUMNS.map((column) => h("th", { scope: "col" }, words.columns[column]));
    this.node = h(
      "section",
      { "aria-label": words.metrics },
      h("h3", {}, words.metrics),
      h(
        "table",
        { class: "tbl" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, words.base.detector), ...heads)),
        this.#body,
      ),
      this.#note,
    );
  }

  /** Which part of the recording it is, where it is not all. */
  #ofWhat(): string {
    const { store, words } = this.#app;
    const [from_s, to_s] = store.span;
    return from_s === 0 && to_s === store.duration_s ? "" : ` ${words.scored(clock(from_s), clock(to_s))}`;
  }

  update(): void {
    const { store, words } = this.#app;
    const rows = store.lanes.map((_, index) => store.metrics(index));
    const asked = store.state?.server;
    if (asked) rows.push(store.serverMetrics);
    setText(
      this.#note,
      store.truth.length > 0
        ? words.metricsNote(String(store.state?.collar_ms ?? 0)) + this.#ofWhat()
        : words.metricsEmpty,
    );
    const labels = store.lanes.map(({ detector }) => detector.label);
    const key = JSON.stringify([rows, labels, store.active]);
    if (key === this.#shown) return; // numbers that someone selects with the mouse stay
    this.#shown = key;
    const best = Object.fromEntries(COLUMNS.map((column) => [column, bestOf(rows, column)]));
    const line = (index: number, colour: string, sign: IconName, name: string, active: boolean) => {
      const cells = COLUMNS.map((column) => {
        const value = rows[index]?.[column] ?? null;
        const isBest = value !== null && best[column] === shownAs(column, value);
        return h("td", { class: isBest ? "best" : "", "data-column": column }, shownAs(column, value));
      });
      const coloured = h("span", { style: `color:var(--sp-${colour})` }, icon(sign));
      const head = h("td", {}, h("span", { class: "nm" }, coloured, name));
      return h("tr", { class: active ? "is-active" : "" }, head, ...cells);
    };
    const lines = store.lanes.map(({ detector }, index) =>
      line(index, colourOf(detector.name), shapeOf(index), nameOf(detector, words), index === store.active),
    );
    if (asked) lines.push(line(lines.length, "server", "kernel", words.base.server, false));
    this.#body.replaceChildren(...lines);
  }
}

/** The best value as it is shown: what looks equal is equally good; nothing, where there is nothing to compare. */
function bestOf(rows: readonly (Metrics | null)[], column: Column): string | null {
  const values = rows.map((row) => row?.[column] ?? null).filter((value) => value !== null);
  if (values.length < 2) return null;
  const worth = (value: number) => (HIGH_IS_GOOD.has(column) ? value : -Math.abs(value));
  return shownAs(
    column,
    values.reduce((best, value) => (worth(value) > worth(best) ? value : best)),
  );
}

export function shownAs(column: Column, value: number | null): string {
  if (value === null) return "–";
  if (column === "detection_error_rate") return `${(100 * value).toFixed(1)} %`;
  if (column === "onset_error_s" || column === "offset_error_s") return signed(Math.round(1000 * value));
  return value.toFixed(3);
}

function signed(ms: number): string {
  return ms < 0 ? `−${-ms}` : `+${ms}`;
}
