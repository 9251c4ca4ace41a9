import type { App } from "../app.ts";
import type { Words } from "../i18n/index.ts";
import type { Speech } from "../store/lane.ts";
import type { SessionStore } from "../store/session.ts";
import { h, setText } from "./dom.ts";
import { amplitudeDb, clock, decibel } from "./format.ts";
import type { Axis } from "./paint/scene.ts";

/** Rows shown: nobody listens to more, and a day has thousands. */
export const MOST_ROWS = 200;

/** A table for those who do not see the picture, kept out of sight. */
export class HiddenTable {
  readonly node: HTMLElement;
  readonly #caption = h("caption");
  readonly #body = h("tbody");
  #shown = "";

  constructor(columns: readonly string[]) {
    const heads = columns.map((name) => h("th", { scope: "col" }, name));
    const table = h("table", {}, this.#caption, h("thead", {}, h("tr", {}, ...heads)), this.#body);
    this.node = h("div", { class: "sp-vh" }, table);
  }

  show(caption: string, rows: readonly string[][]): void {
    const key = JSON.stringify([caption, rows]);
    if (key === this.#shown) return;
    this.#shown = key;
    setText(this.#caption, caption);
    this.#body.replaceChildren(
      ...rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", { dir: "auto" }, cell)))),
    );
  }
}

/** The last segments and what was said in them. */
export class SegmentTable {
  readonly #app: App;
  readonly #table: HiddenTable;

  constructor(app: App) {
    const { start, end, text } = app.words;
    this.#app = app;
    this.#table = new HiddenTable([start, end, text]);
  }

  get node(): HTMLElement {
    return this.#table.node;
  }

  update(edge_s: number): void {
    const { session, synced, words } = this.#app;
    const found: { start_s: number; end_s: number; open: boolean }[] = [];
    session.segments[synced.side].visit(0, edge_s, edge_s, (start_s, end_s, open) =>
      found.push({ start_s, end_s, open }),
    );
    const rows = found.slice(-MOST_ROWS).map(({ start_s, end_s, open }) => {
      const said = session.lines.all.filter(
        (line) => line.kind === "final" && line.start_s < end_s && line.end_s > start_s,
      );
      return [clock(start_s), open ? words.open : clock(end_s), said.map(({ text }) => text).join(" ")];
    });
    this.#table.show(words.segments, rows);
  }
}

/** The picture in a sentence, for those who do not see it: "12 to 36 s, 4 segments, 1 open". */
export function describePicture(speech: Speech, axis: Axis, edge_s: number, words: Words): string {
  let count = 0;
  let open = false;
  const [from_s, to_s] = [axis.time(0), axis.time(axis.width)];
  speech.visit(from_s, to_s, edge_s, (_start_s, _end_s, still) => {
    count++;
    open ||= still;
  });
  const shown_s = Math.min(to_s, Math.max(edge_s, from_s));
  return words.canvas(from_s.toFixed(0), shown_s.toFixed(0), count, open);
}

/** The loudest sample of the window, in dB of full scale. */
export function peakDb(session: SessionStore, axis: Axis): string {
  const peak = session.drawing.peak(axis.time(0), axis.time(axis.width));
  return decibel(peak === null ? null : peak >= 32767 ? 0 : amplitudeDb(peak), 1);
}
